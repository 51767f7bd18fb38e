"""Deletes what has been kept for as long as the project wants it, in small portions that nobody waits for."""

from datetime import timedelta
from typing import Final

from django.utils import timezone

from .claiming import database
from .models import Attempt, MessageContent, QueuedMessage
from .options import KEEP_DAYS, options

PORTION: Final = 500


def tidy_up() -> dict[str, int]:
    """How many messages of each state were deleted."""
    return {state: _delete(state, options().days_kept(state)) for state in KEEP_DAYS}


def _delete(state: str, days: int) -> int:
    old = QueuedMessage.objects.using(database()).filter(
        state=state, finished_at__lt=timezone.now() - timedelta(days=days)
    )
    count = 0
    while keys := list(old.values_list("pk", flat=True)[:PORTION]):
        # By hand: Django would read all of them first, the bytes included.
        MessageContent.objects.filter(message__in=keys).delete()
        Attempt.objects.filter(message__in=keys).delete()
        count += QueuedMessage.objects.filter(pk__in=keys).delete()[0]
    return count
