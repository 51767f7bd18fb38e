"""The other ways to the same server: which of them answer, so that one can be offered in place of one that failed."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from .candidates import Candidate
from .findings import Sentence
from .probing import PORTS, Probe, probe
from .provider import Security, Way
from .smtp import ServerSettings

USUAL: Final[tuple[tuple[int, Security], ...]] = ((587, "starttls"), (465, "ssl"), (25, "starttls"), (25, "none"))
SECURITIES: Final[tuple[Security, ...]] = ("starttls", "ssl", "none")
_WHY: Final = Sentence(_("another way to the same server"))


def ways_besides(server: ServerSettings) -> list[Way]:
    """On the same port with another security, then on the usual ports. No port is tried that nobody entered."""
    here = [Way(server.host, server.port, security) for security in SECURITIES]
    usual = [Way(server.host, port, security) for port, security in USUAL]
    return [way for way in dict.fromkeys((*here, *usual)) if way != (server.host, server.port, server.security)]


def other_ways(server: ServerSettings, seconds: float) -> list[Probe]:
    """Those that answer, the best first; nobody logs in on them."""
    if seconds <= 0:
        return []
    found = probe(
        [Candidate(*way, "local", _WHY) for way in ways_besides(server)],
        seconds=seconds,
        ehlo_name=server.ehlo_name,
        ca_bundle=server.ca_bundle,
        ports=(*PORTS, server.port),
    )
    return sorted(found, key=lambda one: (one.candidate.security == "none", not one.ok))
