"""Changes of the settings that would help: what to enter in which fields, and how that is said on a button."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from oauthconnections.endpoints import is_loopback

from .advices.entry import Remedy
from .locks import locked_values
from .oauth_form import AUTHENTICATE
from .probing import Probe
from .situation import Situation


@dataclass(frozen=True)
class Change:
    """Field names and values, and the label."""

    fields: dict[str, Any]
    label: str


def remedy_for(name: Remedy | None, situation: Situation) -> Change | None:
    """None if nothing is known that would help, or if it can't be changed on the page."""
    change = _REMEDIES[name](situation) if name else None
    if change is None or locked_values(situation.server.alias).keys() & change.fields.keys():
        return None
    return change


def _other_way(situation: Situation) -> Change | None:
    """Only one that answers, and none that leads away from encryption if there is something to hide."""
    server = situation.server
    if server.token:
        return None
    for found in situation.look():
        secure = found.candidate.security != "none" or is_loopback(server.host)
        if answers(found) and (secure or not server.authenticates):
            return _way(found)
    return None


def answers(found: Probe) -> bool:
    """It speaks as asked; that its certificate is not trusted yet is the next thing to be told."""
    return found.ok or (found.failed_step == "secure" and "CERTIFICATE_VERIFY_FAILED" in found.detail)


def _way(found: Probe) -> Change:
    port, security = found.candidate.port, found.candidate.security
    labels = {
        "starttls": _("Use STARTTLS on port %(port)s"),
        "ssl": _("Use SSL/TLS on port %(port)s"),
        "none": _("Use port %(port)s without encryption"),
    }
    return Change({"security": security, "port": port}, labels[security] % {"port": port})


def _login_as_sender(situation: Situation) -> Change | None:
    """The log-in is known to be right, so it is the sender that follows it."""
    login = situation.server.username
    if "@" not in login or login.casefold() == situation.server.from_email.casefold():
        return None
    return Change({"from_email": login}, _("Send as %(address)s") % {"address": login})


def _full_address(situation: Situation) -> Change | None:
    server = situation.server
    if server.token or not server.username or "@" in server.username or "@" not in server.from_email:
        return None
    domain = server.from_email.rpartition("@")[2]
    own = server.from_email.partition("@")[0].casefold() == server.username.casefold()
    address = server.from_email if own else f"{server.username}@{domain}"
    return Change({"username": address}, _("Log in as %(address)s") % {"address": address})


def _ehlo_name(situation: Situation) -> Change | None:
    """The domain of the sender is a full name that exists, if the one that was said is not."""
    domain = situation.server.from_email.rpartition("@")[2].lower()
    if "." not in domain or domain == situation.server.ehlo_name.lower():
        return None
    return Change(
        {"ehlo_source": "custom", "ehlo_name": domain}, _("Introduce this site as %(name)s") % {"name": domain}
    )


def _authenticate_again(situation: Situation) -> Change | None:
    return Change({AUTHENTICATE: "again"}, _("Authenticate again")) if situation.server.token else None


def _trust_certificate(situation: Situation) -> Change | None:
    certificate = situation.step.certificate
    if certificate is None:
        return None
    return Change({"pinned_certificate": certificate.shown_fingerprint}, _("Trust this certificate"))


def _automatic_method(situation: Situation) -> Change:
    return Change({"auth_method": "auto"}, _("Choose the authentication method automatically"))


def _no_login(situation: Situation) -> Change | None:
    if situation.server.token:
        return None
    none = pgettext("authentication method", "None")
    return Change({"auth_method": "none"}, _("Use “%(none)s” as authentication method") % {"none": none})


_REMEDIES: Final[dict[Remedy, Callable[[Situation], Change | None]]] = {
    "other_way": _other_way,
    "login_as_sender": _login_as_sender,
    "full_address": _full_address,
    "ehlo_name": _ehlo_name,
    "authenticate_again": _authenticate_again,
    "trust_certificate": _trust_certificate,
    "automatic_method": _automatic_method,
    "no_login": _no_login,
}
