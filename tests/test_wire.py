"""Replies are read as smtplib reads them, only sooner."""

import smtplib
import socket
from collections.abc import Callable

import pytest

from mailconfig.wire import Wire

REPLIES = [
    b"250 OK\r\n",
    b"250 2.0.0  Ok: queued as 4F3 \t\r\n",
    b"250-mail.test\r\n250-PIPELINING\r\n250 SIZE 10\r\n",
    b"354 End with a dot\n",
    b"220\r\n",
    b"250 \r\n",
    b"abc what\r\n",
    b"2500 OK\r\n",
    b"250 " + b"x" * 5000 + b"\r\n",
    "250 Grüße\r\n".encode(),
    b"250 O",
    b"",
]


def read(client: smtplib.SMTP, said: bytes) -> object:
    """Each reply until the connection's end."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        client.sock = ours
        theirs.sendall(said)
        theirs.shutdown(socket.SHUT_WR)
        replies: list[object] = []
        try:
            while True:
                replies.append(client.getreply())
        except smtplib.SMTPException as error:
            return [*replies, str(error)]


@pytest.mark.parametrize("last", REPLIES)
def test_replies_are_what_smtplib_makes_of_them(last: bytes) -> None:
    clients: list[Callable[[], smtplib.SMTP]] = [lambda: Wire("localhost", "me.test", 10), smtplib.SMTP]
    said = b"250 first\r\n" + last
    ours, theirs = (read(client(), said) for client in clients)
    assert ours == theirs
