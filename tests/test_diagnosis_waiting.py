"""Servers and networks that let somebody wait: a test email ends in time, with the advice that fits (S-21)."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import pytest

from mailconfig.smtp import ServerSettings
from tests.conftest import ScriptedServerFactory, SMTPServerFactory
from tests.servers import scripted
from tests.servers.certificates import Authority
from tests.servers.proxy import Proxy
from tests.servers.scripted import Says
from tests.sessions import settings_for
from tests.situations import ACCOUNT, FROM, Expected, check_together

pytestmark = pytest.mark.slow

SHORT: Final[dict[str, Any]] = {**FROM, **ACCOUNT, "timeout": 2}

SAYS: Final[list[tuple[str, Says, str, str]]] = [
    ("banner", scripted.stall, "greet", "greeting-late"),
    ("banner", scripted.drip, "greet", "greeting-late"),
    ("EHLO", scripted.stall, "greet", "greeting-late"),
    ("AUTH", scripted.stall, "authenticate", "login-no-answer"),
    ("AUTH", scripted.drip, "authenticate", "login-no-answer"),
    *((stage, says, step, "answer-late") for stage, step in
      (("MAIL", "sender"), ("RCPT", "recipient"), ("DATA", "message"), ("message", "message"))
      for says in (scripted.stall, scripted.drip)),
]  # fmt: skip

ON_THE_WAY: Final[list[tuple[str, dict[str, Any], Expected]]] = [
    # the security of the server, what the proxy does, how the test ends
    ("none", {"then": "hold"}, ("greet", "greeting-late")),
    ("none", {"then": "drip"}, ("greet", "greeting-late")),
    ("none", {"then": "hold", "at": b"220 ma"}, ("greet", "greeting-late")),
    ("none", {"then": "drip", "at": b"2.1.0 "}, ("sender", "answer-late")),
    ("none", {"then": "hold", "at": b"354 End"}, ("message", "answer-late")),
    ("none", {"delay": 2.5}, ("greet", "greeting-late")),
    ("starttls", {"then": "hold", "at": b"220 Ready to start TLS\r\n"}, ("secure", "starttls-no-answer")),
    ("starttls", {"then": "drip", "at": b"220 Ready to start TLS\r\n"}, ("secure", "starttls-no-answer")),
    ("ssl", {"then": "hold"}, ("secure", "tls-no-answer")),
    ("ssl", {"then": "drip", "at": 5}, ("secure", "tls-no-answer")),
    ("ssl", {"then": "hold", "at": 700}, ("secure", "tls-no-answer")),
]


@contextmanager
def black_hole() -> Iterator[ServerSettings]:
    """No answer at all: the one connection that is taken is taken already."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        host, port = listener.getsockname()
        with socket.create_connection((host, port)):
            yield ServerSettings(host=host, port=port, **SHORT)


def test_nobody_waits_longer_than_was_said(
    scripted_server: ScriptedServerFactory, smtp_server: SMTPServerFactory, ca: Authority
) -> None:
    situations: dict[str, tuple[ServerSettings, Expected]] = {}
    with ExitStack() as running:
        for stage, says, step, expected in SAYS:
            server = scripted_server({stage: says})
            situations[f"{stage} {says!r}"] = (settings_for(server, **SHORT), (step, expected))
        for security, what, ends in ON_THE_WAY:
            behind = smtp_server(security=security, users={"me@example.com": "secret"})
            proxy = running.enter_context(Proxy(behind, **what))
            situations[f"{security} {what}"] = (settings_for(proxy, ca, **SHORT), ends)
        situations["black hole"] = (running.enter_context(black_hole()), ("connect", "port-filtered"))
        check_together(situations)
