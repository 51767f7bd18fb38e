"""P7: claiming a batch from a table of a million messages, against one of a thousand."""

import sys
import time

from django.db import connection
from django.utils import timezone

from benchmarks.comparison import Comparison, effort, report
from benchmarks.outbox_project import copies, message, outbox_project

BATCH = 100
LARGE = 1_000_000


def main() -> int:
    how_long = effort(__doc__)
    with outbox_project():
        from mailconfig.outbox.backends import QueuedEmailBackend
        from mailconfig.outbox.claiming import claim, release
        from mailconfig.outbox.holding import queue_of
        from mailconfig.outbox.models import QueuedMessage
        from mailconfig.outbox.options import options

        def claims() -> float:
            """Batches per second."""
            now = timezone.now()
            started = time.perf_counter()
            taken = claim(queue_of("default"), "benchmark", BATCH, now, options().lease)
            seconds = time.perf_counter() - started
            assert len(taken) == BATCH
            release("benchmark", [parcel.pk for parcel in taken], now)
            return 1 / seconds

        QueuedEmailBackend(alias="default").send_messages([message()])
        template = QueuedMessage.objects.get()
        copies(template, 1000)
        comparison = Comparison("P7", f"{connection.vendor}, a batch of {BATCH}", at_most=1.5)
        rounds = 5 if how_long.rounds == 1 else 50 * how_long.rounds
        claims()
        comparison.baseline = [claims() for _number in range(rounds)]
        large = 5000 if how_long.rounds == 1 else LARGE
        # Most of what a table holds is sent; of the rest most waits for later.
        share = "CASE WHEN n.i % 10 > 1 THEN 'sent' ELSE 'queued' END"
        later = "'2999-01-01 00:00:00'" if connection.vendor == "sqlite" else "timestamptz '2999-01-01'"
        QueuedMessage.objects.filter(pk=template.pk).update(size=1)
        copies(
            template,
            large - 1000,
            lambda columns: columns.replace("state", share, 1).replace(" due_at", f" {later}", 1),
        )
        claims()
        comparison.ours = [claims() for _number in range(rounds)]
    return report([comparison])


if __name__ == "__main__":
    sys.exit(main())
