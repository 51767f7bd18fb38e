"""The steps of a session: what was done, how it ended, and what there is to know about it."""

import smtplib
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from django.utils.translation import gettext as _

from .server_certificate import ServerCertificate

StepName = Literal["resolve", "connect", "secure", "greet", "authenticate", "sender", "recipient", "message"]


class Fact(NamedTuple):
    """Something that was seen in a step; `label` is translated."""

    label: str
    value: str


@dataclass
class Step:
    """One thing that was done: how it ended, in how long, and what the server said.

    `facts` and `transcript` are there when a session was asked for details; `claims` are those of an access token,
    `offered` the mechanisms to log in.
    """

    name: StepName
    ok: bool = True
    milliseconds: float = 0
    detail: str = ""
    error: Exception | None = None
    facts: list[Fact] = field(default_factory=list)
    transcript: list[str] = field(default_factory=list)
    certificate: ServerCertificate | None = None
    claims: dict[str, Any] = field(default_factory=dict)
    offered: tuple[str, ...] = ()

    @property
    def is_answered(self) -> bool:
        """Whether `detail` of a failure is what the server said, not what became of the connection."""
        return isinstance(self.error, (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused))

    @property
    def lines(self) -> list[str]:
        """All of it as text."""
        return [*(f"* {fact.label}: {fact.value}" for fact in self.facts), *self.transcript]


def describe(error: Exception) -> str:
    """An error in the server's own words: "535 5.7.8 Bad credentials"."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{who}: {line(*answer)}" for who, answer in error.recipients.items())
    if isinstance(error, smtplib.SMTPResponseException):
        return line(error.smtp_code, error.smtp_error)
    if isinstance(error, TimeoutError):  # some come without a word
        return _("timed out")
    return str(error) or type(error).__name__


def line(code: int, reply: bytes | str) -> str:
    return f"{code} {reply.decode(errors='replace') if isinstance(reply, bytes) else reply}"
