"""The test email is told step by step by the servers that a site runs under, and noted when the browser goes away."""

import http.client
import json
import re
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import pytest

from tests.servers.processes import ROOT, Site
from tests.servers.scripted import ScriptedServer, when
from tests.sessions import RECIPIENT

pytestmark = pytest.mark.slow

SERVERS: Final = {
    "gunicorn": ["gunicorn", "-b", "127.0.0.1:0", "mailconfig.website.wsgi"],
    "waitress": ["waitress", "--listen=127.0.0.1:0", "mailconfig.website.wsgi:application"],
    "uvicorn": ["uvicorn", "--port", "0", "mailconfig.website.asgi:application"],
}
PREPARED: Final = """
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from mailconfig.models import MailServer
call_command("migrate", verbosity=0)
row = MailServer.objects.create(alias="default", from_email="site@example.com", timeout=20, **given)
client = Client()
client.force_login(User.objects.create_superuser("alice"))
answer([row.pk, client.cookies["sessionid"].value])
"""
CSRF: Final = "c" * 32


@dataclass
class Scene:
    """A database with a mail server and somebody who may test it, without a web server."""

    database: Path
    site: Site
    smtp: ScriptedServer

    def __post_init__(self) -> None:
        row = {"host": self.smtp.host, "port": self.smtp.port, "security": "none", "auth_method": "none"}
        self.pk, self.session = self.site.run(PREPARED, **row).answer

    @contextmanager
    def press(self, port: int) -> Iterator[http.client.HTTPResponse]:
        """The answer to the dialog's script, as far as it came; the browser goes away at the end."""
        headers = {
            "Cookie": f"sessionid={self.session}; csrftoken={CSRF}",
            "X-CSRFToken": CSRF,
            "X-Requested-With": "fetch",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        path = f"/admin/mailconfig/mailserver/{self.pk}/test/"
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            connection.request("POST", path, urlencode({"recipient": RECIPIENT}), headers)
            with connection.getresponse() as response:
                assert response.status == 200
                yield response

    def hold_mail_up(self) -> threading.Event:
        """Until it is set, for a while."""
        may_go_on = threading.Event()
        self.smtp.script = {"MAIL": when(may_go_on, "250 2.1.0 At last")}
        return may_go_on

    def noted(self) -> list[str]:
        with closing(sqlite3.connect(self.database)) as database:
            return [row[0] for row in database.execute("SELECT change_message FROM django_admin_log ORDER BY id")]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    database = tmp_path_factory.mktemp("site") / "db"
    with ScriptedServer() as smtp:
        yield Scene(database, Site(f"sqlite:///{database}"), smtp)


@contextmanager
def serving(name: str, scene: Scene) -> Iterator[int]:
    """The port of the site under that server, in one process."""
    command, environment = [sys.executable, "-m", *SERVERS[name]], {**scene.site.environment, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        try:
            yield next(int(at[1]) for line in process.stderr if (at := re.search(r"http://127.0.0.1:(\d+)", line)))
        finally:
            process.terminate()
            process.communicate(timeout=30)


@pytest.mark.parametrize("name", SERVERS)
def test_steps_arrive_as_they_end_and_an_outcome_is_noted_for_nobody_too(scene: Scene, name: str) -> None:  # S-23
    before = len(scene.noted())
    with serving(name, scene) as port:
        may_go_on = scene.hold_mail_up()
        with scene.press(port) as response:
            steps = [json.loads(response.readline()) for _step in range(5)]
            assert "Authenticate" in steps[-1]["step"]
            may_go_on.set()  # had the server collected the lines, it would have been too late
            *more, outcome = [json.loads(line) for line in response.read().splitlines()]
        assert len(more) == 3
        assert f"Sent to {RECIPIENT}" in outcome["outcome"]

        may_go_on = scene.hold_mail_up()
        with scene.press(port) as response:
            response.readline()
        may_go_on.set()
        until = time.monotonic() + 20
        while len(noted := scene.noted()[before:]) < 2 or not all("sent" in one for one in noted):
            assert time.monotonic() < until, noted
            time.sleep(0.02)
