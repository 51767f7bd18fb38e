"""When delivery has to run again, for an engine of tasks that can start one later: so that retries need no cron."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Min
from django.utils import timezone

from .claiming import database
from .models import Priority, QueuedMessage, ScheduledRun, ServerQueue, State

GRAIN: Final = 10
"""Seconds to which a run is rounded up: what was put off together is due a few seconds apart."""
SOON: Final = timedelta(minutes=1)


def run_at(moment: datetime, start: Callable[[datetime], object]) -> None:
    """Have `start` ask the engine for a run at that time, unless it was asked for one that comes no later.

    Raises what the engine raises; then nothing is noted.
    """
    at = datetime.fromtimestamp(-(-moment.timestamp() // GRAIN) * GRAIN, UTC)
    with transaction.atomic(using=database()):
        ScheduledRun.objects.filter(at__lte=timezone.now()).delete()
        if ScheduledRun.objects.filter(at__lt=at).exists():
            return
        _run, is_new = ScheduledRun.objects.get_or_create(at=at)
        if is_new:
            start(at)


def next_moment(now: datetime) -> datetime | None:
    """When something can be done about what waits; None if nothing waits, or only for a person."""
    waiting = QueuedMessage.objects.filter(state=State.QUEUED)
    moments = [_moment(alias, now) for alias in waiting.order_by().values_list("alias", flat=True).distinct()]
    return min(filter(None, moments), default=None)


def _moment(alias: str, now: datetime) -> datetime | None:
    rows = QueuedMessage.objects.filter(state=State.QUEUED, alias=alias)
    firsts = [rows.filter(priority=priority).aggregate(first=Min("due_at"))["first"] for priority in Priority.values]
    due = min(filter(None, firsts), default=None)
    queue = ServerQueue.objects.filter(alias=alias).first() or ServerQueue()
    if due is None or queue.trouble == ServerQueue.Trouble.BY_HAND:
        return None
    if queue.held_until and not queue.second:
        due = max(due, queue.held_until)
    return due if due > now else now + SOON  # what could be sent by now has been: a limit is reached
