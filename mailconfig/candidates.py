"""A way to send mail that may be the right one, and where the idea comes from."""

from dataclasses import dataclass
from typing import Final, Literal

from .findings import Sentence
from .provider import OAuth, Provider, Security, Username, Way

Source = Literal["provider", "srv", "autoconfig", "spf", "mx", "guess", "local"]

SOURCES: Final[tuple[Source, ...]] = ("provider", "srv", "autoconfig", "spf", "mx", "guess", "local")
"""The most reliable first."""


@dataclass(frozen=True)
class Candidate:
    """Host, port and security to try. `why` says where they come from, `note` what else to do."""

    host: str
    port: int
    security: Security
    source: Source
    why: Sentence
    username: Username = ""
    oauth: OAuth = ""
    """The provider with whom an OAuth connection is the right way, instead of a password."""
    provider: str = ""
    note: Sentence | None = None

    @property
    def way(self) -> Way:
        return Way(self.host, self.port, self.security)

    def user_name(self, address: str) -> str:
        """What to enter as user name of the account with this address; empty if that can't be said."""
        forms = {"address": address, "local_part": address.rpartition("@")[0]}
        return forms.get(self.username, "")


def of_provider(provider: Provider, source: Source, why: Sentence) -> list[Candidate]:
    note = note_of(provider)
    return [
        Candidate(*way, source, why, provider.username, provider.oauth, provider.name, note) for way in provider.ways
    ]


def note_of(provider: Provider) -> Sentence | None:
    return Sentence(provider.note, {"provider": provider.name}) if provider.note else None


def without_repetitions(candidates: list[Candidate]) -> list[Candidate]:
    """Each way once, as the most reliable source has it."""
    found: dict[Way, Candidate] = {}
    for candidate in sorted(candidates, key=lambda candidate: SOURCES.index(candidate.source)):
        found.setdefault(candidate.way._replace(host=candidate.host.lower()), candidate)
    return list(found.values())
