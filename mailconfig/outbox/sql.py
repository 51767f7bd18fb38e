"""The two statements of each delivered message, written by hand: built by the ORM they cost more than the delivery."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache

from django.db import connections

from .models import Attempt, QueuedMessage, State


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
        f"WHERE lease = %s AND id IN ({', '.join(['%s'] * count)})"
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
