"""A disk that fills up: an error to whoever stores mail, a new attempt for whoever notes a delivery."""

from typing import Final

import pytest

from tests.conftest import SMTPServerFactory
from tests.servers.processes import Site

pytestmark = pytest.mark.slow

FILL: Final = """
import logging
from django.db import DatabaseError, connection
from mailconfig.models import MailServer
from mailconfig.outbox.models import MessageContent, QueuedMessage
from tests.queued_mail import Time, message, queue

def allow_pages(more):
    with connection.cursor() as cursor:
        pages = cursor.execute("PRAGMA page_count").fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count = {pages + more}")
"""
QUEUE_ON_FULL_DISK: Final = (
    FILL
    + """
allow_pages(5)
said = []
try:
    queue(*(message(number, body="long " * 500) for number in range(100)))
except DatabaseError as error:
    said.append(str(error))
left = QueuedMessage.objects.count() + MessageContent.objects.count()
allow_pages(1000)
queue(message())
answer({"said": said, "left": left, "later": QueuedMessage.objects.count()})
"""
)
MARK_ON_FULL_DISK: Final = (
    FILL
    + """
class Heard(logging.Handler):
    lines = []
    def emit(self, record):
        self.lines.append(record.getMessage())

logging.getLogger("mailconfig.outbox").addHandler(Heard())
MailServer.objects.create(host="127.0.0.1", port=given["port"], security="none", auth_method="none")
QueuedMessage.objects.all().delete()
queue(*(message(number) for number in range(100)))
connection.cursor().execute("VACUUM")
filled = []

def fill_disk(execute, sql, *arguments):
    if "INSERT INTO \\"outbox_attempt\\"" in sql and not filled:
        filled.append(True)
        allow_pages(0)
    return execute(sql, *arguments)

with connection.execute_wrapper(fill_disk):
    tally = Time().deliver()
states = QueuedMessage.objects.values_list("state", flat=True)
answer({"sent": tally.sent, "heard": Heard.lines, "states": list(states)})
"""
)
"""Whoever closes the connection, as delivery does then, gets space: the limit is the connection's."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = Site(f"sqlite:///{tmp_path_factory.mktemp('site') / 'db.sqlite3'}")
    site.migrate()
    return site


def test_mail_for_which_there_is_no_space_is_refused_as_a_whole(site: Site) -> None:  # S-27
    answer = site.run(QUEUE_ON_FULL_DISK).answer
    assert answer == {"said": ["database or disk is full"], "left": 0, "later": 1}


def test_a_delivery_that_could_not_be_noted_is_noted_when_there_is_space(  # S-27
    site: Site, smtp_server: SMTPServerFactory
) -> None:
    server = smtp_server(pipelining=True)
    answer = site.run(MARK_ON_FULL_DISK, port=server.port).answer
    assert "database or disk is full" in " ".join(answer["heard"])
    assert (answer["sent"], set(answer["states"])) == (100, {"sent"})
    assert len({one.message["Message-ID"] for one in server.messages}) == len(server.messages) == 100
