"""Puts mail into the outbox and has it delivered, at whatever time it shall be."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.mail import EmailMessage

from mailconfig.outbox.backends import QueuedEmailBackend
from mailconfig.outbox.delivery import Tally, deliver
from mailconfig.outbox.models import QueuedMessage


def message(number: int = 1, **fields: Any) -> EmailMessage:
    values = {"subject": f"Number {number}", "body": "Hi", "from_email": "me@example.com", "to": ["you@example.com"]}
    return EmailMessage(**values | fields)


def queue(*messages: EmailMessage, alias: str = "default", **options: Any) -> int:
    return QueuedEmailBackend(alias=alias, **options).send_messages(messages)


def queue_one(**fields: Any) -> QueuedMessage:
    queue(message(**fields))
    return QueuedMessage.objects.latest("pk")


class Time:
    """A clock that is set by hand; it begins a moment after now, so that what was queued is due."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC) + timedelta(seconds=1)

    def __call__(self) -> datetime:
        return self.now

    def passes(self, **span: float) -> None:
        self.now += timedelta(**span)

    def deliver(self, alias: str = "default") -> Tally:
        return deliver(alias, "test", clock=self)
