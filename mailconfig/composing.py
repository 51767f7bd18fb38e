"""From a Django message to what goes over the wire: who sends it, the recipients, the finished bytes."""

import copy
from dataclasses import dataclass
from email import policy
from email.utils import formataddr

import django
from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.encoding import force_str

from .addresses import addr_spec
from .smtp import ServerSettings


@dataclass(frozen=True)
class Envelope:
    """Arguments of one SMTP transaction; `data` is RFC 5322 with CRLF line ends."""

    sender: str
    recipients: list[str]
    data: bytes


def compose(message: EmailMessage, server: ServerSettings) -> Envelope:
    """Finish a message for a server; the message itself stays as it was. Raises ValueError for an invalid address."""
    recipients = [addr_spec(recipient) for recipient in message.recipients()]
    message = with_sender(message, server)
    return Envelope(addr_spec(message.from_email), recipients, _as_bytes(message))


def with_sender(message: EmailMessage, server: ServerSettings) -> EmailMessage:
    """The message as this server may send it.

    Nobody chose the From of a message that carries the project's default: it becomes the configured sender. A chosen
    From is kept, unless the server is to send always as its own address: then answers go to the chosen one.
    """
    chosen = force_str(message.extra_headers.get("From", message.from_email))
    nobody_chose = chosen in (settings.DEFAULT_FROM_EMAIL, settings.SERVER_EMAIL)
    if not server.from_email or not (nobody_chose or server.force_from):
        return message
    copied = copy.copy(message)
    copied.from_email = formataddr((server.from_name, server.from_email)) if server.from_name else server.from_email
    copied.extra_headers = {name: value for name, value in message.extra_headers.items() if name != "From"}
    if not nobody_chose and not _answers_go_elsewhere(message):
        copied.reply_to = [chosen]
    return copied


def _answers_go_elsewhere(message: EmailMessage) -> bool:
    return bool(message.reply_to) or any(name.lower() == "reply-to" for name in message.extra_headers)


def _as_bytes(message: EmailMessage) -> bytes:
    if django.VERSION >= (6, 0):
        return message.message(policy=policy.SMTP).as_bytes()
    return message.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg] # Django 5.2's own class
