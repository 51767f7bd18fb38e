"""The statements that run for each delivered message, by hand: built by the ORM they cost more than the delivery."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from django.db import connections

from .models import Attempt, MessageContent, QueuedMessage, State


def take(using: str, token: str, keys: Sequence[int], until: datetime) -> None:
    """Lease rows that this transaction has locked."""
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(_take(using, len(keys)), [token, connection.ops.adapt_datetimefield_value(until), *keys])


@cache
def _take(using: str, count: int) -> str:
    table = connections[using].ops.quote_name(QueuedMessage._meta.db_table)
    return f"UPDATE {table} SET lease = %s, due_at = %s WHERE id IN ({_marks(count)})"  # noqa: S608


def contents(using: str, keys: Sequence[int]) -> dict[int, bytes]:
    with connections[using].cursor() as cursor:
        cursor.execute(_contents(using, len(keys)), keys)
        return {key: bytes(data) for key, data in cursor.fetchall()}


@cache
def _contents(using: str, count: int) -> str:
    table = connections[using].ops.quote_name(MessageContent._meta.db_table)
    return f"SELECT message_id, data FROM {table} WHERE message_id IN ({_marks(count)})"  # noqa: S608


def _marks(count: int) -> str:
    return ", ".join(["%s"] * count)


def mark_sent(using: str, token: str, keys: Sequence[int], now: datetime) -> int:
    """Of those that this worker still has; return how many."""
    connection = connections[using]
    values = [State.SENT.value, connection.ops.adapt_datetimefield_value(now), token, *keys]
    with connection.cursor() as cursor:
        cursor.execute(_mark_sent(using, len(keys)), values)
        return int(cursor.rowcount)


@cache
def _mark_sent(using: str, count: int) -> str:
    table = connections[using].ops.quote_name(QueuedMessage._meta.db_table)
    return (
        f"UPDATE {table} SET state = %s, finished_at = %s, lease = '', reason = '', attempts = attempts + 1 "  # noqa: S608
        f"WHERE lease = %s AND id IN ({_marks(count)})"
    )


def add_attempts(using: str, now: datetime, server: str, rows: Sequence[tuple[int, str, str]]) -> None:
    """Rows of message, outcome and details."""
    connection = connections[using]
    at = connection.ops.adapt_datetimefield_value(now)
    values = [value for key, outcome, detail in rows for value in (key, at, outcome, server, detail)]
    with connection.cursor() as cursor:
        cursor.execute(_add_attempts(using, len(rows)), values)


@cache
def _add_attempts(using: str, count: int) -> str:
    table = connections[using].ops.quote_name(Attempt._meta.db_table)
    rows = ", ".join(["(%s, %s, %s, %s, %s)"] * count)
    return f"INSERT INTO {table} (message_id, at, outcome, server, detail) VALUES {rows}"  # noqa: S608
