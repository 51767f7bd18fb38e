"""Whatever a server does wrong, at whatever stage: one clear error at the right step, in time, and nothing leaks."""

import gc
import smtplib
import socket
import time
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from mailconfig.smtp import ServerSettings, Session
from mailconfig.steps import Step, StepName, describe
from tests.conftest import ScriptedServerFactory
from tests.servers import scripted
from tests.servers.certificates import Authority
from tests.servers.scripted import Conversation, Says, all_of
from tests.sessions import MESSAGE, RECIPIENT, SENDER, settings_for

TIMEOUT: Final = 0.5
LITTLE: Final = 1.0

STEP_OF_STAGE: Final[dict[str, StepName]] = {
    "banner": "greet",
    "EHLO": "greet",
    "STARTTLS": "secure",
    "AUTH": "authenticate",
    "MAIL": "sender",
    "RCPT": "recipient",
    "DATA": "message",
    "message": "message",
}
REFUSAL: Final[dict[str, type[smtplib.SMTPException]]] = {
    "banner": smtplib.SMTPConnectError,
    "EHLO": smtplib.SMTPHeloError,
    "STARTTLS": smtplib.SMTPResponseException,
    "AUTH": smtplib.SMTPAuthenticationError,
    "MAIL": smtplib.SMTPSenderRefused,
    "RCPT": smtplib.SMTPRecipientsRefused,
    "DATA": smtplib.SMTPDataError,
    "message": smtplib.SMTPDataError,
}
"""What smtplib, and so Django's backend, raises for a reply that is a refusal."""

LOST: Final = (smtplib.SMTPServerDisconnected,)
ILLEGIBLE: Final = (smtplib.SMTPResponseException, smtplib.SMTPServerDisconnected, smtplib.SMTPRecipientsRefused)


def reset_soon(conversation: Conversation) -> None:
    conversation.wait(0.1)  # one that is reset at once may fail the step before, which is a matter of luck
    scripted.reset(conversation)


FAULTS: Final[dict[str, tuple[Says, tuple[type[OSError], ...] | None, str]]] = {
    # what the server does; the errors it may become (None: the refusal of the stage); a part of their text
    "4xx": ("451 4.3.0 Come again", None, "451 4.3.0 Come again"),
    "5xx": ("554 5.7.1 Go away", None, "554 5.7.1 Go away"),
    "421": (all_of("421 4.3.2 Closing down", scripted.close), ILLEGIBLE, ""),
    "stall": (scripted.stall, LOST, "timed out"),
    "drip": (scripted.dripping(0.05), LOST, "timed out"),
    "half a reply": (all_of("250-half", scripted.stall), LOST, "timed out"),
    "close": (scripted.close, LOST, "closed"),
    "reset": (reset_soon, LOST, "closed"),
    "garbage": (scripted.garbage, ILLEGIBLE, ""),
    "huge line": (scripted.huge_line, ILLEGIBLE, "too long"),
    "endless": (scripted.endless, LOST, "does not end"),
}


