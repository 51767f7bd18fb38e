"""What a failed step means and what to do about it, in words for people who do not know SMTP."""

from dataclasses import asdict, dataclass
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .exceptions import MailconfigError
from .sasl import TokenRefused
from .smtp import ServerSettings, Step, StepName


@dataclass(frozen=True)
class Advice:
    """`remedy` is a change of settings that would help: field name to value."""

    id: str
    meaning: str
    action: str
    remedy: dict[str, Any] | None = None
    remedy_label: str = ""

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if name != "remedy_label"}


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


_NO_TOKEN: Final = _("The provider of %(username)s gave no access token, so there was nothing to log in with.")
_TOKEN_REFUSED: Final = (
    _("The server did not accept the access token of %(username)s."),
    _(
        "Check that the mailbox may send by SMTP (at Microsoft: “Authenticated SMTP” of the user) and that the right "
        "account has signed in. Then press “Authenticate again”, for a token with what is allowed now."
    ),
)
_SCOPE_WANTED: Final = _("It wants the scope %(scope)s: see that the OAuth connection asks for it.")
_NO_OAUTH: Final = (
    _("The server did not let this site log in by OAuth."),
    _("Check that it is the server for accounts of this OAuth connection, its port and the connection security."),
)


def advise(step: Step, server: ServerSettings) -> Advice:
    """The general advice for a step that failed."""
    if server.token and step.name == "authenticate":
        return _advise_on_oauth(step.error, {"username": server.username})
    meaning, action = _MEANING_AND_ACTION[step.name]
    values = {"host": server.host, "port": server.port, "ehlo_name": server.ehlo_name}
    return Advice("general", str(meaning) % values, str(action) % values)


def _advise_on_oauth(error: Exception | None, values: dict[str, str]) -> Advice:
    if isinstance(error, MailconfigError):
        return Advice("general", str(_NO_TOKEN) % values, str(error))
    if not isinstance(error, TokenRefused):
        return Advice("general", str(_NO_OAUTH[0]), str(_NO_OAUTH[1]))
    meaning, action = (str(text) for text in _TOKEN_REFUSED)
    if scope := error.refusal.get("scope"):
        action = f"{str(_SCOPE_WANTED) % {'scope': scope}} {action}"
    return Advice("general", meaning % values, action)
