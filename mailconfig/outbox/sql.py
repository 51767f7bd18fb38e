"""The statements that run for each delivered message, by hand: built by the ORM they cost more than the delivery.

Their text is the same each time, and they have few parameters, where the database takes many values as one: drivers
need longer to put a hundred parameters into a statement than databases to run it.
"""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache
from itertools import repeat
from typing import Any, Final

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Model
from django.db.models.expressions import Col

from mailconfig.prepared import converters

from .models import Attempt, MessageContent, QueuedMessage, State
from .waking import CHANNEL

Row = tuple[Any, ...]

DUE: Final = "id, sender, recipients, outcomes, attempts, created_at, size, lease"


def insert(using: str, row: QueuedMessage, data: bytes) -> None:
    """Store one message, on SQLite or PostgreSQL. The latter does so in one statement, and tells those who listen."""
    connection = connections[using]
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in _fields()]
    message, content = _inserts(using)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                f"WITH message AS ({message} RETURNING id), content AS ({content} SELECT id, %s::bytea FROM message) "  # noqa: S608
                f"SELECT pg_notify('{CHANNEL}', '')",
                [*values, data],
            )
        else:
            cursor.execute(message, values)
            cursor.execute(f"{content} VALUES (%s, %s)", [cursor.lastrowid, data])


@cache
def _inserts(using: str) -> tuple[str, str]:
    names = ", ".join(connections[using].ops.quote_name(str(field.column)) for field in _fields())
    marks = ", ".join(repeat("%s", len(_fields())))
    return (
        f"INSERT INTO {_table(QueuedMessage, using)} ({names}) VALUES ({marks})",  # noqa: S608
        f"INSERT INTO {_table(MessageContent, using)} (message_id, data)",
    )


@cache
def _fields() -> "list[Field[Any, Any]]":
    return [field for field in QueuedMessage._meta.concrete_fields if not field.primary_key]


def due(using: str, alias: str, priority: int, now: datetime, wanted: int) -> list[Row]:
    """The columns `DUE` of rows, locked where others can skip them. Times and JSON are as the database gives them."""
    connection = connections[using]
    with connection.cursor() as cursor:
        moment = connection.ops.adapt_datetimefield_value(now)
        cursor.execute(_due(using, wanted), [State.QUEUED.value, alias, priority, moment])
        return list(cursor.fetchall())


@cache
def _due(using: str, wanted: int) -> str:
    connection = connections[using]
    skips = connection.features.has_select_for_update_skip_locked
    return (
        f"SELECT {DUE} FROM {_table(QueuedMessage, using)} "  # noqa: S608
        "WHERE state = %s AND alias = %s AND priority = %s AND due_at <= %s "
        f"ORDER BY due_at {connection.ops.limit_offset_sql(0, wanted)} "
        f"{connection.ops.for_update_sql(skip_locked=True) if skips else ''}"
    )


def times_of(using: str) -> Callable[[Any], datetime]:
    """Makes of what the database gives as `created_at` a datetime with a time zone."""
    connection = connections[using]
    column = Col(QueuedMessage._meta.db_table, QueuedMessage._meta.get_field("created_at"))
    steps = converters(column, connection)

    def convert(value: Any) -> Any:
        for step in steps:
            value = step(value, column, connection)
        return value

    return convert


def take(using: str, token: str, keys: Sequence[int], until: datetime) -> None:
    """Lease rows that this transaction has locked."""
    connection = connections[using]
    among, values = _among(connection, keys)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {_table(QueuedMessage, using)} SET lease = %s, due_at = %s WHERE id {among}",  # noqa: S608
            [token, connection.ops.adapt_datetimefield_value(until), *values],
        )


def contents(using: str, keys: Sequence[int]) -> dict[int, bytes]:
    connection = connections[using]
    among, values = _among(connection, keys)
    with connection.cursor() as cursor:
        table = _table(MessageContent, using)
        cursor.execute(f"SELECT message_id, data FROM {table} WHERE message_id {among}", values)  # noqa: S608
        return {key: bytes(data) for key, data in cursor.fetchall()}


def _among(connection: BaseDatabaseWrapper, keys: Sequence[int]) -> tuple[str, list[Any]]:
    """A condition on a column, and its parameters."""
    if connection.vendor == "postgresql":
        return "= ANY(%s)", [list(keys)]
    if connection.vendor == "sqlite":
        return "IN (SELECT value FROM json_each(%s))", [json.dumps(keys)]
    return f"IN ({', '.join(repeat('%s', len(keys)))})", list(keys)


@cache
def _table(model: type[Model], using: str) -> str:
    return connections[using].ops.quote_name(model._meta.db_table)


def mark_sent(using: str, token: str, server: str, replies: dict[int, str], now: datetime) -> int:
    """Note what the server replied to messages, by key, and that they are sent, all or nothing.

    Return how many this worker still had; the others stay with whoever has them now.
    """
    connection = connections[using]
    moment = connection.ops.adapt_datetimefield_value(now)
    among, keys = _among(connection, list(replies))
    update = (
        f"UPDATE {_table(QueuedMessage, using)} SET state = %s, finished_at = %s, lease = '', reason = '', "  # noqa: S608
        f"attempts = attempts + 1 WHERE lease = %s AND id {among}"
    )
    values = [State.SENT.value, moment, token, *keys]
    insert = f"INSERT INTO {_table(Attempt, using)} (at, outcome, server, message_id, detail)"
    attempt = (moment, Attempt.Outcome.SENT.value, server)
    if connection.vendor == "postgresql":
        return _in_one_go(connection, update, values, insert, [*attempt, list(replies), list(replies.values())])
    with transaction.atomic(using=using, savepoint=False), connection.cursor() as cursor:
        cursor.execute(update, values)
        marked = cursor.rowcount
        cursor.executemany(f"{insert} VALUES (%s, %s, %s, %s, %s)", [(*attempt, *reply) for reply in replies.items()])
        return int(marked)


def _in_one_go(
    connection: BaseDatabaseWrapper, update: str, values: list[Any], insert: str, attempts: list[Any]
) -> int:
    """One statement, which is a transaction by itself: one way to the database and back instead of four."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH marked AS ({update} RETURNING id), noted AS ({insert} "  # noqa: S608
            "SELECT %s, %s, %s, * FROM unnest(%s::bigint[], %s::text[])) SELECT count(*) FROM marked",
            [*values, *attempts],
        )
        return int(cursor.fetchone()[0])
