"""What became of real mail, noted for the status line: once in a while, and never at the expense of a mail."""

import logging
import os
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.core.signals import request_finished
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import Case, DateTimeField, F, QuerySet, Value, When
from django.utils import timezone

from . import last_good
from .models import MailServer
from .sending_record import SendingRecord
from .signals import sending_resumed, sending_stopped
from .storable import storable

logger = logging.getLogger("mailconfig")
SECONDS: Final = 60.0
"""How often a process writes down at most that nothing has changed."""
NO_FAILURE: Final[dict[str, Any]] = {"failing_since": None, "failed_step": "", "error": ""}
UP_TO_LOGIN: Final = ("resolve", "connect", "secure", "greet", "authenticate")


@dataclass(frozen=True)
class Note:
    """Of one mail. `error` is empty if it was accepted. `database` is the one that the settings were read from."""

    pk: int
    revision: int
    database: str
    step: str = ""
    error: str = ""
    at: datetime = field(default_factory=timezone.now)
    moment: float = field(default_factory=time.monotonic)

    def tells_news_after(self, last: "Note | None") -> bool:
        if last is None or last.revision != self.revision or bool(last.error) != bool(self.error):
            return True
        return self.moment - last.moment >= SECONDS


class Notes:
    """Those of this process. What can't be written inside a transaction of somebody else's waits for its end."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self._lock = threading.Lock()
        self._written: dict[int, Note] = {}
        self._waiting: dict[int, Note] = {}
        self._kept: dict[int, int] = {}  # the revision that is known to be kept

    def take(self, note: Note) -> None:
        """Write it down if it tells something new. Never raises."""
        if not note.tells_news_after(self._written.get(note.pk)):
            return
        with self._lock:
            waits_already = note.pk in self._waiting and not note.tells_news_after(self._waiting[note.pk])
            self._waiting[note.pk] = note
        try:
            if not self._may_write(note):
                if not waits_already:
                    transaction.on_commit(self.write, using=note.database)
                return
        except Exception:  # whatever a database says: the mail itself is done
            logger.debug("The outcome of a mail could not be noted", exc_info=True)
            return
        self.write()

    def write_after_request(self, **_signal: Any) -> None:
        """Django has looked after its connections just before, so this one is looked after here."""
        databases = {note.database for note in list(self._waiting.values())}
        self.write()
        for database in databases:
            if not connections[database].in_atomic_block:  # that of a test goes on
                connections[database].close_if_unusable_or_obsolete()

    def write(self) -> None:
        """Write what waits, unless this thread is inside a transaction. Never raises."""
        for note in list(self._waiting.values()):
            try:
                self._write_outside(note)
            except Exception:  # as above, and the other notes get their turn
                logger.debug("The outcome of a mail could not be noted", exc_info=True)

    def _write_outside(self, note: Note) -> None:
        if not self._may_write(note):
            return
        with self._lock:
            if self._waiting.get(note.pk) is not note:
                return
            del self._waiting[note.pk]
            self._written[note.pk] = note  # also if that fails: it is tried again in a minute, not with each mail
        _store(note)
        if not note.error and self._kept.get(note.pk) != note.revision:
            last_good.keep(note.pk, note.revision)
            self._kept[note.pk] = note.revision

    @staticmethod
    def _may_write(note: Note) -> bool:
        """Whether it would stand on its own: not undone with what the caller does, and holding nobody up."""
        connection = connections[note.database]
        return not connection.in_atomic_block and connection.get_autocommit()


def _store(note: Note) -> None:
    rows = SendingRecord.objects.using(note.database).filter(server_id=note.pk)
    if not _update(rows, note) and MailServer.objects.using(note.database).filter(pk=note.pk).exists():
        SendingRecord.objects.using(note.database).get_or_create(server_id=note.pk)
        _update(rows, note)


def _update(rows: QuerySet[SendingRecord], note: Note) -> bool:
    """Whether there was a row; who brings about a change is the one to tell of it."""
    error = storable(note.error)
    values: dict[str, Any] = {"revision": note.revision, "failed_step": note.step, "error": error}
    values |= {"failing_since": _since(note)} if error else {"failing_since": None, "sent_at": note.at}
    if rows.filter(failing_since__isnull=bool(error)).update(**values):
        _tell(rows, error)
        return True
    return bool(rows.update(**values))


def _tell(rows: QuerySet[SendingRecord], error: str) -> None:
    server = rows.select_related("server").get().server
    if error:
        sending_stopped.send_robust(MailServer, server=server, error=error)
    else:
        sending_resumed.send_robust(MailServer, server=server)


def _since(note: Note) -> Case:
    going_on = When(revision=note.revision, failing_since__isnull=False, then=F("failing_since"))
    return Case(going_on, default=Value(note.at), output_field=DateTimeField())


def note_mail(server: MailServer, step: str = "", error: str = "") -> None:
    """Remember that a mail was accepted, or what kept it from being so; a server that has no row is not remembered."""
    if server.pk is not None:
        notes.take(Note(server.pk, server.revision, server._state.db or DEFAULT_DB_ALIAS, step, error))


def note_test(server: MailServer, error: str) -> None:
    """Remember how a test of the saved settings ended; empty: it was accepted."""
    server.note_test(error)
    if not error:
        last_good.keep(server.pk, server.revision)
        rows = SendingRecord.objects.filter(server=server)
        if not _end_failure(rows, revision=server.revision):
            rows.update(revision=server.revision, **NO_FAILURE)


def note_check(server: MailServer, step: str, error: str) -> None:
    """Remember how a check that sent nothing ended: a failure is one of mail too, a success proves only the log-in."""
    if error:
        note_mail(server, step, error)
    elif server.pk is not None:
        rows = SendingRecord.objects.using(server._state.db or DEFAULT_DB_ALIAS).filter(server_id=server.pk)
        _end_failure(rows.filter(revision=server.revision, failed_step__in=UP_TO_LOGIN))


def _end_failure(rows: QuerySet[SendingRecord], **values: Any) -> bool:
    """Whether there was one, which is then told."""
    failing = list(rows.filter(failing_since__isnull=False).select_related("server"))
    if not failing or not rows.filter(failing_since__isnull=False).update(**NO_FAILURE, **values):
        return False
    sending_resumed.send_robust(MailServer, server=failing[0].server)
    return True


notes: Final = Notes()
request_finished.connect(notes.write_after_request)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=notes.forget)
