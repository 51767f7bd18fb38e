"""Takes messages into the outbox, in the caller's transaction."""

import re
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from datetime import datetime
from itertools import islice
from typing import Final

from django.core.mail import EmailMessage
from django.db import connections, router, transaction
from django.utils import timezone

from mailconfig.composing import Envelope, compose
from mailconfig.locks import apply_locks
from mailconfig.models import MailServer
from mailconfig.prepared import PreparedQuery
from mailconfig.smtp import ServerSettings

from . import sql, waking
from .models import MessageContent, Priority, QueuedMessage

BATCH: Final = 500
_MESSAGE_ID: Final = re.compile(rb"^Message-ID:\s*(.+?)\r\n(?=\S|\r\n)", re.IGNORECASE | re.MULTILINE | re.DOTALL)
_BULK: Final = ("bulk", "list", "junk")

SENDER: Final = ("alias", "from_name", "from_email", "force_from")
_sender: Final = PreparedQuery(MailServer, "alias", only=("id", *SENDER))

Row = tuple[QueuedMessage, bytes]


def enqueue(messages: Iterable[EmailMessage], alias: str, priority: Priority, *, silent: bool = False) -> int:
    """Store messages: all of them or none. Return how many; one without recipients is none.

    If errors are to be `silent`, the caller's transaction outlives them; else a database that fails ends it, as
    with `save()`.
    Raises DatabaseError, and ValueError for what can't be sent to any server.
    """
    database = router.db_for_write(QueuedMessage)
    # Read before the transaction begins: one that has read may not write any more on SQLite, if another one did.
    rows = _rows(messages, sender_of(alias), priority)
    batch = list(islice(rows, BATCH))
    if len(batch) == 1 and connections[database].vendor in ("sqlite", "postgresql"):
        _store_alone(*batch[0], database, silent)
        return 1
    count = 0
    with transaction.atomic(using=database) if batch else nullcontext():
        while batch:
            _store(batch, database)
            count += len(batch)
            batch = list(islice(rows, BATCH))
        if count:
            waking.wake_at_commit(database)
    return count


def _store_alone(row: QueuedMessage, data: bytes, database: str, silent: bool) -> None:
    """Most mail comes singly, so this is done with as few words to the database as there can be."""
    connection = connections[database]
    by_itself = connection.vendor == "postgresql" and not connection.in_atomic_block
    with nullcontext() if by_itself else transaction.atomic(using=database, savepoint=silent):
        sql.insert(database, row, data)
    waking.wake_task_at_commit(database)


def _rows(messages: Iterable[EmailMessage], server: ServerSettings, priority: Priority) -> Iterator[Row]:
    now = timezone.now()
    for message in messages:
        if message.recipients():
            yield _row(message, compose(message, server), server.alias, priority, now)


def _row(message: EmailMessage, envelope: Envelope, alias: str, priority: Priority, now: datetime) -> Row:
    row = QueuedMessage(
        alias=alias,
        priority=max(priority, Priority.LOW if _is_bulk(message) else Priority.HIGH),
        created_at=now,
        due_at=now,
        sender=envelope.sender,
        recipients="\n".join(dict.fromkeys(envelope.recipients)),
        subject=str(message.subject).replace("\0", ""),
        message_id=message_id(envelope.data),
        size=len(envelope.data),
    )
    return row, envelope.data


def _is_bulk(message: EmailMessage) -> bool:
    """A newsletter says so, and shall not go before somebody's new password."""
    return str(message.extra_headers.get("Precedence", "")).lower() in _BULK


def message_id(data: bytes) -> str:
    found = _MESSAGE_ID.search(data, 0, max(data.find(b"\r\n\r\n"), 0) + 4)
    return " ".join(found[1].decode(errors="replace").split()) if found else ""


def sender_of(alias: str) -> ServerSettings:
    """As much of the settings as decides who sends. Mail is accepted before any server is configured, too."""
    server = _sender.find(MailServer.objects.db, alias) or MailServer(alias=alias)
    apply_locks(server, alias)
    return ServerSettings("", 0, **{name: getattr(server, name) for name in SENDER})


def _store(batch: list[Row], database: str) -> None:
    messages = [message for message, _data in batch]
    if connections[database].features.can_return_rows_from_bulk_insert:
        QueuedMessage.objects.using(database).bulk_create(messages)
    else:  # MySQL tells the keys of single rows only
        for message in messages:
            message.save(using=database, force_insert=True)
    contents = [MessageContent(message=message, data=data) for message, data in batch]
    MessageContent.objects.using(database).bulk_create(contents, batch_size=100)
