"""The test email: the sending code run step by step, and what its outcome means."""

import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from functools import partial
from typing import Any, Final

from django.core.mail import EmailMessage
from django.utils.translation import gettext as _

from .addresses import addr_spec
from .advice import STEP_TITLES, Advice, advise
from .composing import compose
from .exceptions import MailconfigError
from .facts import facts_of_certificate
from .inspecting import certificate_of
from .other_ways import other_ways
from .probing import Probe
from .smtp import ServerSettings, Session
from .steps import Step
from .trust import OtherCertificate

EXTRA_SECONDS: Final = 5.0
"""What a test may take beyond the time-out: to look for another way, to look at a certificate, to say goodbye."""
LOOK_SECONDS: Final = 3.0
QUIT_SECONDS: Final = 1.0
UNTRUSTED: Final = (ssl.SSLCertVerificationError, OtherCertificate)


@dataclass
class Outcome:
    """How a test ended. The failed step is the last one; `advice` belongs to it."""

    recipient: str
    ok: bool = False
    message_id: str | None = None
    steps: list[Step] = field(default_factory=list)
    advice: Advice | None = None

    @property
    def last_words(self) -> str:
        """What the server said last, or the error."""
        return self.steps[-1].detail if self.steps else ""

    @property
    def error(self) -> str:
        return "" if self.ok else self.last_words

    @property
    def titled_steps(self) -> list[tuple[str, Step]]:
        """The steps with their names for people."""
        return [(str(STEP_TITLES[step.name]), step) for step in self.steps]

    def as_json(self) -> dict[str, Any]:
        """The object that `mailserver test --json` prints."""
        steps = [
            {
                "step": step.name,
                "ok": step.ok,
                "milliseconds": round(step.milliseconds, 1),
                "detail": step.detail,
                "advice": None if step.ok or self.advice is None else self.advice.as_json(),
                "transcript": step.lines,
            }
            for step in self.steps
        ]
        return {"ok": self.ok, "message_id": self.message_id, "steps": steps}


def run(server: ServerSettings, recipient: str, on_step: Callable[[Step], None] | None = None) -> Outcome:
    """Send a test email with these settings, through the very code that sends all mail.

    Never raises for what a server, a network or an address can do: the outcome tells. It takes no longer than the
    time-out and `EXTRA_SECONDS`, besides what a provider needs to give a token (S-21).
    """
    return _try(server, Outcome(recipient), _deliver, on_step)


def check(server: ServerSettings) -> Outcome:
    """As `run`, but it ends after the log-in: no mail is sent."""

    def succeed(_session: Session, outcome: Outcome, _deadline: float) -> None:
        outcome.ok = True

    return _try(server, Outcome(recipient=""), succeed)


def _try(
    server: ServerSettings,
    outcome: Outcome,
    act: Callable[[Session, Outcome, float], None],
    on_step: Callable[[Step], None] | None = None,
) -> Outcome:
    deadline = time.monotonic() + server.timeout

    def note(step: Step) -> None:
        if isinstance(step.error, UNTRUSTED):
            _look_at_certificate(step, server, _seconds_to_look(deadline))
        outcome.steps.append(step)
        if on_step:
            on_step(step)

    session = Session(server, note, details=True)
    try:
        session.open()
        act(session, outcome, deadline)
    except (OSError, ValueError):
        look = partial(_other_ways, server, deadline)
        outcome.advice = advise(outcome.steps[-1], server, look)
    finally:
        session.timeout = QUIT_SECONDS
        session.close()
    return outcome


def _deliver(session: Session, outcome: Outcome, deadline: float) -> None:
    server, recipient = session.settings, outcome.recipient
    with session.step("recipient", only_failure=True):
        addr_spec(recipient)
    with session.step("sender", only_failure=True):
        envelope = compose(_test_message(server, recipient), server)
    session.timeout = max(deadline - time.monotonic(), 1)
    delivery = session.sendmail(envelope.sender, envelope.recipients, envelope.data)
    outcome.ok = not delivery.refused
    outcome.message_id = message_from_bytes(envelope.data)["Message-ID"]


def _seconds_to_look(deadline: float) -> float:
    return min(LOOK_SECONDS, deadline + EXTRA_SECONDS - 1 - time.monotonic())


def _other_ways(server: ServerSettings, deadline: float) -> list[Probe]:
    return other_ways(server, _seconds_to_look(deadline))


def _look_at_certificate(step: Step, server: ServerSettings, seconds: float) -> None:
    """A handshake that failed tells nothing of the certificate, so it is asked for once more (S-15)."""
    step.certificate = certificate_of(server, seconds)
    step.facts += facts_of_certificate(step.certificate)


def not_started(recipient: str, error: MailconfigError) -> Outcome:
    """The outcome where there is nothing to test with."""
    step = Step("resolve", ok=False, detail=str(error), error=error)
    advice = Advice("general", str(error), _("Complete the settings of the outgoing mail server, then test again."))
    return Outcome(recipient, steps=[step], advice=advice)


def _test_message(server: ServerSettings, recipient: str) -> EmailMessage:
    body = _(
        "This is a test email.\n\n"
        "It was sent through %(host)s, port %(port)s. That you can read it shows that this site can send mail.\n"
    ) % {"host": server.host, "port": server.port}
    return EmailMessage(subject=_("Test email"), body=body, to=[recipient])
