"""Markdown of the help as HTML and as words to search: the only file that uses a Markdown library."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from django.utils.safestring import SafeString, mark_safe

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token


@dataclass(frozen=True)
class Part:
    """A heading with the plain words below it; `level` is 1 for the title of the page."""

    level: int
    title: str
    text: str


@cache
def _markdown() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    return MarkdownIt("js-default")  # with tables, without raw HTML


def parts(source: str) -> list[Part]:
    """What is below each heading, in order. The source begins with a heading."""
    tokens = _markdown().parse(source)
    starts = [number for number, token in enumerate(tokens) if token.type == "heading_open"]
    sections = [tokens[start:end] for start, end in zip(starts, [*starts[1:], len(tokens)], strict=True)]
    return [
        Part(int(section[0].tag[1]), _words(section[1]), _sentences(map(_words, section[3:]))) for section in sections
    ]


def first_paragraph(source: str) -> str:
    """The plain words between the title and what follows."""
    tokens = _markdown().parse(source)
    return _words(next(inner for outer, inner in pairwise(tokens) if outer.type == "paragraph_open"))


def _sentences(pieces: Iterable[str]) -> str:
    """One text, in which the cells of a table are told apart too."""
    return " ".join(piece if piece.endswith((".", ":", "?")) else f"{piece}." for piece in pieces if piece)


def _words(token: "Token") -> str:
    if token.type != "inline":
        return " ".join(token.content.split())
    shown = ("text", "code_inline")
    return "".join(child.content if child.type in shown else " " for child in _without_marks(token))


def _without_marks(token: "Token") -> Iterator["Token"]:
    return (child for child in token.children or () if not child.nesting)


def render(
    source: str, ids: Sequence[str], address: Callable[[str], str], *, deeper: int = 0, with_title: bool = True
) -> SafeString:
    """HTML, with an id for each heading. `address` turns what a link has in the source into what it has in the page."""
    markdown = _markdown()
    tokens = markdown.parse(source)
    waiting = iter(ids)
    for token in tokens:
        if token.type == "heading_open":
            token.attrSet("id", next(waiting))
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{int(token.tag[1]) + deeper}"
        elif token.type == "th_open":
            token.attrSet("scope", "col")
        for child in token.children or ():
            if child.type == "link_open":
                child.attrSet("href", address(str(child.attrGet("href"))))
    html: str = markdown.renderer.render(tokens if with_title else tokens[3:], markdown.options, {})
    return mark_safe(html)  # noqa: S308 - our own texts, and the library escapes all HTML in them
