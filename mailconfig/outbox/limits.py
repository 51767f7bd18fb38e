"""How much a server takes: what is set for its queue, else what its provider is known to allow."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from .models import ServerQueue

USUAL_CONNECTIONS: Final = 4
MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Limits:
    """None: no limit."""

    connections: int = USUAL_CONNECTIONS
    per_minute: int | None = None
    per_day: int | None = None

    @property
    def counts(self) -> bool:
        """Whether messages have to be counted."""
        return self.per_minute is not None or self.per_day is not None


PRESETS: Final[dict[tuple[str, ...], Limits]] = {
    # https://learn.microsoft.com/exchange/troubleshoot/send-emails/smtp-submission-improvements
    ("office365.com", "outlook.com"): Limits(connections=3, per_minute=30, per_day=10_000),
    # https://support.google.com/a/answer/166852
    ("gmail.com", "google.com"): Limits(per_day=2000),
}
"""By the end of the server's name."""


def preset(host: str) -> Limits:
    name = "." + host.lower().rstrip(".")
    return next(
        (limits for ends, limits in PRESETS.items() if name.endswith(tuple("." + end for end in ends))), Limits()
    )


def limits(queue: ServerQueue, host: str) -> Limits:
    """What was set wins; 0 stands for no limit."""
    known = preset(host)
    return Limits(
        queue.connections or known.connections,
        _chosen(queue.per_minute, known.per_minute),
        _chosen(queue.per_day, known.per_day),
    )


def _chosen(entered: int | None, known: int | None) -> int | None:
    return known if entered is None else entered or None


def share(connections: int, workers: int, place: int) -> int:
    """The connections of one of several workers; places count from 0. Not all get one if there are more workers."""
    return connections // workers + (place < connections % workers)


def reserve(queue: ServerQueue, allowed: Limits, wanted: int, now: datetime) -> int:
    """How many of the wanted messages may go out now; notes them on the queue, for the caller to save."""
    if queue.minute is None or not queue.minute <= now < queue.minute + MINUTE:
        queue.minute, queue.minute_count = now, 0
    if queue.day is None or not queue.day <= now < queue.day + DAY:
        queue.day, queue.day_count = now, 0
    left = [wanted]
    if allowed.per_minute is not None:
        left.append(allowed.per_minute - queue.minute_count)
    if allowed.per_day is not None:
        left.append(allowed.per_day - queue.day_count)
    granted = max(min(left), 0)
    queue.minute_count += granted
    queue.day_count += granted
    return granted
