"""The names of an address and the addresses of a name, and whether the two agree."""

from collections.abc import Callable
from typing import NamedTuple

from .host_names import IPAddress, ip_address, qualified_host_name
from .resolver import NameServers


def _names(address: str) -> list[str]:
    return NameServers.from_settings().names(address)


def _addresses(name: str) -> list[str]:
    return NameServers.from_settings().addresses(name)


class Resolver(NamedTuple):
    """Where the answers come from: name servers, not this machine's own files, which others do not see."""

    names: Callable[[str], list[str]] = _names
    addresses: Callable[[str], list[str]] = _addresses


SYSTEM = Resolver()


def addresses_of(name: str, resolver: Resolver = SYSTEM) -> list[IPAddress]:
    found = (ip_address(text) for text in resolver.addresses(name))
    return list(dict.fromkeys(address for address in found if address))


def confirmed_names(address: IPAddress, resolver: Resolver = SYSTEM) -> list[str]:
    """The reverse names that resolve to the address again; anybody may claim any other (FCrDNS, RFC 8601 section 3)."""
    names = [qualified_host_name(name) for name in resolver.names(str(address))]
    return [name for name in names if name and address in addresses_of(name, resolver)]
