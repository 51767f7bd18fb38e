"""What an administrator should know of the outbox, told where it doesn't depend on the mail that is broken (S-30)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from .failover import stands_in
from .models import QueuedMessage, ServerQueue, State, Worker

PATIENCE: Final = timedelta(minutes=5)


def warnings() -> list[str]:
    """A sentence each; none while all is well."""
    return [*_held(), *_nobody_delivers()]


def _held() -> Iterator[str]:
    for queue in ServerQueue.objects.exclude(trouble=""):
        known = {"alias": queue.alias, "problem": queue.problem, "trouble": queue.get_trouble_display()}
        known |= {"time": _moment(queue), "second": queue.second}
        if stands_in(queue):
            yield _("Mail of “%(alias)s” goes through “%(second)s” meanwhile. %(trouble)s: %(problem)s") % known
        elif queue.held_until:
            yield _("Mail of “%(alias)s” waits (next attempt: %(time)s). %(trouble)s: %(problem)s") % known
        else:
            yield _("Mail of “%(alias)s” waits: %(trouble)s.") % known


def _moment(queue: ServerQueue) -> str:
    return date_format(timezone.localtime(queue.held_until), "DATETIME_FORMAT") if queue.held_until else ""


def _nobody_delivers() -> Iterator[str]:
    long_ago = timezone.now() - PATIENCE
    waits = QueuedMessage.objects.filter(state=State.QUEUED, due_at__lt=long_ago)
    held = ServerQueue.objects.exclude(trouble="").values("alias")
    if waits.exclude(alias__in=held).exists() and not Worker.objects.filter(seen_at__gt=long_ago).exists():
        yield _("Mail waits and nobody delivers it. Start “manage.py deliver_mail”.")
