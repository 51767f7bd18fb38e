"""The connection to the first of several addresses that answers."""

import ipaddress
import socket
from collections.abc import Callable

from django.utils.translation import gettext as _

from .resolving import Address
from .steps import Fact, describe


def first_that_answers(
    addresses: list[Address], remaining: Callable[[], float], facts: list[Fact]
) -> tuple[socket.socket, str]:
    """The socket and the address; `facts` tells what became of each that was tried. Raises the last one's error."""
    errors: list[OSError] = []
    for number, (family, kind, protocol, _name, address) in enumerate(addresses):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(remaining() / (len(addresses) - number))
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else a message's last packet waits
            facts.append(Fact(address[0], _("answered")))
            return sock, address[0]
        except OSError as error:
            sock.close()
            errors.append(error)
            facts.append(Fact(address[0], describe(error)))
    raise errors[-1]


def kinds_of(addresses: list[Address]) -> list[Fact]:
    """Each address once, by its kind."""
    found = dict.fromkeys(address[4][0] for address in addresses)
    return [Fact(f"IPv{ipaddress.ip_address(one).version}", one) for one in found]
