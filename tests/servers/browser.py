"""A Chromium to drive: the machine's own, else Playwright's, else one that Playwright fetches."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import django
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running Chromium."""
    with _orm_beside_playwright(), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def _orm_beside_playwright() -> Iterator[None]:
    # Playwright's loop runs in the thread of the test, and Django would take it for an async view's.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    try:
        yield
    finally:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@cache
def find_browser() -> str | None:
    """Where there is a Chromium."""
    on_this_machine = shutil.which("chromium", path=f"/usr/bin{os.pathsep}{os.environ.get('PATH', '')}")
    return on_this_machine or _playwrights_own()


def _playwrights_own() -> str | None:
    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    if not path.exists():
        command = [sys.executable, "-m", "playwright", "install", "chromium"]
        subprocess.run(command, capture_output=True, timeout=300, check=False)
    return str(path) if path.exists() else None


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
    # Without preloading: it makes style elements, which the policy of the page forbids.
    # Without Django's breadcrumbs before 6.1: they are links without an underline.
    context = None if django.VERSION >= (6, 1) else {"exclude": [[".breadcrumbs"]]}
    results = Axe().run(page, context=context, options={"preload": False})
    return str(results.generate_report()) if results.violations_count else ""
