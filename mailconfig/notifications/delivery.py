"""Tells what has not been told yet, each channel at most every so many minutes, whoever asks and on how many hosts."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import F, QuerySet
from django.utils import timezone, translation

from mailconfig.steps import describe
from mailconfig.storable import storable

from .channels import CHANNELS, MAIL, WEBHOOK, Channel
from .models import Happening, Notifications
from .pending import quiet
from .recording import flush, forget_old
from .wording import Digest, Entry, compose, sample

logger = logging.getLogger("mailconfig.notifications")
MOST: Final = 500
"""Groups in one digest; the others are in the next one."""
LEASE: Final = timedelta(minutes=5)
"""After which another one tells what somebody who was killed had begun to tell."""


@dataclass(frozen=True)
class Told:
    """How many happenings were told; 0 also where nobody wants to know, or it was too early, or it failed."""

    mail: int = 0
    webhook: int = 0


def send_due(now: datetime | None = None) -> Told:
    """Write down what this process has counted, then tell what may be told now. Raises DatabaseError."""
    flush()
    chosen = Notifications.objects.in_force()
    moment = now or timezone.now()
    with quiet(), translation.override(chosen.language_code):
        told = {
            channel.name: _tell(channel, chosen, moment)
            for channel in CHANNELS
            if channel.is_active(chosen) and _may_tell(channel, chosen, moment)
        }
    if told:
        forget_old()
    return Told(**told)


def send_sample(chosen: Notifications) -> dict[Channel, str]:
    """What each active channel said to a sample; empty: it was taken."""
    with quiet(), translation.override(chosen.language_code):
        digest = sample(chosen)
        return {channel: _send(channel, chosen, digest) for channel in (MAIL, WEBHOOK) if channel.is_active(chosen)}


def hurry(channel: Channel) -> None:
    """What made it fail is over, or the pause is shorter now: the next may go as soon as the pause allows."""
    chosen = Notifications.objects.in_force()
    last_at = getattr(chosen, f"{channel.name}_last_at")
    soonest = max(timezone.now(), last_at + chosen.pause) if last_at else timezone.now()
    next_at = f"{channel.name}_next_at"
    Notifications.objects.filter(**{"pk": chosen.pk, f"{next_at}__gt": soonest}).update(**{next_at: soonest})


def forget_untold(channel: Channel) -> None:
    """For a channel that nobody used until now: what has been is no news."""
    Happening.objects.update(**{channel.told: F("count")})


def _untold(channel: Channel) -> QuerySet[Happening]:
    return Happening.objects.filter(count__gt=F(channel.told))


def _may_tell(channel: Channel, chosen: Notifications, now: datetime) -> bool:
    """Of all who ask one is let through, and nobody else until the pause is over (or it was killed)."""
    next_at = f"{channel.name}_next_at"
    if getattr(chosen, next_at) > now or not _untold(channel).exists():
        return False
    rows = Notifications.objects.filter(pk=chosen.pk, **{f"{next_at}__lte": now})
    return bool(rows.update(**{next_at: now + max(chosen.pause, LEASE)}))


def _tell(channel: Channel, chosen: Notifications, now: datetime) -> int:
    rows = list(_untold(channel).order_by("pk")[:MOST])
    entries = [Entry(row, getattr(row, channel.told)) for row in rows]
    digest = compose(chosen, entries)
    error = _send(channel, chosen, digest)
    if not error:
        for row in rows:
            Happening.objects.filter(pk=row.pk).update(**{channel.told: row.count})
    _note(channel, chosen, error, now)
    return 0 if error else digest.count


def _note(channel: Channel, chosen: Notifications, error: str, now: datetime) -> None:
    values: dict[str, Any] = {"error": error, "next_at": now + chosen.pause}
    if not error:
        values["last_at"] = now
    Notifications.objects.filter(pk=chosen.pk).update(**{f"{channel.name}_{key}": one for key, one in values.items()})


def _send(channel: Channel, chosen: Notifications, digest: Digest) -> str:
    """Why it failed; empty if it did not. It goes nowhere but to the page and the log: no mail about mail."""
    try:
        channel.send(chosen, digest)
    except Exception as error:  # a server, a provider, a database, a project's own backend
        logger.warning("A notification by %s could not be sent: %s", channel.name, describe(error))
        return storable(describe(error))
    return ""
