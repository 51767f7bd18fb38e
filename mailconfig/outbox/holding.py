"""Holds a server's queue back while there is no sense in trying, and lets it go again."""

import logging
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from mailconfig.exceptions import MailconfigError
from mailconfig.models import MailServer
from mailconfig.smtp import Session
from mailconfig.steps import describe
from mailconfig.storable import storable

from .claiming import database
from .models import Attempt, QueuedMessage, ServerQueue, State
from .retry import hold
from .signals import message_failed, queue_paused, queue_resumed

logger = logging.getLogger("mailconfig.outbox")
Trouble = ServerQueue.Trouble
NEEDS_A_PERSON: Final = (Trouble.LOGIN, Trouble.SETTINGS)
PROBING: Final = timedelta(minutes=2)
"""How long the other workers wait for the one that tries a server again."""


def queue_of(alias: str) -> ServerQueue:
    queue, _created = ServerQueue.objects.using(database()).get_or_create(alias=alias)
    return queue


def may_go(queue: ServerQueue, now: datetime) -> bool:
    """Whether to try now: the queue isn't held, or the settings have changed, or it is time to look again.

    Of several workers one is let through to look.
    """
    if queue.trouble == Trouble.NONE:
        return True
    if queue.trouble == Trouble.BY_HAND:
        return False
    if queue.held_until and now < queue.held_until and queue.held_revision == revision(queue.alias):
        return False
    same = ServerQueue.objects.filter(pk=queue.pk, held_until=queue.held_until, held_revision=queue.held_revision)
    return bool(same.update(held_until=now + PROBING, held_revision=revision(queue.alias)))


def revision(alias: str) -> int | None:
    """Grows with each change of the server's settings."""
    return MailServer.objects.filter(alias=alias).values_list("revision", flat=True).first()


def trouble_of(session: Session | None, error: Exception) -> ServerQueue.Trouble:
    """What kind of failure to open a session this is."""
    if isinstance(error, MailconfigError):
        return Trouble.SETTINGS
    code = getattr(error, "smtp_code", None)
    refused = code >= 500 if isinstance(code, int) else not isinstance(error, TimeoutError | ConnectionError)
    at_login = session is not None and session.failed_step == "authenticate"
    return Trouble.LOGIN if at_login and refused else Trouble.CONNECTION


def hold_back(queue: ServerQueue, trouble: ServerQueue.Trouble, error: Exception, now: datetime) -> None:
    """Try no more for a while; tell once if a person has to do something."""
    queue.refresh_from_db()
    if queue.trouble == Trouble.BY_HAND:
        return
    begins = queue.trouble != trouble
    queue.failures = 1 if begins else queue.failures + 1
    queue.held_since = now if begins else queue.held_since
    queue.trouble, queue.problem = trouble, storable(describe(error))
    queue.held_until, queue.held_revision = hold(trouble, queue.failures, now), revision(queue.alias)
    unpaused = ServerQueue.objects.filter(~Q(trouble=trouble), pk=queue.pk)
    tells = bool(unpaused.update(trouble=trouble)) and trouble in NEEDS_A_PERSON
    queue.save(update_fields=["failures", "held_since", "problem", "held_until", "held_revision"])
    if tells:
        logger.error("Mail of %s is held back: %s", queue.alias, queue.problem)
        queue_paused.send(ServerQueue, queue=queue)


def let_go(queue: ServerQueue) -> None:
    """The server takes mail."""
    if queue.trouble in (Trouble.NONE, Trouble.BY_HAND):
        return
    tells = queue.trouble in NEEDS_A_PERSON
    queue.trouble, queue.problem, queue.failures = Trouble.NONE, "", 0
    queue.held_since = queue.held_until = queue.held_revision = None
    fields = ["trouble", "problem", "failures", "held_since", "held_until", "held_revision"]
    queue.save(update_fields=fields)
    if tells:
        logger.info("Mail of %s goes out again", queue.alias)
        queue_resumed.send(ServerQueue, queue=queue)


def give_up_old(queue: ServerQueue, now: datetime, give_up_after: timedelta) -> int:
    """Fail the messages that a held queue has kept for too long; return how many."""
    old = QueuedMessage.objects.filter(
        state=State.QUEUED, alias=queue.alias, due_at__lte=now, created_at__lte=now - give_up_after
    )
    count = 0
    while keys := list(old.values_list("pk", flat=True)[:500]):
        still = QueuedMessage.objects.filter(pk__in=keys, state=State.QUEUED)
        count += still.update(state=State.FAILED, lease="", finished_at=now, reason=queue.problem)
        refused = Attempt.Outcome.REFUSED
        Attempt.objects.bulk_create(
            Attempt(message_id=key, at=now, outcome=refused, detail=queue.problem) for key in keys
        )
        for key in keys:
            message_failed.send(QueuedMessage, pk=key, reason=queue.problem)
    return count
