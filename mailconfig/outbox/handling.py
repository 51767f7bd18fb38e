"""What a person may do with messages: send again, try now, cancel. Each leaves a line in both histories."""

from datetime import datetime
from typing import Final

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.db import connections, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from .claiming import database
from .models import Attempt, QueuedMessage, ServerQueue, State
from .waking import wake_at_commit

PORTION: Final = 500
Messages = QuerySet[QueuedMessage]


def resend(messages: Messages, user: AbstractBaseUser) -> int:
    """Queue anew: what was sent to all, else to those who don't have it; what waits is tried now. Return how many.

    Left out is what a worker has in its hands, and what has no content any more.
    """
    count = 0
    last = 0
    while portion := list(messages.order_by("pk").filter(pk__gt=last)[:PORTION]):
        last = portion[-1].pk
        count += _resend([message.pk for message in portion], user, timezone.now())
    return count


def _resend(keys: list[int], user: AbstractBaseUser, now: datetime) -> int:
    with transaction.atomic(using=database()):
        free = list(
            _in_nobodys_hands(QueuedMessage.objects.filter(pk__in=keys, content__isnull=False), now)
            .select_for_update(of=("self",) if _locks_tables() else ())
            .order_by("pk")
        )
        for message in free:
            if message.state != State.QUEUED:
                message.created_at, message.attempts, message.finished_at = now, 0, None
            message.outcomes = {} if message.state == State.SENT else _accepted(message)
            message.state, message.due_at, message.lease = State.QUEUED, now, ""
        fields = ["created_at", "attempts", "finished_at", "outcomes", "state", "due_at", "lease"]
        QueuedMessage.objects.bulk_update(free, fields, batch_size=50)
        _note([message.pk for message in free], user, _("Sent again by %(who)s."), now)
        wake_at_commit(database())
    return len(free)


def _locks_tables() -> bool:
    return bool(connections[database()].features.has_select_for_update_of)


def _accepted(message: QueuedMessage) -> dict[str, list[object]]:
    return {recipient: answer for recipient, answer in message.outcomes.items() if 200 <= answer[0] < 300}


def cancel(messages: Messages, user: AbstractBaseUser) -> int:
    """What waits is not sent; return how many."""
    now = timezone.now()
    with transaction.atomic(using=database()):
        waiting = _in_nobodys_hands(QueuedMessage.objects.filter(pk__in=messages.values("pk"), state=State.QUEUED), now)
        keys = list(waiting.select_for_update().values_list("pk", flat=True))
        for start in range(0, len(keys), PORTION):
            portion = keys[start : start + PORTION]
            QueuedMessage.objects.filter(pk__in=portion).update(state=State.CANCELLED, lease="", finished_at=now)
            _note(portion, user, _("Cancelled by %(who)s."), now)
    return len(keys)


def _in_nobodys_hands(messages: Messages, now: datetime) -> Messages:
    return messages.filter(Q(lease="") | Q(due_at__lte=now))


def _note(keys: list[int], user: AbstractBaseUser, what: str, now: datetime) -> None:
    """In the history of each message, and in that of the admin."""
    by_hand, text = Attempt.Outcome.BY_HAND, what % {"who": user.get_username()}
    Attempt.objects.bulk_create(Attempt(message_id=key, at=now, outcome=by_hand, detail=text) for key in keys)
    messages = QueuedMessage.objects.filter(pk__in=keys).only("subject")
    LogEntry.objects.log_actions(user.pk, messages, CHANGE, text)


def failed_of(alias: str) -> Messages:
    return QueuedMessage.objects.filter(alias=alias, state=State.FAILED)


def pause(queue: ServerQueue) -> None:
    queue.trouble, queue.problem, queue.held_since = ServerQueue.Trouble.BY_HAND, "", timezone.now()
    queue.held_until = None
    queue.save(update_fields=["trouble", "problem", "held_since", "held_until"])


def resume(queue: ServerQueue) -> None:
    """Try again now. Whether the server takes mail shows then."""
    if queue.trouble == ServerQueue.Trouble.BY_HAND:
        queue.trouble, queue.held_since = ServerQueue.Trouble.NONE, None
    queue.held_until = None
    queue.save(update_fields=["trouble", "held_since", "held_until"])
    wake_at_commit(database())
