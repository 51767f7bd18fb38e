"""Sockets that listen, taken before anything else happens, so that a taken port changes nothing."""

import os
import socket


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes any free one. Raises OSError."""
    family, kind, protocol, _name, address = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, kind, protocol)
    try:
        # Else a port stays taken for a minute after the last start ended. On Windows the option means something else:
        # that two programs may listen on one port.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(os.name != "nt"))
        bound.bind(address)
        bound.listen()
    except OSError:
        bound.close()
        raise
    return bound


def listen_if_free(host: str, wanted: int) -> socket.socket:
    """On the wanted port if it is free, else on another."""
    try:
        return listen(host, wanted)
    except OSError:
        return listen(host, 0)


def port_of(bound: socket.socket) -> int:
    port: int = bound.getsockname()[1]
    return port
