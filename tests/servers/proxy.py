"""What may stand between a site and a real server: a proxy that cuts, holds up, drips and rewrites what is said."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, Self

from .postfix import Postfix
from .smtp import SMTPServer

Fate = Literal["cut", "reset", "hold", "drip"]
CHUNK: Final = 65536


def unchanged(said: bytes) -> bytes:
    return said


def without_starttls(said: bytes) -> bytes:
    """Takes the offer out of the answer to EHLO, as a man in the middle does."""
    return said.replace(b"250-STARTTLS\r\n", b"")


def starttls_crossed_out(said: bytes) -> bytes:
    """Writes over the offer, as some firewalls do."""
    return said.replace(b"STARTTLS", b"XXXXXXXA")


@dataclass
class Proxy:
    """Leads to a server from a free port of 127.0.0.1 while it is used as a context.

    What the server says goes through `change`, then to the client until the bytes `at` were among it (none: at once)
    or so many bytes went through; `then` is what becomes of the connection. `said` is what clients said.
    """

    behind: SMTPServer | Postfix
    then: Fate | None = None
    at: bytes | int = b""
    change: Callable[[bytes], bytes] = unchanged
    delay: float = 0

    host: str = "127.0.0.1"
    port: int = 0
    said: bytearray = field(default_factory=bytearray)

    @property
    def security(self) -> str:
        return self.behind.security

    def __enter__(self) -> Self:
        self._stopping = threading.Event()
        self._sockets: list[socket.socket] = [socket.create_server((self.host, 0))]
        self.port = self._sockets[0].getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._start(self._accept)
        return self

    def __exit__(self, *_error: object) -> None:
        self._stopping.set()
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for sock in self._sockets:
            sock.close()

    def _start(self, work: Callable[..., None], *sockets: socket.socket) -> None:
        self._threads.append(threading.Thread(target=self._quietly, args=[work, *sockets], daemon=True))
        self._threads[-1].start()

    @staticmethod
    def _quietly(work: Callable[..., None], *sockets: socket.socket) -> None:
        with contextlib.suppress(OSError):  # somebody has hung up
            work(*sockets)

    def _accept(self) -> None:
        while True:
            client, _address = self._sockets[0].accept()
            server = socket.create_connection((self.behind.host, self.behind.port))
            self._sockets += [client, server]
            self._start(self._up, client, server)
            self._start(self._down, server, client)

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        while said := client.recv(CHUNK):
            self.said += said
            server.sendall(said)
        server.shutdown(socket.SHUT_WR)

    def _down(self, server: socket.socket, client: socket.socket) -> None:
        through = b""
        while (end := self._end(through)) is None and (said := server.recv(CHUNK)):
            self._stopping.wait(self.delay)
            before, through = len(through), through + self.change(said)
            client.sendall(through[before : self._end(through)])
        if end is not None:
            self._finish(client, through[end:])
        for sock in (client, server):
            sock.shutdown(socket.SHUT_RDWR)

    def _end(self, through: bytes) -> int | None:
        """How many bytes get through; None: all there are as yet."""
        if self.then is None:
            return None
        if isinstance(self.at, int):
            return self.at if len(through) >= self.at else None
        found = through.find(self.at)
        return None if found < 0 else found + len(self.at)

    def _finish(self, client: socket.socket, rest: bytes) -> None:
        if self.then == "hold":
            self._stopping.wait(600)
        for byte in (rest or b"250-and so on") if self.then == "drip" else b"":
            client.sendall(bytes([byte]))
            self._stopping.wait(1)
        if self.then == "reset":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.shutdown(socket.SHUT_RD)  # else it stays open while the other thread reads from it
            client.close()
