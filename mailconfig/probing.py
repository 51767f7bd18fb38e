"""Tries candidates, all at once and without logging in: which of them answer, how secure, what they offer."""

import re
import smtplib
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Final

from django.utils.translation import get_language, gettext_lazy, override
from django.utils.translation import gettext as _

from oauthconnections.bounded import run_together
from oauthconnections.endpoints import is_forbidden

from .candidates import SOURCES, Candidate
from .findings import Sentence
from .resolving import Address
from .smtp import ServerSettings, Session
from .steps import Step, StepName, describe

PORTS: Final = (25, 465, 587, 2525)
"""Those of mail servers; no others are tried, so that nobody can use this site to look for other services."""
MOST: Final = 20
"""Candidates that are tried at once."""
QUIT_SECONDS: Final = 0.5
IN_CLEAR: Final = gettext_lazy(
    "This server offers no encryption: everybody on the way can read the mail, and a password if you enter one."
)


@dataclass(frozen=True)
class Probe:
    """How a candidate did. `detail` is the server's answer or the error, `failed_step` where it happened."""

    candidate: Candidate
    ok: bool = False
    failed_step: StepName | None = None
    detail: str = ""
    encryption: str = ""
    extensions: tuple[str, ...] = ()
    mechanisms: tuple[str, ...] = ()
    size: int | None = None
    """Bytes that a message may have; None if the server doesn't say."""
    milliseconds: float = 0.0


def probe(
    candidates: Sequence[Candidate],
    *,
    seconds: float,
    ehlo_name: str = "[127.0.0.1]",
    ca_bundle: str = "",
    ports: Collection[int] = PORTS,
) -> list[Probe]:
    """The outcome of each, the best first. Never raises for what servers and networks do (S-21)."""
    tried = [candidate for candidate in candidates if candidate.port in ports][:MOST]
    others = [Probe(candidate, detail=_("not tried")) for candidate in candidates if candidate not in tried]
    how = _How(ehlo_name, ca_bundle, time.monotonic() + seconds - QUIT_SECONDS, get_language())
    outcomes = run_together([partial(_outcomes, candidate, how) for candidate in tried], seconds, lambda _error: [])
    late = [[Probe(candidate, detail=_("timed out"))] for candidate in tried]
    return sorted(
        [*chain.from_iterable((found or otherwise for found, otherwise in zip(outcomes, late, strict=True))), *others],
        key=_rank,
    )


@dataclass(frozen=True)
class _How:
    ehlo_name: str
    ca_bundle: str
    deadline: float
    language: str


def _outcomes(candidate: Candidate, how: _How) -> list[Probe]:
    """Of one candidate, and where a guessed server knows no STARTTLS also of the same one in clear text."""
    with override(how.language):  # a thread begins without one
        first, lacks_tls = _outcome(candidate, how)
        if lacks_tls and candidate.source in ("mx", "guess"):
            return [first, _outcome(replace(candidate, security="none", note=Sentence(IN_CLEAR)), how)[0]]
        return [first]


def _outcome(candidate: Candidate, how: _How) -> tuple[Probe, bool]:
    steps: list[Step] = []
    seconds = max(how.deadline - time.monotonic(), 0)
    settings = ServerSettings(
        candidate.host,
        candidate.port,
        security=candidate.security,
        ehlo_name=how.ehlo_name,
        timeout=seconds,
        ca_bundle=how.ca_bundle,
    )
    session = _Probing(settings, steps.append)
    try:
        session.open()
    except (OSError, ValueError) as error:
        found = Probe(candidate, failed_step=session.failed_step, detail=describe(error), milliseconds=_time(steps))
        return found, isinstance(error, smtplib.SMTPNotSupportedError)
    found = _success(candidate, session, steps)
    session.timeout = QUIT_SECONDS
    session.close()
    return found, False


class _Probing(Session):
    """A session that goes nowhere near a link-local address, whatever name leads there."""

    def _resolve(self) -> list[Address]:
        addresses = super()._resolve()
        with self.step("resolve", only_failure=True):
            allowed = [address for address in addresses if not is_forbidden(address[4][0])]
            if not allowed:
                raise OSError(_("“%(host)s” leads to an address that is not tried.") % {"host": self.settings.host})
        return allowed


def _success(candidate: Candidate, session: Session, steps: list[Step]) -> Probe:
    size = session.features.get("size", "")
    return Probe(
        candidate,
        ok=True,
        detail=next((step.detail for step in steps if step.name == "greet"), ""),
        encryption=next((step.detail for step in steps if step.name == "secure"), ""),
        extensions=tuple(sorted(name.upper() for name in session.features)),
        mechanisms=tuple(session.mechanisms),
        size=int(size) if re.fullmatch("[1-9][0-9]{0,17}", size) else None,  # 0: no fixed limit (RFC 1870 section 4)
        milliseconds=_time(steps),
    )


def _time(steps: list[Step]) -> float:
    return sum(step.milliseconds for step in steps)


def _rank(probe: Probe) -> tuple[bool, bool, bool, bool, int]:
    """Works before does not, encrypted before clear, submission before relay, then the more reliable source.

    A server where nobody can log in takes mail only for its own recipients, unless it is this site's relay.
    """
    candidate = probe.candidate
    only_receives = probe.ok and not probe.mechanisms and candidate.source != "local"
    source = SOURCES.index(candidate.source)
    return not probe.ok, candidate.security == "none", candidate.port == 25, only_receives, source
