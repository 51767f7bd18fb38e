"""Thousands of errors in threads of several processes: few mails, and their counts add up to every one of them."""

import re
import shutil
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import SMTPServerFactory
from tests.notifying import RECIPIENT, text_of
from tests.servers.processes import Site
from tests.servers.smtp import SMTPServer

CONFIGURE: Final = """
from mailconfig.models import MailServer
from mailconfig.notifications.models import Notifications
fields = {"security": "none", "auth_method": "none", "from_email": "site@example.com"}
MailServer.objects.create(host="127.0.0.1", port=given["port"], **fields)
Notifications.objects.create(recipients=given["recipient"])
"""
FAILING_SITE: Final = """
import logging, sys, threading, types
from django.conf import settings
from django.test import Client
from django.urls import path
from mailconfig.notifications.handler import NotificationHandler

def fail(request):
    raise ValueError("it broke")

settings.ROOT_URLCONF = types.ModuleType("failing")
settings.ROOT_URLCONF.urlpatterns = [path("fail/", fail)]
logging.getLogger("django").handlers = [NotificationHandler()]
logging.getLogger("mailconfig").setLevel("CRITICAL")

def visit():
    client = Client(raise_request_exception=False)
    for _time in range(given["times"]):
        assert client.get("/fail/").status_code == 500
"""
BURST: Final = """
threads = [threading.Thread(target=visit) for _thread in range(given["threads"])]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""
LATER: Final = """
from datetime import timedelta
from django.utils import timezone
from mailconfig.notifications.delivery import send_due
answer([send_due(timezone.now() + timedelta(minutes=minutes)).mail for minutes in (0, 11, 22)])
"""
ONE_AND_KILLED: Final = """
import os, time
visit()
from mailconfig.notifications.models import Happening
until = time.monotonic() + 20
while not Happening.objects.filter(count=4).exists() and time.monotonic() < until:
    time.sleep(0.05)
os.kill(os.getpid(), 9)
"""
FORKED: Final = """
import os
from mailconfig.notifications.occasions import notify
notify("job_failed", "Of the parent")
pid = os.fork()
notify("job_failed", "Of both")
if pid:
    os.waitpid(pid, 0)
"""


@pytest.fixture
def server(smtp_server: SMTPServerFactory) -> SMTPServer:
    return smtp_server()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("site") / "db"
    Site(f"sqlite:///{path}").migrate()
    return path


@pytest.fixture
def site(tmp_path: Path, empty: Path, server: SMTPServer) -> Site:
    shutil.copy(empty, tmp_path / "db")
    site = Site(f"sqlite:///{tmp_path / 'db'}?timeout=20&transaction_mode=IMMEDIATE")
    site.run(CONFIGURE, port=server.port, recipient=RECIPIENT)
    return site


def told(server: SMTPServer) -> list[int]:
    """How many errors each mail tells of."""
    texts = [text_of(received) for received in server.messages]
    counts = [re.search(r"^(\d+) (?:more )?times?, ", text, re.MULTILINE) for text in texts]
    return [int(count[1]) if count else 1 for count in counts]


@pytest.mark.slow
def test_six_thousand_errors_are_two_mails_and_none_is_lost(site: Site, server: SMTPServer) -> None:
    ended = site.run_at_once(BURST, [{"times": 750, "threads": 4}] * 2, prepare=FAILING_SITE)
    assert [process.errors for process in ended if process.status] == []
    assert len(server.messages) == 1  # the first was told at once, by whichever was faster
    later = site.run(LATER).answer
    assert later[::2] == [0, 0]
    assert len(server.messages) == 2
    assert sum(told(server)) == 6000


@pytest.mark.slow
def test_a_process_that_ends_or_is_killed_or_forks_loses_nothing_that_was_written(
    site: Site, server: SMTPServer
) -> None:
    assert site.run(FAILING_SITE + "visit()", times=3).status == 0
    assert site.run(FAILING_SITE + ONE_AND_KILLED, times=1).status == -9
    assert site.run(FORKED).status == 0
    counted = "from mailconfig.notifications.models import Happening\n"
    counted += "answer(dict(Happening.objects.values_list('occasion', 'count')))"
    assert site.run(counted).answer == {"server_error": 4, "job_failed": 3}
