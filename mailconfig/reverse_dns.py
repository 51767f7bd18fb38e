"""The names of an address and the addresses of a name, and whether the two agree."""

import socket
from collections.abc import Callable
from typing import NamedTuple

from .host_names import IPAddress, ip_address, qualified_host_name


def _names(address: str) -> list[str]:
    try:
        name, aliases, _addresses = socket.gethostbyaddr(address)
    except OSError:
        return []
    return [name, *aliases]


def _addresses(name: str) -> list[str]:
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [str(entry[4][0]) for entry in found]


class Resolver(NamedTuple):
    """Where the answers come from. A machine without a name server of its own can't have other ones (tests)."""

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
