"""The outbox in numbers, for /healthz and /metrics."""

from collections.abc import Iterator
from typing import Final

from django.db.models import Count, Min
from django.utils import timezone

from mailconfig.monitoring.health import Figure, Part

from .models import QueuedMessage, ServerQueue, State, Worker
from .warnings import PATIENCE, RESENDS, RESUMES, alarms


def counts() -> dict[str, int]:
    """How many messages are kept, by state."""
    rows = QueuedMessage.objects.order_by().values_list("state").annotate(Count("pk"))
    return dict.fromkeys(State.values, 0) | dict(rows)


def ages() -> dict[str, float]:
    """For how long the message waits that should have been tried first."""
    now = timezone.now()
    due = QueuedMessage.objects.filter(state=State.QUEUED, due_at__lte=now)
    oldest = due.aggregate(oldest=Min("due_at"))["oldest"]
    return {"oldest_due_seconds": (now - oldest).total_seconds() if oldest else 0}


def figures() -> Iterator[Figure]:
    for state, count in counts().items():
        yield Figure("mailconfig_queue_messages", "Messages kept in the outbox.", count, {"state": state})
    oldest = ages()["oldest_due_seconds"]
    yield Figure("mailconfig_queue_oldest_due_seconds", "How late the first message is that is due.", oldest)
    for queue in ServerQueue.objects.all():
        held = float(bool(queue.trouble))
        yield Figure("mailconfig_queue_paused", "Whether a queue is held back.", held, {"mailer": queue.alias})
    workers = Worker.objects.filter(seen_at__gt=timezone.now() - PATIENCE).count()
    yield Figure("mailconfig_queue_workers", "Processes that deliver.", workers)


PART: Final = Part((RESENDS, RESUMES), alarms, ages, figures)
