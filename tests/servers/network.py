"""An internet of one machine: chosen names and ports lead to servers of a test, every other name to nowhere."""

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from mailconfig.host_names import ip_address

LOOKS_UP: Callable[..., Any] = socket.getaddrinfo


class Listening(Protocol):
    """A server on a free port."""

    host: str
    port: int


@dataclass
class Network:
    """Stands in for `socket.getaddrinfo`; what speaks over the connections is real.

    Names of a zone can't be resolved by the system here, and tests can't listen on ports such as 465.
    """

    routes: dict[tuple[str, int], tuple[str, int]] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)

    def connect(self, name: str, port: int, server: Listening) -> None:
        """`name:port` is this server from now on."""
        self.routes[name, port] = (server.host, server.port)

    def lead(self, name: str, port: int, address: str) -> None:
        """`name:port` has this address."""
        self.routes[name, port] = (address, port)

    def getaddrinfo(self, host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        if ip_address(host):
            return LOOKS_UP(host, port, *args, **kwargs)
        self.asked.append((host, port))
        if (host, port) not in self.routes:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return LOOKS_UP(*self.routes[host, port], type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
