"""Writes down what this process has counted, and forgets what is old."""

import logging
from datetime import timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone, translation

from mailconfig.storable import storable

from .models import Happening, Notifications
from .pending import Group, Text, pending, quiet

logger = logging.getLogger("mailconfig.notifications")
LONGEST_SUBJECT: Final = 200
LONGEST_BODY: Final = 20_000
KEPT: Final = timedelta(days=30)
KEPT_UNTOLD: Final = timedelta(days=90)


def flush() -> bool:
    """Write down what waits; False if the database did not take it, which then waits on. Never raises."""
    groups = pending.take()
    if not groups:
        return True
    try:
        chosen = Notifications.objects.in_force()
        with translation.override(chosen.language_code), quiet():
            while groups:
                if chosen.is_on(groups[0].occasion):
                    _record(groups[0])
                groups.popleft()
    except Exception as error:  # whatever a database says: those who count must not suffer
        pending.put_back(groups)
        logger.warning("What happened could not be written down, trying again: %s", error)
        return False
    return True


def _record(group: Group) -> None:
    rows = Happening.objects.filter(occasion=group.occasion, key=group.key)
    values: dict[str, Any] = {
        "subject": one_line(_said(group.subject)),
        "body": _said(group.body)[:LONGEST_BODY],
        "html": storable(group.html),
        "url": _said(group.url),
        "last_at": group.last_at,
    }
    if rows.update(count=F("count") + group.count, **values):
        return
    try:
        with transaction.atomic():
            new = {"key": group.key, "count": group.count, "first_at": group.first_at}
            Happening.objects.create(occasion=group.occasion, **new, **values)
    except IntegrityError:  # another process was faster
        rows.update(count=F("count") + group.count, **values)


def _said(text: Text) -> str:
    """A function of the project may be wrong; that something happened is told all the same."""
    try:
        return storable(str(text() if callable(text) else text))
    except Exception as error:
        logger.warning("The text of a notification failed", exc_info=True)
        return f"({type(error).__name__})"


def one_line(text: str) -> str:
    """As a subject may be (S-19)."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_SUBJECT else line[: LONGEST_SUBJECT - 1] + "…"


def forget_old() -> None:
    now = timezone.now()
    told = Q(told_by_mail__gte=F("count")) | Q(told_by_webhook__gte=F("count"))
    Happening.objects.filter(Q(told, last_at__lt=now - KEPT) | Q(last_at__lt=now - KEPT_UNTOLD)).delete()
