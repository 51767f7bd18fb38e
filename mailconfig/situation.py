"""What is known when a step has failed: the answer, the settings, what else was seen."""

import re
import smtplib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from .advices.entry import Login, When
from .probing import Probe
from .smtp import ServerSettings
from .steps import Step

LOGINS_OF_WINDOWS: Final = {"NTLM", "GSSAPI"}
AUDIENCES: Final = ("https://outlook.office.com", "https://outlook.office365.com", "https://outlook.office365.us")
SCOPES: Final = {"SMTP.Send", "SMTP.SendAsApp"}


def nothing_found() -> list[Probe]:
    return []


@dataclass
class Situation:
    """`look` tries the other ways to the server, when somebody wants to know."""

    step: Step
    server: ServerSettings
    look: Callable[[], Sequence[Probe]] = field(default=nothing_found, repr=False)

    @cached_property
    def _answer(self) -> tuple[int, str]:
        error = self.step.error
        reply: bytes | str
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            code, reply = next(iter(error.recipients.values()), (0, b""))
        elif isinstance(error, smtplib.SMTPResponseException):
            code, reply = error.smtp_code, error.smtp_error
        else:
            return 0, str(error or self.step.detail)
        return code, reply.decode(errors="replace") if isinstance(reply, bytes) else str(reply)

    @property
    def code(self) -> int:
        return self._answer[0]

    @property
    def enhanced(self) -> str:
        """The enhanced status code (RFC 3463), such as 5.7.8; empty if there is none."""
        found = re.match(r"\s*([245]\.\d{1,3}\.\d{1,3})\b", self._answer[1])
        return found[1] if found else ""

    @property
    def text(self) -> str:
        """The answer without its codes at the beginnings of lines, or the error."""
        return re.sub(r"(?m)^\s*[245]\.\d{1,3}\.\d{1,3}[ -]*", "", self._answer[1]).replace("\n", " ")

    @property
    def error_names(self) -> set[str]:
        return {kind.__name__ for kind in type(self.step.error).__mro__}

    @property
    def login(self) -> Login:
        return "oauth" if self.server.token else "password" if self.server.authenticates else "none"

    def holds(self, condition: When) -> bool:
        return not condition or bool(getattr(self, f"_{condition}")())

    # --- conditions that entries name ---

    def _offers_login(self) -> bool:
        return bool(self.step.offered)

    def _only_windows_login(self) -> bool:
        return bool(self.step.offered) and LOGINS_OF_WINDOWS.issuperset(self.step.offered)

    def _short_user_name(self) -> bool:
        return bool(self.server.username) and not re.search(r"[@\\]", self.server.username)

    def _wrong_audience(self) -> bool:
        audience = str(self.step.claims.get("aud", ""))
        return bool(audience) and not audience.startswith(AUDIENCES)

    def _lacks_scope(self) -> bool:
        claims = self.step.claims
        granted = {*str(claims.get("scp", "")).split(), *(claims.get("roles") or ())}
        return bool(claims) and granted.isdisjoint(SCOPES)

    def _token_ended(self) -> bool:
        ends = self.step.claims.get("exp")
        return isinstance(ends, int) and ends < time.time()

    # --- for the texts ---

    @property
    def values(self) -> dict[str, Any]:
        """What completes meaning and action; never a secret."""
        server, certificate, claims = self.server, self.step.certificate, self.step.claims
        refusal = getattr(self.step.error, "refusal", {})
        return {
            "host": server.host,
            "port": server.port,
            "ehlo_name": server.ehlo_name,
            "username": server.username or "–",
            "sender": server.from_email or "–",
            "error": str(self.step.error or self.step.detail),
            "scope": refusal.get("scope", "–"),
            "audience": claims.get("aud", "–"),
            "granted": _words(claims.get("scp") or claims.get("roles")) or "–",
            "offered": ", ".join(self.step.offered) or "–",
            "names": ", ".join(certificate.names if certificate else ()) or "–",
            "issuer": (certificate and certificate.issuer) or "–",
            "fingerprint": certificate.shown_fingerprint if certificate else "–",
            "ends": certificate.ends.strftime("%Y-%m-%d") if certificate and certificate.ends else "–",
            "begins": certificate.begins.strftime("%Y-%m-%d") if certificate and certificate.begins else "–",
        }


def _words(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value or "")
