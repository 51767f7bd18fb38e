"""A Chromium to drive: the machine's own, else Playwright's, else one that Playwright fetches."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, sync_playwright

NO_BROWSER: Final = (
    "There is no browser for the tests in one. To run them: apt-get install chromium, or uv run playwright install "
    "--with-deps chromium."
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running Chromium; skips the test when there is none to be had."""
    with _orm_beside_playwright(), sync_playwright() as playwright:
        path = _find(playwright)
        if path is None:
            pytest.skip(NO_BROWSER)
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def _orm_beside_playwright() -> Iterator[None]:
    # Playwright's loop runs in the thread of the test, and Django would take it for an async view's.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    yield
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


def _find(playwright: Playwright) -> str | None:
    on_this_machine = shutil.which("chromium", path=f"/usr/bin{os.pathsep}{os.environ.get('PATH', '')}")
    own = Path(playwright.chromium.executable_path)
    if on_this_machine or own.exists():
        return on_this_machine or str(own)
    _fetch_once()
    return str(own) if own.exists() else None


@cache
def _fetch_once() -> None:
    command = [sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"]
    subprocess.run(command, capture_output=True, timeout=300, check=False)


class Complaints(list[str]):
    """What the browser itself objected to: a violated Content-Security-Policy, an error in a script."""

    def watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.append(str(error)))
        page.on("console", self._read)

    def _read(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.append(message.text)


def accessibility_faults(page: Page) -> str:
    """What axe finds on the page as it is now, as a text; empty if it finds nothing."""
    results = Axe().run(page)
    return str(results.generate_report()) if results.violations_count else ""
