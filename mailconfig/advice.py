"""What a failed step means and what to do about it, in words for people who do not know SMTP."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .advices import CATALOGUE
from .probing import Probe
from .remedies import remedy_for
from .situation import Situation, nothing_found
from .smtp import ServerSettings
from .steps import Step, StepName


@dataclass(frozen=True)
class Advice:
    """`remedy` is a change of settings that would help: field name to value; `remedy_label` says it on a button."""

    id: str
    meaning: str
    action: str
    remedy: dict[str, Any] | None = None
    remedy_label: str = ""

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "meaning": self.meaning, "action": self.action, "remedy": self.remedy}


STEP_TITLES: Final[dict[StepName, Promise]] = {
    "resolve": _("Find server"),
    "connect": _("Connect"),
    "secure": _("Secure"),
    "greet": _("Greet (EHLO)"),
    "authenticate": _("Authenticate"),
    "sender": _("Sender"),
    "recipient": _("Recipient"),
    "message": _("Message"),
}

_MEANING_AND_ACTION: Final[dict[StepName, tuple[Promise, Promise]]] = {
    "resolve": (
        _("No address is known for “%(host)s”."),
        _("Check the spelling of the server. If it is right, this machine's name resolution (DNS) does not know it."),
    ),
    "connect": (
        _("“%(host)s” could be found, but nothing answered on port %(port)s."),
        _("Check the port. If it is right, a firewall may block it, or the server is down."),
    ),
    "secure": (
        _("The connection to “%(host)s” could not be encrypted as chosen."),
        _(
            "Port 465 usually wants SSL/TLS, ports 25 and 587 want STARTTLS or None. If the certificate is not "
            "trusted, enter the authority that issued it under “Advanced”."
        ),
    ),
    "greet": (
        _("The server did not accept the greeting of this site (EHLO %(ehlo_name)s)."),
        _(
            "If it closed the connection or sent nothing readable, try SSL/TLS as connection security. If it refused "
            "the name, choose another EHLO name under “Advanced”."
        ),
    ),
    "authenticate": (
        _("The server did not let this site log in."),
        _(
            "Check the user name (often the full address) and the password, and that the account may send by SMTP. "
            "If no log-in is needed, choose None as authentication method."
        ),
    ),
    "sender": (
        _("The server does not accept mail from the sender's address."),
        _("Use the address of the account that logs in as sender, or log in if you have not."),
    ),
    "recipient": (
        _("The server does not accept mail for this recipient."),
        _("Check the recipient's address. Many servers send to others only after a log-in."),
    ),
    "message": (
        _("The server refused the message itself."),
        _("Its answer says why. Often the sender is not allowed for this account, or a limit was reached."),
    ),
}


def advise(step: Step, server: ServerSettings, look: Callable[[], Sequence[Probe]] = nothing_found) -> Advice:
    """The first entry of the catalogue that fits a step that failed; "general" if there is none.

    `look` tries other ways to the server; without it none is offered.
    """
    situation = Situation(step, server, look)
    entry = next((entry for entry in CATALOGUE if entry.fits(situation)), None)
    if entry is None:
        meaning, action = _MEANING_AND_ACTION[step.name]
        return Advice("general", str(meaning) % situation.values, str(action) % situation.values)
    change = remedy_for(entry.remedy, situation)
    return Advice(
        entry.id,
        str(entry.meaning) % situation.values,
        str(entry.action) % situation.values,
        change.fields if change else None,
        change.label if change else "",
    )
