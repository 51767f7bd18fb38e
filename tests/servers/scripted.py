"""An SMTP server that plays a script: at each stage a reply of somebody's choice, or a fault."""

import contextlib
import itertools
import socket
import ssl
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

Act = Callable[["Conversation"], None]
Says = str | bytes | Act | list["Says"]
"""A reply (its line end is added), something to do, or a list of these: one each time, the last again and again."""

DEFAULTS: Final[dict[str, Says]] = {
    "banner": "220 mail.test ready",
    "EHLO": "250-mail.test\r\n250-8BITMIME\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE 10000000",
    "HELO": "250 mail.test",
    "STARTTLS": lambda conversation: conversation.start_tls(),
    "AUTH": lambda conversation: challenges("VXNlcm5hbWU6", "UGFzc3dvcmQ6", then="235 2.7.0 Welcome")(conversation),
    "MAIL": "250 2.1.0 Sender accepted",
    "RCPT": "250 2.1.5 Recipient accepted",
    "DATA": "354 Go ahead",
    "message": "250 2.0.0 Queued as SCRIPTED",
    "RSET": "250 2.0.0 Forgotten",
    "NOOP": "250 2.0.0 Here",
    "QUIT": "221 2.0.0 Bye",
}
"""The stages of a conversation, and what is said at those that a script leaves out."""

GIVES_UP: Final = 4
"""Seconds; fewer than the time-out of the rows of tests."""

FEATURES_WITH_STARTTLS: Final = "250-mail.test\r\n250-8BITMIME\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS"


class Hangup(Exception):
    """The server ends this conversation."""


@dataclass
class Conversation:
    """One connection, as the acts of a script see it."""

    server: "ScriptedServer"
    sock: socket.socket
    number: int
    line: str = ""
    encrypted: bool = False
    seen: Counter[str] = field(default_factory=Counter)
    buffer: bytes = b""

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def reply(self, text: str | bytes) -> None:
        self.send((text.encode() if isinstance(text, str) else text) + b"\r\n")

    def receive(self, end: bytes = b"\r\n") -> bytes:
        while end not in self.buffer:
            received = self.sock.recv(65536)
            if not received:
                raise Hangup
            self.buffer += received
        data, _end, self.buffer = self.buffer.partition(end)
        return data

    def start_tls(self) -> None:
        """Say 220 and change to TLS."""
        self.reply("220 2.0.0 Ready to start TLS")
        self.secure()

    def secure(self) -> None:
        assert self.server.tls
        self.buffer = b""
        self.sock = self.server.tls.wrap_socket(self.sock, server_side=True)
        self.encrypted = True

    def wait(self, seconds: float) -> None:
        """Let time pass; ends at once when the server stops."""
        if self.server.stopping.wait(seconds):
            raise Hangup

    def play(self, stage: str) -> None:
        says = self.server.says(stage)
        if isinstance(says, list):
            says = says[min(self.seen[stage], len(says) - 1)]
        self.seen[stage] += 1
        if callable(says):
            says(self)
        elif not isinstance(says, list):
            self.reply(says)

    def run(self) -> None:
        if self.server.security == "ssl":
            self.secure()
        self.play("banner")
        while True:
            self.line = self.receive().decode(errors="replace")
            self.server.lines.append(self.line)
            self._answer(self.line.split(" ")[0].upper())

    def _answer(self, command: str) -> None:
        if command not in DEFAULTS and command not in self.server.script:
            self.reply("500 5.5.1 What?")
            return
        self.play(command)
        if command == "DATA" and self.server.says("DATA") == DEFAULTS["DATA"]:
            self.server.messages.append(self.receive(b"\r\n.\r\n") + b"\r\n")
            self.play("message")
        if command == "QUIT":
            raise Hangup


