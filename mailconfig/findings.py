"""What a check found, as sentences in the language of whoever reads them."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

Level = Literal["ok", "warning", "problem"]

NO_ANSWER: Final = _("The name servers did not answer in time. Check the name again later.")


@dataclass(frozen=True)
class Sentence:
    """A text and what completes it; translated when it is read, not when it was made."""

    text: "_StrPromise"
    values: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return str(self.text) % self.values


@dataclass(frozen=True)
class DnsRecord:
    """A record to publish. `replaces` is the one that it takes the place of; empty for a new one."""

    name: str
    type: str
    value: str
    replaces: str = ""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; with the record to publish where that is the remedy."""

    level: Level
    text: "_StrPromise"
    values: dict[str, str] = field(default_factory=dict)
    record: DnsRecord | None = None

    @property
    def ok(self) -> bool:
        return self.level == "ok"

    def __str__(self) -> str:
        return str(self.text) % self.values
