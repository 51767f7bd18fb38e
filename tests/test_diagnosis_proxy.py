"""A good server, and something between that cuts, tears down, slows, strips or damages what is said."""

from collections.abc import Callable
from typing import Any, Final

import pytest

from mailconfig import diagnosis
from mailconfig.smtp import ServerSettings
from tests.conftest import SMTPServerFactory
from tests.servers.certificates import Authority
from tests.servers.proxy import Proxy, starttls_crossed_out, without_starttls
from tests.servers.smtp import SMTPServer
from tests.sessions import settings_for
from tests.situations import ACCOUNT, FROM, check, in_time

GO: Final = b"220 Ready to start TLS\r\n"

CUT: Final[list[tuple[str, bytes | int, str, str]]] = [
    # the security of the server, where the connection ends, the step that fails, the advice
    ("none", b"", "greet", "greeting-closed"),
    ("none", b"220 ma", "greet", "greeting-closed"),
    ("none", b"250", "greet", "greeting-closed"),
    ("none", b"250-ma", "greet", "greeting-closed"),
    ("none", b"23", "authenticate", "login-closed"),
    ("none", b"235 2.7.0 Authentication successful\r\n", "sender", "connection-lost"),
    ("none", b"2.1.0 Sender accepted\r\n", "recipient", "connection-lost"),
    ("none", b"2.1.5 Recipient accepted\r\n", "message", "connection-lost"),
    ("none", b"<CR><LF>.<CR><LF>\r\n", "message", "connection-lost"),
    ("starttls", b"250 HELP\r\n", "secure", "starttls-closed"),
    ("starttls", GO, "secure", "starttls-closed"),
    ("ssl", b"", "secure", "tls-closed"),
    ("ssl", 5, "secure", "tls-closed"),
    ("ssl", 700, "secure", "tls-closed"),
]

RESET: Final = [
    ("none", b"2.1.5 Recipient accepted\r\n", "message", "connection-lost"),
    ("ssl", 5, "secure", "tls-closed"),
]
"""None just before a handshake: Python forgets to close a socket that it finds reset there."""


@pytest.fixture(autouse=True)
def nobody_looks_for_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is a test of its own, and takes time where connections are cut."""
    monkeypatch.setattr(diagnosis, "LOOK_SECONDS", 0)


def behind(smtp_server: SMTPServerFactory, security: str) -> SMTPServer:
    return smtp_server(security=security, users={"me@example.com": "secret"})


def through(proxy: Proxy, ca: Authority) -> ServerSettings:
    return settings_for(proxy, ca, **FROM, **ACCOUNT)


@pytest.mark.parametrize(
    ("then", "security", "at", "step", "expected"),
    [*(("cut", *line) for line in CUT), *(("reset", *line) for line in RESET)],
)
def test_a_connection_that_ends_too_early(
    smtp_server: SMTPServerFactory, ca: Authority, then: Any, security: str, at: bytes | int, step: str, expected: str
) -> None:
    with Proxy(behind(smtp_server, security), then, at) as proxy:
        check(through(proxy, ca), step, expected)


def test_what_was_accepted_before_the_connection_ended_is_sent(smtp_server: SMTPServerFactory) -> None:
    server = smtp_server()
    with Proxy(server, "cut", b"250 2.0.0 Acc") as proxy:
        assert in_time(settings_for(proxy, **FROM)).ok
    assert len(server.messages) == 1


@pytest.mark.parametrize("strip", [without_starttls, starttls_crossed_out])
def test_an_offer_of_encryption_that_was_taken_out_is_an_error_and_nothing_is_said_in_clear(  # S-16
    smtp_server: SMTPServerFactory, ca: Authority, strip: Callable[[bytes], bytes]
) -> None:
    server = behind(smtp_server, "starttls")
    with Proxy(server, change=strip) as proxy:
        check(through(proxy, ca), "secure", "starttls-not-offered")
        assert proxy.said == b"ehlo site.example.com\r\n"
    assert server.logins == []


@pytest.mark.parametrize("security", ["none", "starttls", "ssl"])
def test_a_slow_way_is_a_way(smtp_server: SMTPServerFactory, ca: Authority, security: str) -> None:
    with Proxy(behind(smtp_server, security), delay=0.02) as proxy:
        assert in_time(through(proxy, ca)).ok


def _damaged(said: bytes) -> bytes:
    """Another last byte in what is encrypted (RFC 8446 section 5.1: the type of such a record is 23)."""
    return said[:-1] + bytes([said[-1] ^ 1]) if said[:1] == b"\x17" else said


def test_encrypted_data_that_was_damaged(smtp_server: SMTPServerFactory, ca: Authority) -> None:
    with Proxy(behind(smtp_server, "ssl"), change=_damaged) as proxy:
        check(through(proxy, ca), "greet", "encryption-damaged")
