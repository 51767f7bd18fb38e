"""Takes due messages for one worker, so that no other one does, until a lease ends."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connections, router, transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from . import sql
from .limits import Limits, reserve
from .models import Attempt, Priority, QueuedMessage, ServerQueue, State

MOST_BYTES: Final = 16 * 1024 * 1024
"""Of messages taken at once, so that a worker's memory is bounded; a single larger one is taken by itself."""

_COLUMNS: Final = ("pk", "sender", "recipients", "outcomes", "attempts", "created_at", "size", "lease")


@dataclass(slots=True, eq=False)
class Parcel:
    """A message in a worker's hands. `recipients` are those still to be served."""

    pk: int
    sender: str
    recipients: list[str]
    attempts: int
    created_at: datetime
    outcomes: dict[str, Any]
    size: int
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
        keys = [row["pk"] for row in rows]
        if keys:
            sql.take(using, token, keys, now + lease)
        _note_lost([row["pk"] for row in rows if row["lease"]], now)
    return _with_data([_parcel(row) for row in rows], now)


def _lock(queue: ServerQueue, limits: Limits | None) -> ServerQueue:
    rows = ServerQueue.objects.filter(pk=queue.pk)
    if not connections[database()].features.has_select_for_update_skip_locked:
        rows.update(alias=F("alias"))  # SQLite: whoever writes first is alone; having read first it could be refused
        return rows.get()
    return rows.select_for_update().get() if limits and limits.counts else queue


def _due(alias: str, wanted: int, now: datetime) -> list[dict[str, Any]]:
    """Each priority by itself: one stretch of the index, however many messages wait for later."""
    rows: list[dict[str, Any]] = []
    skips = connections[database()].features.has_select_for_update_skip_locked
    for priority in Priority.values:
        due: QuerySet[QueuedMessage] = QueuedMessage.objects.filter(
            state=State.QUEUED, alias=alias, priority=priority, due_at__lte=now
        ).order_by("due_at")
        if skips:
            due = due.select_for_update(skip_locked=True)
        if (left := wanted - len(rows)) > 0:
            rows += due.values(*_COLUMNS)[:left]
    return rows


def _within(most_bytes: int, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    taken: list[dict[str, Any]] = []
    total = 0
    for row in rows:
        total += row["size"]
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


def _parcel(row: dict[str, Any]) -> Parcel:
    pending = [who for who in row["recipients"].split("\n") if who not in row["outcomes"]]
    attempts = row["attempts"] + bool(row["lease"])
    return Parcel(row["pk"], row["sender"], pending, attempts, row["created_at"], row["outcomes"], row["size"])


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