@pytest.fixture(scope="module")
def quick_collecting() -> Iterator[None]:
    """Not all that was there before is looked through again after each test."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def no_socket_is_left(quick_collecting: None) -> Iterator[None]:
    yield
    gc.collect()  # one that was not closed gives a ResourceWarning, which is an error here


def attempt(settings: ServerSettings) -> tuple[list[Step], OSError, float]:
    """Try to send one message: the steps, the error, how long it took."""
    steps: list[Step] = []
    session, started = Session(settings, steps.append), time.monotonic()
    with pytest.raises(OSError, match=r".") as caught:
        session.open().sendmail(SENDER, [RECIPIENT], MESSAGE)
    session.close()
    return steps, caught.value, time.monotonic() - started


def assert_failed(settings: ServerSettings, step: StepName, errors: tuple[type[OSError], ...], text: str = "") -> None:
    steps, error, seconds = attempt(settings)
    assert [(one.name, one.ok) for one in steps if not one.ok] == [(step, False)]
    assert (steps[-1].name, steps[-1].error) == (step, error)
    assert isinstance(error, errors)
    assert steps[-1].detail == describe(error)
    assert text in steps[-1].detail
    assert len(steps[-1].detail) < 2000
    assert seconds < TIMEOUT + LITTLE


# S-21
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("stage", STEP_OF_STAGE)
def test_a_fault_costs_one_bounded_attempt_and_a_clear_error(
    scripted_server: ScriptedServerFactory, ca: Authority, stage: str, fault: str
) -> None:
    says, errors, text = FAULTS[fault]
    script: dict[str, Says] = {stage: says}
    if stage == "EHLO":
        script["HELO"] = says  # else a server that refuses EHLO is an old one, to be greeted by HELO
    server = scripted_server(script, security="starttls" if stage == "STARTTLS" else "none")
    settings = settings_for(server, ca, timeout=TIMEOUT, auth_method="plain", username="me", password="secret")
    assert_failed(settings, STEP_OF_STAGE[stage], errors or (REFUSAL[stage],), text)


def reset_in_the_handshake(conversation: Conversation) -> None:
    conversation.sock.recv(1)  # a socket reset before is closed by Python 3.11 only when it is collected
    scripted.reset(conversation)


HANDSHAKE_BEGUN: Final = b"\x16\x03\x03\x40\x00" + b"\x02" * 600

TLS_FAULTS: Final[dict[str, Says]] = {
    "stall": scripted.stall,
    "drip": scripted.dripping(0.05, HANDSHAKE_BEGUN),
    "close": scripted.close,
    "reset": reset_in_the_handshake,
    "garbage": scripted.garbage,
    "plain text": "220 mail.test ready",
    "huge line": scripted.huge_line,
    "endless": scripted.endless,
}


# S-21
@pytest.mark.parametrize("fault", TLS_FAULTS)
def test_a_fault_in_the_handshake_after_starttls_fails_the_step_secure(
    scripted_server: ScriptedServerFactory, ca: Authority, fault: str
) -> None:
    server = scripted_server({"STARTTLS": all_of("220 Go ahead", TLS_FAULTS[fault])}, security="starttls")
    assert_failed(settings_for(server, ca, timeout=TIMEOUT), "secure", (OSError,))


# S-21
@pytest.mark.parametrize("fault", TLS_FAULTS)
def test_a_fault_in_the_handshake_fails_the_step_secure(
    scripted_server: ScriptedServerFactory, ca: Authority, fault: str
) -> None:
    server = scripted_server({"banner": TLS_FAULTS[fault]})
    assert_failed(settings_for(server, ca, security="ssl", timeout=TIMEOUT), "secure", (OSError,))


# S-21
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_quit_harms_nobody(scripted_server: ScriptedServerFactory, fault: str) -> None:
    server = scripted_server({"QUIT": FAULTS[fault][0]})
    started = time.monotonic()
    session = Session(settings_for(server, timeout=TIMEOUT)).open()
    session.sendmail(SENDER, [RECIPIENT], MESSAGE)
    session.close()
    assert time.monotonic() - started < TIMEOUT + LITTLE
    assert len(server.messages) == 1


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


# S-21
def test_a_refused_connection_fails_the_step_connect() -> None:
    settings = ServerSettings(host="127.0.0.1", port=_free_port(), timeout=TIMEOUT)
    assert_failed(settings, "connect", (ConnectionRefusedError,))


# S-21
def test_a_black_hole_fails_the_step_connect() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        with socket.create_connection(address):  # its queue is full now, so that it answers no more
            settings = ServerSettings(host=address[0], port=address[1], timeout=TIMEOUT)
            assert_failed(settings, "connect", (TimeoutError,), "timed out")


# S-21
@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 64 + ".example", "a..example", "mail\0.example"])
def test_a_name_that_leads_nowhere_fails_the_step_resolve(host: str) -> None:
    steps, error, _seconds = attempt(ServerSettings(host=host, port=25, timeout=5))
    assert [step.name for step in steps] == ["resolve"]
    assert isinstance(error, OSError)
    assert steps[0].detail


# S-21
def test_a_server_that_stops_reading_fails_the_step_message(scripted_server: ScriptedServerFactory) -> None:
    server = scripted_server({"DATA": all_of("354 Go ahead", scripted.stall)})
    session, started = Session(settings_for(server, timeout=TIMEOUT)).open(), time.monotonic()
    with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
        session.sendmail(SENDER, [RECIPIENT], MESSAGE * 500_000)
    assert session.failed_step == "message"
    assert time.monotonic() - started < TIMEOUT + 2  # the socket's buffers take a few megabytes first


# S-21
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "message"])
@pytest.mark.parametrize("fault", ["stall", "drip", "endless", "garbage"])
def test_a_refusal_and_then_a_fault_at_rset_is_still_the_refusal(
    scripted_server: ScriptedServerFactory, stage: str, fault: str
) -> None:
    server = scripted_server({stage: "550 5.7.1 No", "RSET": FAULTS[fault][0]})
    session = Session(settings_for(server, timeout=TIMEOUT)).open()
    with pytest.raises(REFUSAL[stage]):
        session.sendmail(SENDER, [RECIPIENT], MESSAGE)
    assert not session.usable


@pytest.mark.parametrize("interrupted_at", ["MAIL", "RCPT", "DATA"])
def test_a_message_that_was_interrupted_leaves_no_connection_in_the_middle_of_it(
    scripted_server: ScriptedServerFactory, interrupted_at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next message's commands would become its text."""
    session = Session(settings_for(scripted_server())).open()
    monkeypatch.setattr(session, "_on_step", _interrupt_after(STEP_OF_STAGE[interrupted_at]))
    with pytest.raises(KeyboardInterrupt):
        session.sendmail(SENDER, [RECIPIENT], MESSAGE)
    assert not session.usable


def _interrupt_after(name: StepName) -> Callable[[Step], None]:
    def on_step(step: Step) -> None:
        if step.name == name:
            raise KeyboardInterrupt

    return on_step
