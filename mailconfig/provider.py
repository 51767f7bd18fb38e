"""What there is to know about a provider of mail, and the sentences that several of them share."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

Security = Literal["none", "starttls", "ssl"]
OAuth = Literal["", "microsoft", "google"]
Username = Literal["", "address", "local_part", "other"]
"""What the user name is: the full address, what stands before its "@", something of its own; "" if nobody knows."""


class Way(NamedTuple):
    """One way to a server."""

    host: str
    port: int
    security: Security


@dataclass(frozen=True)
class Provider:
    """`domains` are those of the addresses it gives out, `mx` and `hosts` patterns of its servers' names."""

    name: str
    ways: tuple[Way, ...]
    domains: tuple[str, ...] = ()
    mx: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    username: Username = "address"
    oauth: OAuth = ""
    spf: str = ""
    """What a domain includes (`include:`) to send through it."""
    selectors: tuple[str, ...] = ()
    dkim: dict[str, str] = field(default_factory=dict)
    """CNAMEs that are the same for everybody: selector and target, `{domain}` and `{dashed}` put in."""
    own_envelope: bool = False
    """It puts in a return address of its own unless told otherwise, so that SPF says nothing about the domain."""
    note: "_StrPromise | None" = None

    def has_host(self, host: str) -> bool:
        return any(fnmatchcase(host.lower(), pattern) for pattern in (*self.hosts, *(way.host for way in self.ways)))


APP_PASSWORD: Final = _(
    "With two-step verification %(provider)s takes no account password here: create an app password in the account."
)
OAUTH: Final = _(
    "%(provider)s wants OAuth: create an OAuth connection and authenticate the account. Passwords are refused, or will "
    "be soon."
)
OWN_LOGIN: Final = _(
    "User name and password are not those of a mailbox: %(provider)s shows the ones for SMTP in its console."
)
SWITCH_ON: Final = _("Sending by other programs (SMTP) must first be switched on in the settings of the mailbox.")
REGION: Final = _("The server depends on the region: take the name that Amazon shows for yours.")


def both(host: str) -> tuple[Way, ...]:
    return Way(host, 465, "ssl"), Way(host, 587, "starttls")
