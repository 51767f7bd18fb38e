"""What one press can change after a failed test: found by trying, and offered only where it can be applied."""

import json
import ssl
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from . import diagnosis
from .candidates import Candidate
from .diagnosis import Outcome
from .findings import Sentence
from .hostname_service import is_loopback
from .oauth_form import AUTHENTICATE
from .probing import PORTS, probe
from .provider import Security
from .smtp import ServerSettings, Step

SECONDS: Final = 4.0
TRIED_AFTER: Final = ("connect", "secure", "greet")
USUAL: Final[tuple[tuple[int, Security], ...]] = ((465, "ssl"), (587, "starttls"), (25, "starttls"))
IN_CLEAR: Final[tuple[tuple[int, Security], ...]] = ((587, "none"), (25, "none"))
WHY: Final = gettext_lazy("This is the server that was entered.")
LABELS: Final = {
    "ssl": gettext_lazy("Use SSL/TLS on port %(port)s"),
    "starttls": gettext_lazy("Use STARTTLS on port %(port)s"),
    "none": gettext_lazy("Use no encryption on port %(port)s"),
}


def run(settings: ServerSettings, recipient: str, on_step: Callable[[Step], None] | None = None) -> Outcome:
    """A test email, and after a failure that another way may heal, the search for that way."""
    outcome = diagnosis.run(settings, recipient, on_step)
    way = other_way(settings) if _may_be_elsewhere(outcome) else None
    if way and outcome.advice:
        outcome.advice = replace(outcome.advice, remedy=way, remedy_label=label(way))
    return outcome


def _may_be_elsewhere(outcome: Outcome) -> bool:
    if outcome.advice is None or outcome.advice.remedy:
        return False
    failed = outcome.steps[-1]
    return failed.name in TRIED_AFTER and not isinstance(failed.error, ssl.SSLCertVerificationError)


def other_way(server: ServerSettings, seconds: float = SECONDS) -> dict[str, Any] | None:
    """Port and connection security with which the same server answers; never without encryption if there was some."""
    candidates = [Candidate(server.host, *way, "provider", Sentence(WHY)) for way in _ways(server)]
    ports = {*PORTS, server.port}
    probes = probe(candidates, seconds=seconds, ehlo_name=server.ehlo_name, ca_bundle=server.ca_bundle, ports=ports)
    found = next((one.candidate for one in probes if one.ok and (one.mechanisms or not server.authenticates)), None)
    return {"security": found.security, "port": found.port} if found else None


def _ways(server: ServerSettings) -> list[tuple[int, Security]]:
    secure: tuple[tuple[int, Security], ...] = ((server.port, "ssl"), (server.port, "starttls"))
    ways = [*secure, *USUAL]
    if server.security == "none" and (not server.authenticates or is_loopback(server.host)):
        ways += IN_CLEAR
    return [way for way in dict.fromkeys(ways) if way != (server.port, server.security)]


def label(way: dict[str, Any]) -> str:
    return str(LABELS[way["security"]]) % way


@dataclass(frozen=True)
class Offer:
    """A button. `authenticates` is one that leads to the provider, by the way of the page's own."""

    label: str
    values: dict[str, Any]

    @property
    def authenticates(self) -> str:
        return str(self.values.get(AUTHENTICATE, ""))

    @property
    def as_json(self) -> str:
        return json.dumps(self.values)


def offer(outcome: Outcome, fields: Iterable[str], *, may_authenticate: bool) -> Offer | None:
    """The remedy of an outcome, for somebody who may change these fields."""
    advice = outcome.advice
    if outcome.ok or advice is None or not advice.remedy:
        return None
    allowed = {*fields, AUTHENTICATE} if may_authenticate else {*fields}
    if not advice.remedy.keys() <= allowed:
        return None
    return Offer(advice.remedy_label or _("Apply and test again"), advice.remedy)


def apply(data: QueryDict, remedy: str, fields: Collection[str]) -> None:
    """Change what was entered as the pressed button says; of no other fields than these."""
    try:
        values = json.loads(remedy) if remedy else {}
    except ValueError:
        return
    for name in values.keys() & fields if isinstance(values, dict) else ():
        data.pop(name, None)
        if values[name] is not False:
            data[name] = "on" if values[name] is True else str(values[name])
