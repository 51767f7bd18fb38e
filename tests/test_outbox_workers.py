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

import pytest

from tests.conftest import SMTPServerFactory
from tests.servers.mariadb import create_database, mariadb
from tests.servers.outbox_site import OutboxSite, wait_until
from tests.servers.postgresql import postgresql
from tests.servers.smtp import SMTPServer

pytestmark = pytest.mark.slow

FULL = os.environ.get("OUTBOX_FULL_SIZE") == "1"
"""The sizes of issue 6; otherwise a tenth, because CI has only so much time."""
KILLS, KILLED_MESSAGES = (100, 2000) if FULL else (20, 400)
SHARED_MESSAGES = 50_000 if FULL else 2000

Start = Callable[..., OutboxSite]


@pytest.fixture(params=["sqlite", "postgresql", pytest.param("mariadb", marks=pytest.mark.mariadb)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'db.sqlite3'}"
        return
    with (postgresql if request.param == "postgresql" else mariadb)() as url:
        if request.param == "mariadb":
            create_database(url)
        yield url


@pytest.fixture
def server(smtp_server: SMTPServerFactory) -> SMTPServer:
    return smtp_server(pipelining=True)


@pytest.fixture
def start(database_url: str, server: SMTPServer) -> Iterator[Start]:
    with ExitStack() as running:

        def start(**options: object) -> OutboxSite:
            site = running.enter_context(
                OutboxSite(database_url, **{"lease_seconds": 3, "poll_seconds": 0.1} | options)
            )
            site.configure(
                host=server.host, port=server.port, security="none", auth_method="none", from_email="site@example.com"
            )
            return site

        yield start


def received(server: SMTPServer) -> Counter[str]:
    return Counter(str(one.message["Message-ID"]) for one in list(server.messages))


@pytest.mark.parametrize("window", [1, 16])
def test_workers_that_are_killed_lose_nothing(  # S-26
    start: Start, server: SMTPServer, window: int, record_property: Callable[[str, object], None]
) -> None:
    site = start(window=window, lease_seconds=1)
    ids = site.queue(KILLED_MESSAGES)
    site.start(), site.start()
    for _kill in range(KILLS):
        before = len(server.messages)
        few = random.randint(1, 2 * KILLED_MESSAGES // KILLS)
        wait_until(lambda before=before, few=few: len(server.messages) >= before + few, seconds=5)  # type: ignore[misc]
        time.sleep(random.random() / 100)
        site.kill(random.choice(site.workers))
        site.start()
    assert wait_until(lambda: site.states() == {"sent": KILLED_MESSAGES}, 120)
    counts = received(server)
    assert set(counts) == set(ids)
    twice = counts.total() - len(ids)
    record_property("duplicates", twice)
    sys.stdout.write(f"{KILLS} kills, {len(ids)} messages, window {window}: {twice} came twice\n")
    # Each worker has up to four connections, and each of these a window.
    assert twice <= KILLS * window * 4


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
    site.queue(3000)
    with site.manage("deliver_mail", "--json") as worker:
        assert wait_until(lambda: len(server.messages) > 20)
        worker.send_signal(signal.SIGTERM)
        said, _errors = worker.communicate(timeout=60)
    assert worker.returncode == 0
    tally = json.loads(said)
    assert tally["sent"] == len(server.messages) < 3000
    assert site.states() == {"sent": tally["sent"], "queued": 3000 - tally["sent"]}
    with site.manage("deliver_mail", "--once", "--json") as worker:  # given back, not waiting for its lease to end
        said, _errors = worker.communicate(timeout=120)
    assert json.loads(said)["sent"] == 3000 - tally["sent"]
    assert max(received(server).values()) == 1


def test_a_waiting_worker_delivers_what_another_process_queues(start: Start, server: SMTPServer) -> None:
    site = start(poll_seconds=0.2)
    site.start()
    for count in range(1, 4):
        site.queue(1)
        assert wait_until(lambda count=count: len(server.messages) == count)  # type: ignore[misc]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_database_that_hangs_up_again_and_again_loses_nothing(start: Start, server: SMTPServer) -> None:  # S-27
    site = start(lease_seconds=5)
    ids = site.queue(500)
    site.start()
    for _time in range(5):
        before = len(server.messages)
        wait_until(lambda before=before: len(server.messages) > before, 10)  # type: ignore[misc]
        site.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    assert wait_until(lambda: site.states() == {"sent": 500}, 90)
    assert set(received(server)) == set(ids)
