"""Tests that need what a machine may lack are skipped with a sentence on how to get it; CI allows no skip at all."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Generator
from functools import cache
from importlib.util import find_spec
from typing import Final

import pytest

from tests.servers.browser import find_browser
from tests.servers.node_provider import installed

SERVER_FOLDERS: Final = ["/usr/sbin", "/usr/local/sbin", "/usr/lib/dovecot"]
"""Only root has them in PATH, or nobody."""


def program(name: str) -> str:
    """Where a program is; an empty text if it isn't installed."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *SERVER_FOLDERS])) or ""


@cache
def dovecot_version() -> str:
    found = program("dovecot")
    return subprocess.run([found, "--version"], capture_output=True, check=False, text=True).stdout if found else ""


@cache
def reaches_pypi() -> bool:
    command = [sys.executable, "-m", "pip", "--retries", "1", "index", "versions", "Django"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@cache
def finds_pango() -> bool:
    try:
        import weasyprint  # noqa: F401
    except OSError:
        return False
    return True


def own_address() -> str:
    """An address of this machine beside 127.0.0.1; an empty text if it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return ""
        return str(sock.getsockname()[0])


KINDS: Final[dict[str, tuple[Callable[[], object], str]]] = {
    "browser": (
        find_browser,
        "There is no browser. To run its tests: apt-get install chromium, or uv run playwright install --with-deps "
        "chromium.",
    ),
    "postfix": (
        lambda: program("postfix") and os.geteuid() == 0,
        "There is no Postfix that may be started (needs root). To run its tests: apt-get install postfix sasl2-bin "
        "libsasl2-modules, then run them as root.",
    ),
    "dovecot": (
        lambda: dovecot_version().startswith("2.3.") and program("submission-login") and os.geteuid() == 0,
        "There is no Dovecot 2.3 that may be started (needs root). To run its tests: apt-get install dovecot-core "
        "dovecot-submissiond (of Debian 12), then run them as root.",
    ),
    "mariadb": (
        lambda: program("mariadbd") and find_spec("MySQLdb"),
        "There is no MariaDB, or no driver for it. To run its tests: apt-get install mariadb-server libmariadb-dev "
        "pkg-config gcc, then uv run --group mariadb pytest.",
    ),
    "redis": (
        lambda: program("redis-server"),
        "There is no Redis. To run its tests: apt-get install redis-server.",
    ),
    "npm": (
        installed,
        "The npm package oidc-provider is not here and can't be fetched. To run its tests: connect this machine to "
        "the npm registry (node and npm themselves come with uv sync).",
    ),
    "network": (
        own_address,
        "This machine has no address but 127.0.0.1. To run the tests that need another: connect it to a network.",
    ),
    "pango": (
        finds_pango,
        "WeasyPrint does not find Pango. To run the tests of the PDF: apt-get install libpango-1.0-0 libpangoft2-1.0-0 "
        "libharfbuzz-subset0 fonts-dejavu-core.",
    ),
    "pypi": (
        reaches_pypi,
        "pip reaches no package index. To run the tests that fetch packages: connect this machine to PyPI.",
    ),
}
"""Marker: whether this machine has it, and how to get it."""

REFUSED: Final = "REQUIRE_ALL_TESTS is set, but this test did not run: "


def skip_what_cannot_run(item: pytest.Item) -> None:
    # One place skips, so that pytest's closing lines name each reason once.
    for marker, (is_here, how_to_get_it) in KINDS.items():
        if item.get_closest_marker(marker) and not is_here():
            pytest.skip(how_to_get_it)


def refuse_skips(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Under REQUIRE_ALL_TESTS=1 make a failure of what was skipped or is expected to fail."""
    unexpected = report.outcome == "skipped" or hasattr(report, "wasxfail")
    if unexpected and os.environ.get("REQUIRE_ALL_TESTS") == "1":
        report.longrepr = REFUSED + _reason(report)
        report.outcome = "failed"
        report.__dict__.pop("wasxfail", None)


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    if hasattr(report, "wasxfail"):
        return f"expected to fail: {report.wasxfail}"
    return str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    refuse_skips(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    refuse_skips(report)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    skip_what_cannot_run(item)
