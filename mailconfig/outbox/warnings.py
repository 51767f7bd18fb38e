"""What an administrator should know of the outbox, told where it doesn't depend on the mail that is broken (S-30)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mailconfig.monitoring.health import Alarm, Way
from mailconfig.monitoring.servers import CHANGES_SETTINGS

from .failover import stands_in
from .models import QueuedMessage, ServerQueue, State, Worker

PATIENCE: Final = timedelta(minutes=5)
RESUMES: Final = Way(
    "outbox.change_serverqueue", "outbox_serverqueue_changelist", gettext_lazy("Open queues of mail servers")
)
RESENDS: Final = Way("outbox.resend_queuedmessage", "outbox_queuedmessage_changelist", gettext_lazy("Open outbox"))


def warnings() -> list[str]:
    """A sentence each; none while all is well."""
    return [alarm.text for alarm in alarms()]


def alarms() -> Iterator[Alarm]:
    yield from _held()
    yield from _nobody_delivers()


def _held() -> Iterator[Alarm]:
    for queue in ServerQueue.objects.exclude(trouble=""):
        by_hand = queue.trouble == ServerQueue.Trouble.BY_HAND
        ways = (RESUMES,) if by_hand else (CHANGES_SETTINGS, RESUMES)
        level = "warning" if by_hand or stands_in(queue) else "error"
        yield Alarm(f"queue_{queue.trouble}", level, _why_held(queue), "outbox.W001", queue.alias, ways)


def _why_held(queue: ServerQueue) -> str:
    known = {"alias": queue.alias, "problem": queue.problem, "trouble": queue.get_trouble_display()}
    known |= {"time": _moment(queue), "second": queue.second}
    if stands_in(queue):
        return _("Mail of “%(alias)s” goes through “%(second)s” meanwhile. %(trouble)s: %(problem)s") % known
    if queue.held_until:
        return _("Mail of “%(alias)s” waits (next attempt: %(time)s). %(trouble)s: %(problem)s") % known
    return _("Mail of “%(alias)s” waits: %(trouble)s.") % known


def _moment(queue: ServerQueue) -> str:
    return date_format(timezone.localtime(queue.held_until), "DATETIME_FORMAT") if queue.held_until else ""


def _nobody_delivers() -> Iterator[Alarm]:
    """Mail is looked for only if there is no worker, so that this is cheap however much waits."""
    long_ago = timezone.now() - PATIENCE
    if Worker.objects.filter(seen_at__gt=long_ago).exists():
        return
    waits = QueuedMessage.objects.filter(state=State.QUEUED, due_at__lt=long_ago)
    held = ServerQueue.objects.exclude(trouble="").values("alias")
    if waits.exclude(alias__in=held).exists():
        text = _("Mail waits and nobody delivers it. Start “manage.py deliver_mail”.")
        yield Alarm("nobody_delivers", "error", text, "outbox.W002", ways=(RESENDS, RESUMES))
