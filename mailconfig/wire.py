"""smtplib's client with a deadline for all it waits for, and replies of bounded size."""

import smtplib
import time
from typing import Any, Final

MAX_REPLY: Final = 64 * 1024
"""Bytes of one reply, all its lines together; RFC 5321 section 4.5.3.1.5 gives a line 512."""

CHUNK: Final = 64 * 1024
"""Bytes of a message after which the deadline starts anew, so that a large message may take its time."""


class Wire(smtplib.SMTP):
    """One conversation. `allow(seconds)` bounds everything until it is called again, however slowly a server drips."""

    def __init__(self, host: str, ehlo_name: str, seconds: float) -> None:
        super().__init__(local_hostname=ehlo_name)
        self._host = host  # smtplib checks the certificate against it
        self.allow(seconds)

    def allow(self, seconds: float) -> None:
        self._seconds = seconds
        self._deadline = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left; raises TimeoutError when there are none."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def send(self, s: Any) -> None:
        data = s.encode(self.command_encoding) if isinstance(s, str) else s
        for start in range(0, len(data), CHUNK):
            if start:
                self.allow(self._seconds)
            if self.sock:
                self.sock.settimeout(self.remaining())
            super().send(data[start : start + CHUNK])

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file = _ReplyReader(self)
        self.file.left = MAX_REPLY
        return super().getreply()


class _ReplyReader:
    """What smtplib reads replies from. A time-out of the socket alone would start anew at each byte."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._buffer = bytearray()
        self.left = MAX_REPLY

    def readline(self, limit: int) -> bytes:
        while b"\n" not in self._buffer and len(self._buffer) < limit and self._receive():
            pass
        line = bytes(self._buffer[: min(self._buffer.find(b"\n") + 1 or len(self._buffer), limit)])
        del self._buffer[: len(line)]
        self.left -= len(line)
        if self.left < 0:
            raise OSError("the server's reply does not end")
        return line

    def _receive(self) -> bool:
        sock = self._wire.sock
        assert sock is not None
        sock.settimeout(self._wire.remaining())
        received = sock.recv(8192)
        self._buffer += received
        return bool(received)

    def close(self) -> None:
        self._buffer.clear()
