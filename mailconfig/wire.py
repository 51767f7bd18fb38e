"""smtplib's client with a deadline for all it waits for, and replies of bounded size."""

import re
import selectors
import smtplib
import time
from typing import Any, Final

from .blackout import blacked_out
from .transcript import CONTINUE as CONTINUE
from .transcript import Transcript

MAX_REPLY: Final = 64 * 1024
"""Bytes of one reply, all its lines together; RFC 5321 section 4.5.3.1.5 gives a line 512."""

CODE: Final = 3
"""Bytes of the code at the beginning of a reply's line."""

_SHORT_REPLY: Final = re.compile(rb"(\d{3}) ([^\r\n]{0,1000})\r?\n")

CHUNK: Final = 64 * 1024
"""Bytes of a message after which the deadline starts anew, so that a large message may take its time."""


class Wire(smtplib.SMTP):
    """One conversation. `allow(seconds)` bounds everything until it is called again, however slowly a server drips.

    What a server repeats of `secrets` is blacked out, so that none gets into an error, a log or a page (S-2).
    With a `transcript` what is said is written down.
    """

    def __init__(self, host: str, ehlo_name: str, seconds: float) -> None:
        super().__init__(local_hostname=ehlo_name)
        self._host = host  # smtplib checks the certificate against it
        self.secrets: list[bytes] = []
        self.transcript: Transcript | None = None
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

    def putcmd(self, cmd: str, args: str = "") -> None:
        if self.transcript:
            self.transcript.said(f"{cmd} {args}".rstrip(" "))
        super().putcmd(one_line(cmd), one_line(args))

    def send(self, s: Any) -> None:
        if self.transcript and not isinstance(s, str):
            self.transcript.sent(s)
        data = s.encode(self.command_encoding) if isinstance(s, str) else s
        for start in range(0, len(data), CHUNK):
            if len(data) > CHUNK:
                self.allow(self._seconds)
            self._send_in_time(data[start : start + CHUNK])

    def _send_in_time(self, data: bytes) -> None:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("the connection is closed")
        self.sock.settimeout(self.remaining())
        try:
            self.sock.sendall(data)
        except OSError as error:
            raise self._lost(error) from error

    def _lost(self, error: OSError) -> smtplib.SMTPServerDisconnected:
        self.close()
        return smtplib.SMTPServerDisconnected(f"Connection unexpectedly closed: {error}")

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            self.file = _ReplyReader(self)
        self.file.left = MAX_REPLY
        try:
            short = self.file.short_reply()
        except OSError as error:
            raise self._lost(error) from error
        code, reply = short or super().getreply()
        reply = reply if code == CONTINUE else self.blacked_out(reply)
        if self.transcript:
            self.transcript.heard(code, reply)
        return code, reply

    def blacked_out(self, reply: bytes) -> bytes:
        return blacked_out(reply, self.secrets)

    def is_silent(self) -> bool:
        """Connected, and the server has said nothing unasked; one that ends a session says 421 or closes."""
        if self.sock is None or (self.file and self.file.unread):
            return False
        with selectors.DefaultSelector() as selector:
            selector.register(self.sock, selectors.EVENT_READ)
            return not selector.select(timeout=0)


def one_line(text: str) -> str:
    """The text itself; raises ValueError if it could become a second command or header (S-19)."""
    if re.search(r"[\0\r\n]", text):
        raise ValueError(f"{text!r} contains a line break or NUL")
    return text


class _ReplyReader:
    """What smtplib reads replies from. A time-out of the socket alone would start anew at each byte."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._buffer = bytearray()
        self.left = MAX_REPLY

    @property
    def unread(self) -> bool:
        return bool(self._buffer)

    def short_reply(self) -> tuple[int, bytes] | None:
        """A reply of one line that has come as a whole. All others are left to smtplib, which takes much longer."""
        if (self._buffer or self._receive()) and (found := _SHORT_REPLY.match(self._buffer)):
            code, text = int(found[1]), found[2].strip(b" \t")
            del self._buffer[: found.end()]
            return code, text
        return None

    def readline(self, limit: int) -> bytes:
        """A line; what is left of one that was cut within its code is none: nobody knows what it was to say."""
        while b"\n" not in self._buffer and len(self._buffer) < limit and self._receive():
            pass
        line = bytes(self._buffer[: min(self._buffer.find(b"\n") + 1 or len(self._buffer), limit)])
        del self._buffer[: len(line)]
        self.left -= len(line)
        if self.left < 0:
            raise OSError("the server's reply does not end")
        return line if line.endswith(b"\n") or len(line) > CODE else b""

    def _receive(self) -> bool:
        sock = self._wire.sock
        assert sock is not None
        sock.settimeout(self._wire.remaining())
        received = sock.recv(8192)
        self._buffer += received
        return bool(received)

    def close(self) -> None:
        self._buffer.clear()
