"""The addresses of a mail server, found in limited time."""

import ipaddress
import socket
from typing import Any

from django.utils.translation import gettext as _

from oauthconnections.bounded import run_bounded

Address = tuple[Any, ...]
"""As getaddrinfo gives it."""


class InvalidName(OSError):
    """What can be the name of no server."""


def addresses_of_server(host: str, port: int, seconds: float) -> list[Address]:
    """The addresses of a host; the system's resolver knows no time-out of its own."""
    if _is_address(host):
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    try:
        return run_bounded(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), seconds)
    except ValueError as error:  # NUL, or what can't be a name, such as an empty label (S-19)
        raise InvalidName(_("“%(host)s” is not a valid server name.") % {"host": host}) from error


def _is_address(host: str) -> bool:
    try:
        return bool(ipaddress.ip_address(host))
    except ValueError:
        return False
