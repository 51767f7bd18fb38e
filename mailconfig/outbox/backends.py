"""What Django calls to send mail later: stored with the caller's transaction, delivered by a worker."""

import logging
import threading
from collections.abc import Iterable
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db import DatabaseError

from .models import Priority
from .queueing import enqueue

logger = logging.getLogger("mailconfig.outbox")


class QueuedEmailBackend(BaseEmailBackend):
    """The contract of Django's SMTP backend, with "sent" meaning: stored. A batch is stored as a whole or not at all.

    Options: `fail_silently`, and `priority` ("high", "normal" or "low"); mail with a header `Precedence: bulk` is low.
    """

    uses_mail_server = True

    def __init__(
        self, fail_silently: bool = False, *, alias: str | None = None, priority: str = "normal", **kwargs: Any
    ) -> None:
        super().__init__(alias=alias, **kwargs)
        self.alias = alias
        self.fail_silently = fail_silently
        self.priority = _priority(priority)
        self._opened = False
        self._lock = threading.RLock()

    def open(self) -> bool:
        """Return whether it was closed. There is no connection: nothing is sent here."""
        opened, self._opened = not self._opened, True
        return opened

    def close(self) -> None:
        self._opened = False

    def send_messages(self, email_messages: Iterable[EmailMessage]) -> int:
        """Store messages; return how many. Raises DatabaseError, unless it is to fail silently."""
        if not email_messages:
            return 0
        with self._lock:
            try:
                return enqueue(email_messages, self.alias or "default", self.priority, silent=self.fail_silently)
            except DatabaseError as error:
                logger.error("Mail could not be stored: %s", error)
                if not self.fail_silently:
                    raise
                return 0


def _priority(name: str) -> Priority:
    try:
        return Priority[name.upper()]
    except KeyError:
        names = ", ".join(one.name.lower() for one in Priority)
        raise ValueError(f"priority: {name!r} is none of {names}") from None
