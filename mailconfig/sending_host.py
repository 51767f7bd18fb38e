"""The server that mail is handed to, as others see it: whose it is and from which addresses mail leaves."""

from dataclasses import dataclass

from . import public_address
from .host_names import IPAddress, ip_address
from .known_providers import by_host
from .provider import Provider
from .resolver import NameServers
from .reverse_dns import Resolver, addresses_of


@dataclass(frozen=True)
class SendingHost:
    """`inside`: a relay in this site's own network, whose mail leaves from the site's public address."""

    host: str
    provider: Provider | None
    addresses: tuple[IPAddress, ...] = ()
    inside: bool = False

    @property
    def own_envelope(self) -> bool:
        return bool(self.provider and self.provider.own_envelope)


def sending_host(server: str, resolver: NameServers) -> SendingHost:
    """By a host's name or address. Raises LookUpFailed."""
    if provider := by_host(server):
        return SendingHost(server, provider)
    found = _addresses(server, resolver)
    public = tuple(address for address in found if address.is_global)
    if public or not found:
        return SendingHost(server, None, public)
    known = public_address.state()
    address = ip_address(known.address) if known else None
    return SendingHost(server, None, (address,) if address else (), inside=True)


def _addresses(server: str, resolver: NameServers) -> list[IPAddress]:
    literal = ip_address(server)
    return [literal] if literal else addresses_of(server, Resolver(resolver.names, resolver.addresses))
