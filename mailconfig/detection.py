"""Detect settings: from the sender's address to servers that were tried and work, the best first."""

import time
from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext_lazy as _

from .addresses import addr_spec
from .ehlo import LAST_RESORT
from .findings import Sentence
from .host_names import qualified_host_name
from .probing import Probe, probe
from .proposals import propose
from .resolver import NameServers

SECONDS: Final = 10.0
SHARE_OF_LOOKING_UP: Final = 0.4
NO_DOMAIN: Final = _("Enter a full address with a domain first, such as alerts@example.com.")
NONE_WORKS: Final = _(
    "None of the servers answered as it should. Ask whoever provides the mailbox for the server for outgoing mail."
)


@dataclass
class Detection:
    """`candidates` are all that were tried, working ones first; `notes` is what else a person should know."""

    candidates: list[Probe] = field(default_factory=list)
    notes: list[Sentence] = field(default_factory=list)

    @property
    def best(self) -> Probe | None:
        return next((candidate for candidate in self.candidates if candidate.ok), None)


def detect(
    address: str,
    *,
    resolver: NameServers | None = None,
    seconds: float = SECONDS,
    ehlo_name: str = LAST_RESORT,
    ca_bundle: str = "",
) -> Detection:
    """Servers for mail from this address. Takes no longer than `seconds`; never raises for what DNS and networks do.

    Asked are name servers, the domain itself and the candidates; none of them is told the address.
    """
    domain = domain_of(address)
    if not domain:
        return Detection(notes=[Sentence(NO_DOMAIN)])
    deadline = time.monotonic() + seconds
    found = propose(domain, resolver or NameServers.from_settings(), seconds * SHARE_OF_LOOKING_UP)
    left = deadline - time.monotonic()
    probes = probe(found.candidates, seconds=left, ehlo_name=ehlo_name, ca_bundle=ca_bundle)
    detection = Detection(probes, found.notes)
    if not detection.best:
        detection.notes.append(Sentence(NONE_WORKS))
    return detection


def domain_of(address: str) -> str:
    """In ASCII and lower case; empty if there is none that mail could come from."""
    try:
        return qualified_host_name(addr_spec(address.strip()).rpartition("@")[2]).lower()
    except ValueError:
        return ""
