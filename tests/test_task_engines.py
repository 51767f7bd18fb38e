"""Delivery as a task on the engines that projects have: workers of theirs, and no cron."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest

from tests.conftest import SMTPServerFactory
from tests.servers.outbox_site import OutboxSite, wait_until
from tests.servers.redis import redis
from tests.servers.smtp import SMTPServer

pytestmark = pytest.mark.slow

LATER = {"you@example.com": "451 4.7.1 Greylisted"}


class Engine:
    """A worker of an engine for a site whose mail is delivered by a task. `scheduled` counts the runs to come."""

    worker: tuple[str, ...]

    def __init__(self, site: OutboxSite) -> None:
        self.site = site

    @contextmanager
    def works(self) -> Iterator[None]:
        with self.site.manage(*self.worker) as process:
            try:
                yield
            finally:
                process.send_signal(signal.SIGTERM)
                try:
                    process.communicate(timeout=20)
                except subprocess.TimeoutExpired:
                    process.kill()

    def scheduled(self) -> int:
        raise NotImplementedError

    def time_passes(self) -> None:
        """All that shall happen later is to happen now."""
        self.site.execute("UPDATE outbox_queuedmessage SET due_at = created_at WHERE state = 'queued'")
        self.site.execute("DELETE FROM outbox_scheduledrun")


class DatabaseEngine(Engine):
    worker = ("db_worker", "--interval", "0.1", "--no-startup-delay")

    def scheduled(self) -> int:
        rows = "FROM django_tasks_database_dbtaskresult WHERE status = 'READY' AND run_after < '9999-01-01'"
        return int(self.site.execute(f"SELECT COUNT(*) {rows}")[0][0])

    def time_passes(self) -> None:
        super().time_passes()
        self.site.execute(
            "UPDATE django_tasks_database_dbtaskresult SET run_after = enqueued_at WHERE status = 'READY'"
        )


class RedisEngine(Engine):
    worker = ("rqworker", "default", "--with-scheduler", "--job-class", "django_tasks_rq.Job")

    def __init__(self, site: OutboxSite, url: str) -> None:
        super().__init__(site)
        from redis import Redis

        self._redis = Redis.from_url(url)

    def scheduled(self) -> int:
        return int(self._redis.zcard("rq:scheduled:default"))

    def time_passes(self) -> None:
        super().time_passes()
        now = datetime.now(UTC).timestamp()
        for job in cast("list[bytes]", self._redis.zrange("rq:scheduled:default", 0, -1)):
            self._redis.zadd("rq:scheduled:default", {job: now})


@pytest.fixture
def server(smtp_server: SMTPServerFactory) -> SMTPServer:
    return smtp_server()


@pytest.fixture(params=["database", pytest.param("redis", marks=pytest.mark.redis)])
def engine(request: pytest.FixtureRequest, tmp_path: Path, server: SMTPServer) -> Iterator[Engine]:
    with ExitStack() as running:
        url = running.enter_context(redis()) if request.param == "redis" else ""
        environment = {"DJANGO_SETTINGS_MODULE": "tests.settings_of_tasks", "REDIS_URL": url}
        site = running.enter_context(OutboxSite(f"sqlite:///{tmp_path / 'db.sqlite3'}", environment, task=True))
        site.configure(
            host=server.host, port=server.port, security="none", auth_method="none", from_email="site@example.com"
        )
        yield RedisEngine(site, url) if url else DatabaseEngine(site)


def test_an_engines_worker_delivers_and_comes_back_for_what_was_put_off(engine: Engine, server: SMTPServer) -> None:
    site = engine.site
    with engine.works():
        site.queue(3)
        assert wait_until(lambda: site.states() == {"sent": 3})
        server.replies = LATER
        for _mail in range(10):  # a task each, that finds mail to come back for
            site.queue(1)
        assert wait_until(lambda: attempts(site) == 10)
        # In case the worker had been killed, and for the mail, which is due within seconds of one another.
        assert wait_until(lambda: 2 <= engine.scheduled() <= 4)
        server.replies = {}
        engine.time_passes()
        assert wait_until(lambda: site.states() == {"sent": 13})
    assert len(server.messages) == 13


def attempts(site: OutboxSite) -> int:
    return int(site.execute("SELECT SUM(attempts) FROM outbox_queuedmessage WHERE state = 'queued'")[0][0] or 0)
