"""Tells workers that mail was stored, the moment its transaction commits; and waits for such a word."""

import threading
import time
from functools import partial
from typing import Final

from django.db import DatabaseError, connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.module_loading import import_string

from mailconfig.models import MailServer

from .models import ServerQueue
from .options import options

CHANNEL: Final = "mailconfig_outbox"
SLICE_SECONDS: Final = 0.5
"""How long a word may be waited for without looking whether the worker shall end."""


def wake_at_commit(database: str) -> None:
    """Inside the transaction that stores mail. PostgreSQL itself passes the word on when it commits."""
    connection = connections[database]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")
    wake_task_at_commit(database)


def wake_task_at_commit(database: str) -> None:
    if options().task:
        transaction.on_commit(partial(_enqueue_task, database), using=database, robust=True)


def _enqueue_task(database: str) -> None:
    import_string("mailconfig.outbox.tasks.deliver").enqueue()  # only a project with tasks has what it needs


def wake_for_new_settings(instance: MailServer, **_known: object) -> None:
    """What waits for a server may go on with other settings, so it is tried with them."""
    held = ServerQueue.objects.exclude(trouble__in=[ServerQueue.Trouble.NONE, ServerQueue.Trouble.BY_HAND])
    if held.filter(alias=instance.alias).exclude(held_revision=instance.revision).exists():
        wake_at_commit(router.db_for_write(ServerQueue))


class Listener:
    """Waits until mail may be there. Without NOTIFY that is after a short time."""

    def __init__(self, database: str, poll_seconds: float) -> None:
        self._database = database
        self._poll_seconds = poll_seconds
        self._connection: BaseDatabaseWrapper | None = None

    def wait(self, stop: threading.Event, seconds: float) -> None:
        """At most so many seconds; not at all when it is time to stop, or when it has only now begun to listen."""
        begins = self._connection is None
        if not self._listens():
            stop.wait(min(seconds, self._poll_seconds))
            return
        if begins:
            return
        until = time.monotonic() + seconds
        while not stop.is_set() and (left := until - time.monotonic()) > 0:
            if self._heard(min(left, SLICE_SECONDS)):
                return

    def _listens(self) -> bool:
        """Have a connection of its own that listens; False where there is no such thing, or not now."""
        if connections[self._database].vendor != "postgresql":
            return False
        if self._connection is None:
            connection = connections[self._database].copy()
            try:
                with connection.cursor() as cursor:
                    cursor.execute(f"LISTEN {CHANNEL}")
            except DatabaseError:
                connection.close()
                return False
            self._connection = connection
        return hasattr(self._connection.connection, "notifies")

    def _heard(self, seconds: float) -> bool:
        assert self._connection is not None
        try:
            words = self._connection.connection.notifies(timeout=seconds, stop_after=1)
            return bool(list(words))
        except Exception:  # the driver's own: the connection is gone, so look, and listen anew
            self.close()
            return True

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
