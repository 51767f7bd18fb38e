"""The SMTP server behind the mail catcher: takes every message and keeps it as a row."""

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from functools import partial
from typing import Final

from aiosmtpd.smtp import SMTP, Envelope, Session
from django.db import DatabaseError, connection

from .models import CaughtMessage

LARGEST: Final = 32 * 1024 * 1024
# SQLite has one writer at a time. A sender that holds a transaction while it waits for our answer would wait for
# itself, so the answer comes after this many seconds and the row as soon as the database is free.
PATIENCE: Final = 2.0

logger = logging.getLogger(__name__)


class Catcher:
    """Serves a socket that already listens, in a thread of its own; a context manager."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="mail catcher")
        self._serving = threading.Event()
        self._end: Callable[[], object] = lambda: None

    def __enter__(self) -> "Catcher":
        self._thread.start()
        self._serving.wait()
        return self

    def __exit__(self, *_error: object) -> None:
        self._end()
        self._thread.join()

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        self._end = partial(loop.call_soon_threadsafe, ended.set)
        server = await loop.create_server(protocol, sock=self._listening)
        self._serving.set()
        await ended.wait()
        # Not wait_closed(): it waits for clients, and those that keep their connection would never let us end.
        # asyncio.run() cancels what is left of them.
        server.close()


def protocol() -> SMTP:
    # A name of its own, because aiosmtpd would look one up in the DNS.
    return SMTP(
        Handler(), data_size_limit=LARGEST, enable_SMTPUTF8=True, hostname="localhost", ident="Mailconfig mail catcher"
    )


class Handler:
    # The name is aiosmtpd's.
    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        keeping = asyncio.ensure_future(asyncio.to_thread(keep, session, envelope))
        done, _pending = await asyncio.wait({keeping}, timeout=PATIENCE)
        if done and not keeping.result():
            return "451 4.3.0 The mail catcher could not store the message"
        return "250 2.0.0 Caught"


def keep(session: Session, envelope: Envelope) -> bool:
    """Store a message; whether that worked."""
    raw = envelope.original_content
    try:
        CaughtMessage.objects.keep(
            raw=raw if isinstance(raw, bytes) else b"",
            sender=(envelope.mail_from or "").replace("<>", ""),
            recipients=list(envelope.rcpt_tos),
            ehlo_name=session.host_name or "",
            peer=str(session.peer[0]) if session.peer else "",
        )
    except DatabaseError:
        logger.exception("The mail catcher could not store a message")
        return False
    finally:
        connection.close()  # this thread belongs to a pool that knows nothing of Django
    return True
