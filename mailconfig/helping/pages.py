"""The pages of the help, as they are in docs/help: one file for each, in a folder for each language."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final

from django.utils.safestring import SafeString
from django.utils.text import slugify
from django.utils.translation import get_language

from . import markdown

_APP: Final = Path(__file__).resolve().parent.parent
FOLDERS: Final = (_APP / "help", _APP.parent / "docs" / "help")
"""In the installed package, and in the repository."""

COMPLETE: Final = "en"
"""The language that has every page; where another lacks one, this one is shown."""

LINK: Final = re.compile(r"(?:\d+-(?P<page>[a-z0-9-]+)\.md)?(?:#(?P<anchor>.*))?")


@dataclass(frozen=True)
class Section:
    """A heading below the title of a page, to link to and to search."""

    page: "Page"
    level: int
    anchor: str
    title: str
    text: str


@dataclass(frozen=True)
class Page:
    """One file. `anchors` belong to its headings in order and are those of the English page, in every language."""

    name: str
    language: str
    source: str
    anchors: tuple[str, ...]

    @cached_property
    def sections(self) -> list[Section]:
        """The first is the page itself."""
        found = zip(self.anchors, markdown.parts(self.source), strict=True)
        return [Section(self, part.level, anchor, part.title, part.text) for anchor, part in found]

    @property
    def title(self) -> str:
        return self.sections[0].title

    @cached_property
    def summary(self) -> str:
        return markdown.first_paragraph(self.source)

    def html(self) -> SafeString:
        """For a page of its own, which shows the title itself."""
        return markdown.render(
            self.source,
            self.anchors,
            lambda link: _followed(link, lambda page, anchor: (f"../{page}/" if page else "") + anchor),
            with_title=False,
        )

    def part_of_all(self) -> SafeString:
        """For a page with all of them, where every anchor has the name of its page before it."""
        ids = [self.name, *(f"{self.name}.{anchor}" for anchor in self.anchors[1:])]
        return markdown.render(
            self.source,
            ids,
            lambda link: _followed(link, lambda page, anchor: f"#{page or self.name}" + anchor.replace("#", ".", 1)),
            deeper=1,
        )


def _followed(link: str, address: Callable[[str, str], str]) -> str:
    """A link to another page, as in `03-ehlo-name.md#the-three-choices`, with its address on this page."""
    match = LINK.fullmatch(link)
    if not match:
        return link
    return address(match["page"] or "", f"#{match['anchor']}" if match["anchor"] else "")


def pages() -> dict[str, Page]:
    """All of them by name, in order, in the language of whoever reads, else in English."""
    return _pages((get_language() or COMPLETE).split("-")[0])


@cache
def _pages(language: str) -> dict[str, Page]:
    folder = next(folder for folder in FOLDERS if folder.is_dir())
    found = [_page(file, folder / language / file.name, language) for file in sorted((folder / COMPLETE).glob("*.md"))]
    return {page.name: page for page in found}


def _page(complete: Path, translated: Path, language: str) -> Page:
    english = complete.read_text(encoding="utf-8")
    anchors = tuple(slugify(part.title) for part in markdown.parts(english))
    assert max(Counter(anchors).values()) == 1, f"Two headings of {complete.name} have one anchor"
    name = complete.stem.partition("-")[2]
    if translated.is_file():
        return Page(name, language, translated.read_text(encoding="utf-8"), anchors)
    return Page(name, COMPLETE, english, anchors)
