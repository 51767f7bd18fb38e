"""The whole help as one PDF, made on this machine by WeasyPrint, which is an optional extra."""

from ctypes.util import find_library
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from django.template.loader import render_to_string

from .pages import pages

STYLE: Final = Path(__file__).with_suffix(".css")


class CannotMake(Exception):
    """WeasyPrint is not installed, or lacks a library of the system."""


@cache
def is_offered() -> bool:
    """Whether it is likely to work; only `make` knows, which loads all that it needs."""
    return bool(find_spec("weasyprint") and find_library("pango-1.0"))


def make(title: str, language: str) -> bytes:
    """The PDF, with a bookmark for each heading. It asks nobody for anything. Raises CannotMake."""
    return _made(render_to_string("mailconfig/help/pdf.html", _context(title, language)))


def _context(title: str, language: str) -> dict[str, object]:
    return {"title": title, "language": language, "pages": pages().values()}


@cache
def _made(html: str) -> bytes:
    """Made once for each language and process: the texts come with the release."""
    try:
        from weasyprint import CSS, HTML
        from weasyprint.urls import URLFetcher
    except (ImportError, OSError) as error:
        raise CannotMake from error
    nobody = URLFetcher(allowed_protocols=())
    style = CSS(string=STYLE.read_text(encoding="utf-8"), url_fetcher=nobody)
    document: bytes = HTML(string=html, url_fetcher=nobody).write_pdf(stylesheets=[style], pdf_tags=True)
    return document
