"""A change of the server is in force in every worker process at its next mail, without a restart."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final
from urllib.request import urlopen

import pytest

from tests.conftest import SMTPServerFactory
from tests.servers.smtp import SMTPServer

ROOT: Final = Path(__file__).resolve().parent.parent
SITE: Final = """
import os, time
import django
django.setup()
from django.core.mail import send_mail

def application(environ, start_response):
    time.sleep(0.05)  # so that the other worker takes the next request
    send_mail("Hello", "Hello", None, ["reader@example.com"])
    start_response("200 OK", [])
    return [str(os.getpid()).encode()]
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "mailing_site.py").write_text(SITE)
    own = {"DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": f"sqlite:///{tmp_path / 'db'}"}
    return {**os.environ, **own, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}


@pytest.fixture
def manage(environment: dict[str, str]) -> Callable[..., None]:
    def manage(*arguments: str) -> None:
        command = [sys.executable, "-m", "django", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr

    return manage


@pytest.fixture
def configure(manage: Callable[..., None]) -> Callable[[SMTPServer], None]:
    """Set the mail server as an administrator would on the command line; the settings page saves the same row."""
    manage("migrate", "--verbosity=0")

    def configure(server: SMTPServer) -> None:
        address = [f"--host={server.host}", f"--port={server.port}", "--from-email=site@example.com"]
        manage("mailserver", "set", *address, "--security=none", "--auth-method=none")

    return configure


@pytest.fixture
def url(environment: dict[str, str]) -> Iterator[str]:
    """A site with two workers."""
    command = [sys.executable, "-m", "gunicorn", "-w", "2", "-b", "127.0.0.1:0", "mailing_site"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as master:
        try:
            assert master.stderr
            yield next(found[0] for line in master.stderr if (found := re.search(r"http://\S+", line)))
        finally:
            master.terminate()
            master.communicate(timeout=30)


def mail_from_both_workers(url: str) -> set[int]:
    """Ask until each has sent a mail: their process ids."""

    def ask(_number: int) -> int:
        with urlopen(url, timeout=10) as response:
            return int(response.read())

    workers: set[int] = set()
    deadline = time.monotonic() + 20
    with ThreadPoolExecutor(4) as pool:
        while len(workers) < 2:
            assert time.monotonic() < deadline, "only one worker ever answered"
            workers |= set(pool.map(ask, range(4)))
    return workers


def pids(server: SMTPServer) -> set[int]:
    """The processes that sent to it: Python writes the id into the Message-ID."""
    return {int(received.message["Message-ID"].split(".")[1]) for received in server.messages}


def test_both_workers_send_to_the_new_server(
    smtp_server: SMTPServerFactory, configure: Callable[[SMTPServer], None], request: pytest.FixtureRequest
) -> None:
    old, new = smtp_server(), smtp_server()
    configure(old)
    url = request.getfixturevalue("url")
    workers = mail_from_both_workers(url)
    assert pids(old) == workers
    before = len(old.messages)
    configure(new)
    assert mail_from_both_workers(url) == workers
    assert pids(new) == workers
    assert len(old.messages) == before
