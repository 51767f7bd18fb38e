"""From a Django message to what goes over the wire: who sends it, the recipients, the finished bytes."""

import copy
from dataclasses import dataclass
from email.headerregistry import Address
from functools import lru_cache

import django
from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.encoding import force_str

from .addresses import addr_spec
from .headers import POLICY
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

    Nobody chose a sender that is the project's default: it becomes the configured one. A chosen sender is kept, unless
    the server is to send always as its own address: then answers go to the chosen one. This holds for the envelope
    (`from_email`) and for the header From, which may differ.
    """
    if not server.from_email:
        return message
    chosen = force_str(message.extra_headers.get("From", message.from_email))
    ours = _own_sender(server.from_name, server.from_email)
    copied = copy.copy(message)
    if server.force_from or _nobody_chose(message.from_email):
        copied.from_email = ours
    replaced = server.force_from or _nobody_chose(chosen)
    copied.extra_headers = {**message.extra_headers, "From": ours if replaced else chosen}
    if replaced and not _nobody_chose(chosen) and not _answers_go_elsewhere(message):
        copied.reply_to = [chosen]
    return copied


@lru_cache(maxsize=32)
def _own_sender(name: str, address: str) -> str:
    return str(Address(name, addr_spec=addr_spec(address)))


def _nobody_chose(sender: str) -> bool:
    return force_str(sender) in (settings.DEFAULT_FROM_EMAIL, settings.SERVER_EMAIL)


def _answers_go_elsewhere(message: EmailMessage) -> bool:
    return bool(message.reply_to or message.extra_headers.get("Reply-To"))


def _as_bytes(message: EmailMessage) -> bytes:
    data = _rendered(message)
    if b"\0" in data.partition(b"\r\n\r\n")[0]:  # Django itself refuses CR and LF (S-19)
        raise ValueError("A header must not contain NUL")
    return data


def _rendered(message: EmailMessage) -> bytes:
    if django.VERSION >= (6, 0):
        return message.message(policy=POLICY).as_bytes()
    return message.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg] # Django 5.2's own class
