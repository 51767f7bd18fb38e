"""Looks for words in the help."""

import re
from dataclasses import dataclass
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from .pages import Section, pages

MOST_FOUND: Final = 20
MOST_WORDS: Final = 10
LONGEST_QUERY: Final = 200
_AROUND: Final = 100
"""Letters of an excerpt before what was found, and twice as many behind."""
_IN_TITLE: Final = 10
_IN_TITLE_OF_PAGE: Final = 5
_MOST_IN_TEXT: Final = 5


@dataclass(frozen=True)
class Found:
    section: Section
    title: SafeString
    excerpt: SafeString


def search(query: str) -> list[Found]:
    """The sections that have most of the words, best first; a word is found within others too."""
    typed = list(dict.fromkeys(re.findall(r"\w+", query)))[:MOST_WORDS]
    words = [re.compile(re.escape(word), re.IGNORECASE) for word in typed]
    every = [(_score(section, words), section) for page in pages().values() for section in page.sections]
    most = max((score for score, _section in every), default=(0, 0))[0]
    best = [(score, section) for score, section in every if score[0] == most > 0]
    best.sort(key=lambda found: found[0], reverse=True)
    return [_found(section, words) for _score, section in best[:MOST_FOUND]]


def _score(section: Section, words: list[re.Pattern[str]]) -> tuple[int, int]:
    """How many of the words are there, and how much they matter there."""
    weights = [_weight(section, word) for word in words]
    return sum(map(bool, weights)), sum(weights)


def _weight(section: Section, word: re.Pattern[str]) -> int:
    weight = min(len(word.findall(section.text)), _MOST_IN_TEXT) + _IN_TITLE * bool(word.search(section.title))
    # The title of the page tells where a section belongs, but a section without the word is not what was looked for.
    return weight + _IN_TITLE_OF_PAGE * bool(weight and word.search(section.page.title))


def _found(section: Section, words: list[re.Pattern[str]]) -> Found:
    pattern = re.compile("|".join(word.pattern for word in words), re.IGNORECASE)
    return Found(section, _marked(section.title, pattern), _marked(_excerpt(section.text, pattern), pattern))


def _excerpt(text: str, pattern: re.Pattern[str]) -> str:
    match = pattern.search(text)
    middle = match.start() if match else 0
    start = text.rfind(" ", 0, max(middle - _AROUND, 0)) + 1
    end = text.find(" ", middle + 2 * _AROUND)
    return ("… " if start else "") + (text[start:] if end < 0 else f"{text[start:end]} …")


def _marked(text: str, pattern: re.Pattern[str]) -> SafeString:
    pieces = re.split(f"({pattern.pattern})", text, flags=re.IGNORECASE)  # every second one was found
    marked = ((format_html("<mark>{}</mark>", piece) if number % 2 else piece,) for number, piece in enumerate(pieces))
    return format_html_join("", "{}", marked)
