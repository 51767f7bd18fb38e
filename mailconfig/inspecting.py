"""Looks at the certificate of a server that is not trusted, to tell whose it is; nothing else is said to it."""

import ssl
from dataclasses import replace

from .server_certificate import ServerCertificate, read
from .smtp import ServerSettings, Session
from .trust import looking_context


def certificate_of(server: ServerSettings, seconds: float) -> ServerCertificate | None:
    """None if it can't be seen within that time."""
    session = _Looking(replace(server, timeout=max(seconds, 0.1), token=None, username="", password=""))
    try:
        return session.look()
    except (OSError, ValueError):
        return None
    finally:
        session.abandon()


class _Looking(Session):
    def _context(self) -> ssl.SSLContext:
        return looking_context()

    def look(self) -> ServerCertificate | None:
        self._connect(self._resolve())
        self._secure()
        sock = self._wire.sock
        shown = sock.getpeercert(binary_form=True) if isinstance(sock, ssl.SSLSocket) else None
        return read(shown) if shown else None
