"""How the drain grows with the number of `deliver_mail` processes, and what the database does for each message."""

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from django.db import connection

from benchmarks import sink
from benchmarks.comparison import effort, machine
from benchmarks.draining import Outbox, point_to
from benchmarks.outbox_project import copies, outbox_project

PROCESSES: Final = (1, 2, 4)
CONNECTIONS: Final = 8
COMMAND: Final = [sys.executable, "-m", "django", "deliver_mail", "--once"]


def drained_by(processes: int, outbox: Outbox, count: int) -> float:
    """Messages per second from the first that was marked as sent to the last."""
    from mailconfig.outbox.models import QueuedMessage

    QueuedMessage.objects.exclude(pk=outbox.template.pk).delete()
    copies(outbox.template, count, lambda columns: columns.replace("state", "'queued'", 1))
    workers = [subprocess.Popen(COMMAND, stdout=subprocess.DEVNULL) for _number in range(processes)]
    for worker in workers:
        assert worker.wait() == 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), extract(epoch FROM max(finished_at) - min(finished_at)) "
            "FROM outbox_queuedmessage WHERE finished_at IS NOT NULL"
        )
        sent, seconds = cursor.fetchone()
    assert sent == count
    return count / float(seconds)


@contextmanager
def counted() -> Iterator[dict[str, float]]:
    """Statements of this process, and what PostgreSQL has committed."""
    counts: dict[str, float] = {"statements": 0, "commits": -_committed()}

    def count(execute: Any, *arguments: Any) -> Any:
        counts["statements"] += 1
        return execute(*arguments)

    with connection.execute_wrapper(count):
        yield counts
    counts["commits"] += _committed()


def _committed() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def main() -> int:
    how_long = effort(__doc__)
    count = 400 if how_long.rounds == 1 else 10_000
    os.environ["BENCHMARK_DATABASE"] = "postgresql"
    with TemporaryDirectory() as folder, sink.running(Path(folder)) as ports, outbox_project():
        outbox = Outbox()
        point_to(ports.plain, CONNECTIONS)
        rates: dict[int, list[float]] = {processes: [] for processes in PROCESSES}
        for _round in range(how_long.rounds):
            for processes in PROCESSES:
                rates[processes].append(drained_by(processes, outbox, count))
        needed = {}
        for connections in (1, CONNECTIONS):
            with counted() as needed[connections]:
                outbox.drain(ports.plain, connections)(count)
    print("| Processes | Messages/s, minimum | median | maximum |")
    print("| ---: | ---: | ---: | ---: |")
    for processes, found in rates.items():
        print(f"| {processes} | {min(found):,.0f} | {statistics.median(found):,.0f} | {max(found):,.0f} |")
    print("\n| Connections of one process | Statements per message | Commits per message |")
    print("| ---: | ---: | ---: |")
    for connections, done in needed.items():
        print(f"| {connections} | {done['statements'] / count:.2f} | {done['commits'] / count:.2f} |")
    print(f"\n{CONNECTIONS} connections in all. Rounds: {how_long.rounds}. {machine()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
