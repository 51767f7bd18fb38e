"""After a refused token there is one more attempt with a new one, within the time, and never in clear text."""

import smtplib
import time

import pytest

from mailconfig.sasl import TokenRefused
from mailconfig.smtp import ServerSettings, Session
from mailconfig.steps import Step
from tests.conftest import ScriptedServerFactory, SMTPServerFactory
from tests.missing_tools import own_address
from tests.servers import scripted
from tests.servers.certificates import Authority
from tests.servers.scripted import Conversation
from tests.sessions import MESSAGE, RECIPIENT, SENDER
from tests.token_sessions import (
    OFFER,
    accepts,
    challenging,
    log_in,
    settings_of,
)

# --- one more attempt --- S-10


def opened(settings: ServerSettings) -> tuple[list[Step], Session | None, Exception | None]:
    steps: list[Step] = []
    session = Session(settings, steps.append)
    try:
        return steps, session.open(), None
    except OSError as error:
        return steps, None, error


@pytest.mark.parametrize("closes", [False, True], ids=["same connection", "new connection"])
def test_a_refused_token_is_replaced_once_and_nothing_is_told_twice(
    smtp_server: SMTPServerFactory, ca: Authority, closes: bool
) -> None:
    server = smtp_server(security="starttls", tokens=accepts(), mechanisms=("XOAUTH2",), closes_after_refusal=closes)
    settings = settings_of(server, ca, "old", "good")
    steps, session, _error = opened(settings)
    assert session
    session.sendmail(SENDER, [RECIPIENT], MESSAGE)
    session.close()
    assert settings.token.rejected == ["", "old"]  # type: ignore[union-attr]
    assert [login.accepted for login in server.logins] == [False, True]
    assert server.connections == (2 if closes else 1)
    assert len(server.messages) == 1
    reported = [step.name for step in steps]
    assert reported == ["resolve", "connect", "secure", "greet", "authenticate", "sender", "recipient", "message"]
    assert all(step.ok for step in steps)


@pytest.mark.parametrize("closes", [False, True], ids=["same connection", "new connection"])
def test_a_second_refusal_is_the_error(smtp_server: SMTPServerFactory, ca: Authority, closes: bool) -> None:
    server = smtp_server(security="ssl", tokens=accepts(), mechanisms=("XOAUTH2",), closes_after_refusal=closes)
    settings = settings_of(server, ca, "old", "older", "never asked for")
    steps, _session, error = opened(settings)
    assert isinstance(error, TokenRefused)
    assert settings.token.rejected == ["", "old"]  # type: ignore[union-attr]
    assert len(server.logins) == 2
    assert [step.name for step in steps] == ["resolve", "connect", "secure", "greet", "authenticate"]
    assert "scope https://mail.test/send" in steps[-1].detail


def test_a_server_that_closes_a_little_later_costs_no_attempt(
    scripted_server: ScriptedServerFactory, ca: Authority
) -> None:
    later = scripted.all_of("535 5.7.8 No", _wait_for_the_next_command, scripted.close)
    script = {"EHLO": OFFER + "XOAUTH2", "AUTH": _per_connection(later, "235 2.7.0 Welcome")}
    server = scripted_server(script, security="ssl")
    settings = settings_of(server, ca, "old", "good")
    Session(settings).open().close()
    assert settings.token.rejected == ["", "old"]  # type: ignore[union-attr]
    assert server.connections == 2


def _wait_for_the_next_command(conversation: Conversation) -> None:
    conversation.receive()


def _per_connection(*says: scripted.Says) -> scripted.Act:
    return lambda conversation: scripted.all_of(says[conversation.number - 1])(conversation)


def test_a_server_that_is_in_the_middle_of_something_is_called_anew(
    scripted_server: ScriptedServerFactory, ca: Authority
) -> None:
    script = {"EHLO": OFFER + "XOAUTH2", "AUTH": _per_connection(challenging("", "334 "), "235 2.7.0 Welcome")}
    server = scripted_server(script, security="ssl")
    log_in(server, ca, "old", "good").close()
    assert server.connections == 2


@pytest.mark.parametrize("reply", ["454 4.7.0 Temporary", "432 4.3.2 Concurrent connections", "421 4.7.0 Too many"])
def test_for_a_temporary_refusal_no_token_is_replaced(
    scripted_server: ScriptedServerFactory, ca: Authority, reply: str
) -> None:
    server = scripted_server({"EHLO": OFFER + "XOAUTH2", "AUTH": reply}, security="ssl")
    settings = settings_of(server, ca, "good", "never asked for")
    assert isinstance(opened(settings)[2], TokenRefused)
    assert settings.token.rejected == [""]  # type: ignore[union-attr]
    assert server.connections == 1


# --- time --- S-21


@pytest.mark.parametrize("act", [scripted.stall, scripted.drip, challenging("", scripted.stall)])
def test_a_server_that_says_nothing_costs_one_time_out(
    scripted_server: ScriptedServerFactory, ca: Authority, act: scripted.Act
) -> None:
    server = scripted_server({"EHLO": OFFER + "XOAUTH2", "AUTH": act}, security="ssl")
    began = time.monotonic()
    assert opened(settings_of(server, ca, "old", "older", timeout=0.5))[2]
    assert time.monotonic() - began < 1.5


def test_the_time_that_a_provider_takes_is_not_the_servers(smtp_server: SMTPServerFactory, ca: Authority) -> None:
    def slow(_rejected: str) -> str:
        time.sleep(0.6)
        return "good"

    server = smtp_server(security="ssl", tokens=accepts(), mechanisms=("XOAUTH2",))
    log_in(server, ca, token=slow, timeout=0.5).close()
    assert server.logins[0].accepted


# --- in clear text --- S-17


def test_on_this_machine_a_token_needs_no_encryption(smtp_server: SMTPServerFactory, ca: Authority) -> None:
    server = smtp_server(tokens=accepts(), mechanisms=("XOAUTH2",))
    log_in(server, ca).close()
    assert server.logins[0].accepted


@pytest.mark.network
def test_to_any_other_it_is_not_even_asked_for(smtp_server: SMTPServerFactory, ca: Authority) -> None:
    server = smtp_server(host=own_address(), tokens=accepts(), mechanisms=("XOAUTH2",))
    settings = settings_of(server, ca)
    with pytest.raises(smtplib.SMTPNotSupportedError, match="in clear text over this connection"):
        Session(settings).open()
    assert settings.token.rejected == []  # type: ignore[union-attr]
    assert server.logins == []