@dataclass
class ScriptedServer:
    """Plays `script` (stage: what it says) to everybody who connects, on a free port of 127.0.0.1.

    `lines` are the commands that came, of all connections; `messages` the contents.
    """

    script: Mapping[str, Says] = field(default_factory=dict)
    security: str = "none"
    tls: ssl.SSLContext | None = None

    host: str = "127.0.0.1"
    port: int = 0
    connections: int = 0
    lines: list[str] = field(default_factory=list)
    messages: list[bytes] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._listener = socket.create_server((self.host, 0))
        self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else replies in a row wait 40 ms each
        self.port = self._listener.getsockname()[1]
        self._open: list[Conversation] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stopping.set()
        _cut(self._listener)
        self._threads[0].join()
        for conversation in self._open:
            _cut(conversation.sock)
        for thread in self._threads[1:]:
            thread.join()

    def says(self, stage: str) -> Says:
        if stage == "EHLO" and self.security == "starttls":
            return self.script.get(stage, FEATURES_WITH_STARTTLS)
        return self.script.get(stage, DEFAULTS.get(stage, ""))

    def _accept(self) -> None:
        for number in itertools.count(1):
            try:
                sock, _address = self._listener.accept()
            except OSError:  # closed: the server stops
                return
            self.connections = number
            self._open.append(Conversation(self, sock, number))
            thread = threading.Thread(target=self._converse, args=[self._open[-1]], daemon=True)
            self._threads.append(thread)
            thread.start()

    @staticmethod
    def _converse(conversation: Conversation) -> None:
        with contextlib.suppress(Hangup, OSError):
            conversation.run()
        conversation.sock.close()


def _cut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


# --- what a script may do in place of a reply ---


def close(conversation: Conversation) -> None:
    """End the connection without a word."""
    raise Hangup


def reset(conversation: Conversation) -> None:
    """Tear the connection down (RST), as a firewall does."""
    conversation.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise Hangup


def stall(conversation: Conversation) -> None:
    """Accept and say nothing, until the test is over."""
    conversation.wait(600)


def when(may_go_on: threading.Event, says: str) -> Act:
    """Say it when the test lets the server go on; it gives up before whoever waits for the server does."""

    def act(conversation: Conversation) -> None:
        if may_go_on.wait(GIVES_UP):
            conversation.reply(says)

    return act


def dripping(every: float, text: bytes = b"250-" + b"x" * 600) -> Act:
    """One byte after the other of a reply that would be fine, so that no single wait takes long."""

    def act(conversation: Conversation) -> None:
        for byte in text:
            conversation.send(bytes([byte]))
            conversation.wait(every)

    return act


drip: Final = dripping(1)
"""One byte a second."""


def huge_line(conversation: Conversation) -> None:
    """One line of a megabyte."""
    conversation.reply(b"250 " + b"x" * 1_000_000)


def garbage(conversation: Conversation) -> None:
    """Bytes that are no reply."""
    conversation.reply(bytes(range(128, 256)) + b"\0\xff\r\n\r\n\x15\x03\x01\x00\x02\x02\x28")


def endless(conversation: Conversation) -> None:
    """Continuation lines that never come to an end."""
    until = time.monotonic() + 60
    while time.monotonic() < until and not conversation.server.stopping.is_set():
        conversation.send(b"250-and another thing\r\n" * 1000)


def inject_before_tls(text: str) -> Act:
    """STARTTLS's 220 with more text behind it in the same packet (the class of CVE-2011-0411)."""

    def act(conversation: Conversation) -> None:
        conversation.reply("220 2.0.0 Ready to start TLS\r\n" + text)
        conversation.secure()

    return act


def challenges(*lines: str, then: str) -> Act:
    """An AUTH conversation: each line is said after 334 and an answer read, unless it came along; `then` ends it."""

    def act(conversation: Conversation) -> None:
        came_along = len(conversation.line.split(" ")) - 2
        left = () if conversation.line.upper().startswith("AUTH PLAIN ") else lines[came_along:]
        for line in left:
            conversation.reply("334 " + line)
            conversation.server.lines.append(conversation.receive().decode(errors="replace"))
        conversation.reply(then)

    return act


def all_of(*acts: Says) -> Act:
    """Several things, one after the other: `all_of("250-half", stall)`."""

    def act(conversation: Conversation) -> None:
        for one in acts:
            if callable(one):
                one(conversation)
            elif not isinstance(one, list):
                conversation.reply(one)

    return act
