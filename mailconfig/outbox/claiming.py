"""Takes due messages for one worker, so that no other one does, until a lease ends."""

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connections, router, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from . import sql
from .limits import Limits, reserve
from .models import Attempt, Priority, QueuedMessage, ServerQueue, State

MOST_BYTES: Final = 16 * 1024 * 1024
"""Of messages taken at once, so that a worker's memory is bounded; a single larger one is taken by itself."""


@dataclass(slots=True, eq=False)
class Parcel:
    """A message in a worker's hands. `recipients` are those still to be served; another worker `lost` it."""

    pk: int
    sender: str
    recipients: list[str]
    attempts: int
    created_at: datetime
    outcomes: dict[str, Any]
    size: int
    lost: bool = False
    data: bytes = field(default=b"", repr=False)


def database() -> str:
    return router.db_for_write(QueuedMessage)


def claim(
    queue: ServerQueue,
    token: str,
    wanted: int,
    now: datetime,
    lease: timedelta,
    limits: Limits | None = None,
    mail_of: str = "",
) -> list[Parcel]:
    """At most so many due messages, the most urgent first. Those that another worker lost are noted as such.

    They are counted for the limits of the server that the queue is of, also where it serves another alias (`mail_of`).
    """
    using = database()
    with transaction.atomic(using=using):
        queue = _lock(queue, limits)
        rows = _within(MOST_BYTES, _due(mail_of or queue.alias, wanted, now))
        if limits and limits.counts and rows:
            rows = rows[: reserve(queue, limits, len(rows), now)]
            queue.save(update_fields=["minute", "minute_count", "day", "day_count"])
        if rows:
            sql.take(using, token, [row.pk for row in rows], now + lease)
        _note_lost([row.pk for row in rows if row.lost], now)
    return _with_data(rows, now)


def _lock(queue: ServerQueue, limits: Limits | None) -> ServerQueue:
    rows = ServerQueue.objects.filter(pk=queue.pk)
    if not connections[database()].features.has_select_for_update_skip_locked:
        rows.update(alias=F("alias"))  # SQLite: whoever writes first is alone; having read first it could be refused
        return rows.get()
    return rows.select_for_update().get() if limits and limits.counts else queue


def _due(alias: str, wanted: int, now: datetime) -> list[Parcel]:
    """Each priority by itself: one stretch of the index, however many messages wait for later."""
    rows: list[sql.Row] = []
    for priority in Priority.values:
        if (left := wanted - len(rows)) > 0:
            rows += sql.due(database(), alias, priority, now, left)
    time_of = sql.times_of(database())
    return [_parcel(row, time_of) for row in rows]


def _parcel(row: sql.Row, time_of: Callable[[Any], datetime]) -> Parcel:
    pk, sender, recipients, noted, attempts, created_at, size, lease = row
    outcomes = {} if noted == "{}" else json.loads(noted)
    pending = [who for who in recipients.split("\n") if who not in outcomes]
    return Parcel(pk, sender, pending, attempts + bool(lease), time_of(created_at), outcomes, size, bool(lease))


def _within(most_bytes: int, rows: list[Parcel]) -> list[Parcel]:
    taken: list[Parcel] = []
    total = 0
    for row in rows:
        total += row.size
        if taken and total > most_bytes:
            break
        taken.append(row)
    return taken


def _note_lost(keys: list[int], now: datetime) -> None:
    """Their lease ended without a word: whoever had them may have sent them."""
    if not keys:
        return
    detail = _("The worker that had it ended without a word.")
    QueuedMessage.objects.filter(pk__in=keys).update(attempts=F("attempts") + 1, uncertain=F("uncertain") + 1)
    Attempt.objects.bulk_create(
        Attempt(message_id=key, at=now, outcome=Attempt.Outcome.UNCERTAIN, detail=detail) for key in keys
    )


def _with_data(parcels: list[Parcel], now: datetime) -> list[Parcel]:
    if not parcels:
        return []
    data = sql.contents(database(), [parcel.pk for parcel in parcels])
    for parcel in parcels:
        parcel.data = data.get(parcel.pk, b"")
    if empty := [parcel.pk for parcel in parcels if not parcel.data]:
        reason = _("Its content is no longer there.")
        rows = QueuedMessage.objects.filter(pk__in=empty)
        rows.update(state=State.FAILED, lease="", finished_at=now, reason=reason)
    return [parcel for parcel in parcels if parcel.data]


def renew(token: str, keys: Collection[int], until: datetime) -> None:
    for some in _portions(keys):
        QueuedMessage.objects.filter(pk__in=some, lease=token).update(due_at=until)


def release(token: str, keys: Collection[int], now: datetime) -> None:
    """Give back what was not tried."""
    for some in _portions(keys):
        QueuedMessage.objects.filter(pk__in=some, lease=token).update(lease="", due_at=now)


def _portions(keys: Collection[int], size: int = 500) -> Iterator[list[int]]:
    """SQLite takes a limited number of values."""
    whole = list(keys)
    for start in range(0, len(whole), size):
        yield whole[start : start + size]


def is_due(alias: str, now: datetime) -> bool:
    rows = QueuedMessage.objects.using(database()).filter(state=State.QUEUED, alias=alias, due_at__lte=now)
    return any(rows.filter(priority=priority).exists() for priority in Priority.values)
