"""P11: the memory of a worker after 100,000 messages, against after 1,000."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import connection

from benchmarks import sink
from benchmarks.comparison import Comparison, effort, report
from benchmarks.draining import Outbox
from benchmarks.outbox_project import outbox_project

PORTION = 10_000


def megabytes() -> float:
    """Resident now."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


class Memory(Comparison):
    """In megabytes."""

    def _speed(self, rates: list[float]) -> str:
        return f"{1 / rates[0]:.1f} MB"


def main() -> int:
    how_long = effort(__doc__)
    first, rest, portion = (100, 200, 100) if how_long.rounds == 1 else (1000, 99_000, PORTION)
    with TemporaryDirectory() as folder, sink.running(Path(folder)) as ports, outbox_project():
        drain = Outbox().drain(ports.plain, 1)
        drain(first)
        before = megabytes()
        for start in range(0, rest, portion):
            drain(min(portion, rest - start))
        after = megabytes()
        print(f"{connection.vendor}: {before:.1f} MB after {first}, {after:.1f} MB after {first + rest} messages.\n")
    # As if speeds: what takes more memory is slower.
    return report([Memory("P11", "memory of a worker", at_most=1.1, baseline=[1 / before], ours=[1 / after])])


if __name__ == "__main__":
    sys.exit(main())
