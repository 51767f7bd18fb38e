"""No secret of a log-in gets into an error, a debug page, a log or an outcome, whatever a server says or does (S-2)."""

import base64
import json
import logging
import smtplib
import traceback
from collections.abc import Iterable
from typing import Final

import pytest
from django.core.mail import send_mail
from django.test import RequestFactory
from django.views.debug import technical_500_response
from pytest_django.fixtures import Settings

from mailconfig import diagnosis
from mailconfig.smtp import ServerSettings, Session
from mailconfig.steps import Step
from tests.conftest import MailServerFactory, ScriptedServerFactory
from tests.servers import scripted
from tests.servers.certificates import Authority
from tests.servers.scripted import Act, Conversation, ScriptedServer
from tests.sessions import MESSAGE, RECIPIENT, SENDER, settings_for

USER: Final = "me@example.com"
PASSWORD: Final = "correct horse bättery staple"
METHODS: Final = ["plain", "login", "cram-md5"]
QUESTIONS: Final = {
    "PLAIN": [""],
    "LOGIN": ["VXNlcm5hbWU6", "UGFzc3dvcmQ6"],
    "CRAM-MD5": ["PDFAbWFpbC50ZXN0Pg=="],
    "XOAUTH2": [""],
    "OAUTHBEARER": [""],
}
FEATURES: Final = "250-mail.test\r\n250 AUTH PLAIN LOGIN CRAM-MD5"


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


TRACES: Final = (PASSWORD, _base64(PASSWORD), _base64(f"\0{USER}\0{PASSWORD}"))


def pieces_in(text: str, secrets: Iterable[str]) -> list[str]:
    """What of the secrets stands in a text, be it a piece of 12 characters."""
    lower = text.lower()
    pieces = {secret[start : start + 12].lower() for secret in secrets for start in range(len(secret) - 11)}
    return sorted(piece for piece in pieces if piece in lower)


def traces_in(text: str) -> list[str]:
    return pieces_in(text, TRACES)


def test_the_search_finds_what_it_looks_for() -> None:
    assert traces_in(f"535 No such thing as {_base64(PASSWORD)[:15]}...")
    assert traces_in(PASSWORD.upper())
    assert not traces_in("535 5.7.8 Username and Password not accepted")


# --- servers that tell what they were told ---


def decoded(word: str) -> str:
    try:
        return base64.b64decode(word, validate=True).decode().replace("\0", " ")
    except ValueError:
        return word


def listen(conversation: Conversation) -> list[str]:
    """Have a log-in said to its end: the words that came."""
    _auth, mechanism, *words = conversation.line.split(" ")
    for question in QUESTIONS[mechanism][len(words) :]:
        conversation.reply("334 " + question)
        words.append(conversation.receive().decode())
    return words


def echo(code: str, cut: int | None = None, *, upper: bool = False) -> Act:
    """Answer a log-in with all that was said in it, as it came and decoded."""

    def act(conversation: Conversation) -> None:
        text = " ".join(f"{word[:cut]}... ({decoded(word)})" for word in listen(conversation))
        reply = f"{code} You said: {text}".encode()
        conversation.reply(reply.upper() if upper else reply)

    return act


def echo_on_several_lines(conversation: Conversation) -> None:
    text = "".join(listen(conversation))
    conversation.reply("\r\n".join(f"535-{text[at : at + 20]}" for at in range(0, len(text), 20)) + "\r\n535 No")


def hang_up_then(act: Act) -> Act:
    def in_the_middle(conversation: Conversation) -> None:
        listen(conversation)
        act(conversation)

    return in_the_middle


FAILURES: Final[dict[str, Act]] = {
    "echo": echo("535 5.7.8"),
    "echo of the beginning": echo("501 5.5.2", cut=20),
    "echo in capitals": echo("500 5.5.1", upper=True),
    "echo after 334": echo("334"),
    "echo after 421": echo("421 4.7.0"),
    "echo on several lines": echo_on_several_lines,
    "close": hang_up_then(scripted.close),
    "reset": hang_up_then(scripted.reset),
    "stall": hang_up_then(scripted.stall),
    "endless": hang_up_then(scripted.endless),
    "huge line": hang_up_then(scripted.huge_line),
    "close at once": scripted.close,
}


# --- all the places where it could turn up ---


def everything_shown_of(error: BaseException, settings: Settings) -> str:
    """The error as texts, in a traceback with the values of all variables, and on Django's debug page."""
    settings.DEBUG = True
    assert error.__traceback__
    page = technical_500_response(RequestFactory().get("/"), type(error), error, error.__traceback__)
    with_variables = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "\n".join([str(error), repr(error), repr(error.args), *with_variables.format(), page.content.decode()])


def failure_of(server_settings: ServerSettings, steps: list[Step]) -> smtplib.SMTPException:
    """Open a session and send: the error, in whose traceback this is the first frame, as the tests' hold secrets."""
    session = Session(server_settings, steps.append)
    try:
        session.open().sendmail(SENDER, [RECIPIENT], MESSAGE)
    except smtplib.SMTPException as error:
        return error
    finally:
        session.close()
    raise AssertionError("it was sent")


def settings_of(server: ScriptedServer, ca: Authority, method: str = "plain") -> ServerSettings:
    return settings_for(server, ca, auth_method=method, username=USER, password=PASSWORD, timeout=0.4)


# S-2
@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("method", METHODS)
def test_a_failed_login_shows_nothing_of_the_password(
    scripted_server: ScriptedServerFactory, ca: Authority, settings: Settings, method: str, failure: str
) -> None:
    server = scripted_server({"EHLO": FEATURES, "AUTH": FAILURES[failure]}, security="ssl")
    steps: list[Step] = []
    error = failure_of(settings_of(server, ca, method), steps)
    assert steps[-1].name == "authenticate"
    assert traces_in(everything_shown_of(error, settings)) == []
    assert traces_in(f"{steps!r} {steps[-1].detail}") == []


# S-2
@pytest.mark.parametrize(
    ("method", "failure"), [*(("plain", failure) for failure in FAILURES), ("login", "echo"), ("cram-md5", "echo")]
)
@pytest.mark.django_db
def test_sending_mail_shows_and_logs_nothing_of_the_password(
    scripted_server: ScriptedServerFactory,
    mail_server: MailServerFactory,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    method: str,
    failure: str,
) -> None:
    server = scripted_server({"EHLO": FEATURES, "AUTH": FAILURES[failure]}, security="ssl")
    mail_server(server, auth_method=method, username=USER, password=PASSWORD, timeout=1)
    with caplog.at_level(logging.DEBUG):
        error = _failure_of_django()
    assert "Mail could not be sent" in caplog.text
    assert traces_in(caplog.text) == []
    assert traces_in(everything_shown_of(error, settings)) == []


def _failure_of_django() -> smtplib.SMTPException:
    try:
        send_mail("Hello", "Hello", None, [RECIPIENT])
    except smtplib.SMTPException as error:
        return error
    raise AssertionError("it was sent")


# S-2
@pytest.mark.parametrize("failure", FAILURES)
def test_an_outcome_shows_nothing_of_the_password(
    scripted_server: ScriptedServerFactory, ca: Authority, failure: str
) -> None:
    server = scripted_server({"EHLO": FEATURES, "AUTH": FAILURES[failure]}, security="ssl")
    outcome = diagnosis.run(settings_of(server, ca), RECIPIENT)
    assert not outcome.ok
    assert traces_in(f"{json.dumps(outcome.as_json())} {outcome!r}") == []


# S-2
def test_a_login_that_succeeds_shows_nothing_of_the_password(
    scripted_server: ScriptedServerFactory, ca: Authority
) -> None:
    server = scripted_server({"AUTH": echo("235 2.7.0")}, security="ssl")
    steps: list[Step] = []
    Session(settings_of(server, ca), steps.append).open().close()
    assert steps[-1].detail.startswith("PLAIN: 235 2.7.0 You said: ********")
    assert traces_in(steps[-1].detail) == []


TELLTALE: Final = f"you came with {PASSWORD}, that is {TRACES[2]}"


# S-2
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "message"])
def test_a_refusal_of_a_message_shows_nothing_of_the_password(
    scripted_server: ScriptedServerFactory, ca: Authority, settings: Settings, stage: str
) -> None:
    steps: list[Step] = []
    server = scripted_server({stage: f"550 5.7.1 {TELLTALE}"}, security="ssl")
    error = failure_of(settings_of(server, ca), steps)
    assert traces_in(everything_shown_of(error, settings)) == []
    assert traces_in(repr(steps)) == []
    assert "********" in steps[-1].detail


# S-2
def test_a_delivery_shows_nothing_of_the_password(scripted_server: ScriptedServerFactory, ca: Authority) -> None:
    script = {"RCPT": ["250 2.1.5 Fine", f"550 5.1.1 {TELLTALE}"], "message": f"250 2.0.0 {TELLTALE}"}
    server = scripted_server(script, security="ssl")
    session = Session(settings_of(server, ca)).open()
    delivery = session.sendmail(SENDER, [RECIPIENT, "nobody@example.com"], MESSAGE)
    session.close()
    assert traces_in(f"{delivery!r} {delivery.refused}") == []
    assert delivery.reply == "250 2.0.0 you came with ********, that is ********"


# S-2
@pytest.mark.parametrize("password", ["a", "250", "AUTH", "STARTTLS", "mail.test"])
def test_a_password_that_is_an_everyday_word_disturbs_nothing(
    scripted_server: ScriptedServerFactory, ca: Authority, password: str
) -> None:
    server = scripted_server(security="starttls")
    settings = settings_for(server, ca, auth_method="plain", username=USER, password=password)
    session = Session(settings).open()
    session.sendmail(SENDER, [RECIPIENT], MESSAGE)
    session.close()
    assert len(server.messages) == 1


# S-2
def test_a_short_password_that_stands_alone_is_blacked_out(
    scripted_server: ScriptedServerFactory, ca: Authority
) -> None:
    server = scripted_server({"AUTH": "535 5.7.8 Bad password: abc, not abcde"}, security="ssl")
    settings = settings_for(server, ca, auth_method="plain", username=USER, password="abc")
    with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
        Session(settings).open()
    assert caught.value.smtp_error == b"5.7.8 Bad password: ********, not abcde"


# S-2
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("odd", [0xDC80, 0xD800])
def test_a_password_that_is_no_unicode_is_for_the_server_to_refuse(
    scripted_server: ScriptedServerFactory, ca: Authority, settings: Settings, method: str, odd: int
) -> None:
    """A variable of the environment may hold any bytes."""
    server = scripted_server({"EHLO": FEATURES, "AUTH": echo("535 5.7.8")}, security="ssl")
    password = chr(odd) + PASSWORD
    error = failure_of(settings_for(server, ca, auth_method=method, username=USER, password=password), [])
    assert isinstance(error, smtplib.SMTPAuthenticationError)
    assert traces_in(everything_shown_of(error, settings)) == []


# S-2
@pytest.mark.parametrize("challenge", ["A", "=="])
def test_an_illegible_challenge_shows_nothing_of_the_password(
    scripted_server: ScriptedServerFactory, ca: Authority, settings: Settings, challenge: str
) -> None:
    server = scripted_server({"EHLO": FEATURES, "AUTH": f"334 {challenge}"}, security="ssl")
    error = failure_of(settings_of(server, ca, "cram-md5"), [])
    assert traces_in(everything_shown_of(error, settings)) == []


# S-2
def test_settings_and_sessions_hide_the_password(scripted_server: ScriptedServerFactory, ca: Authority) -> None:
    server_settings = settings_of(scripted_server(), ca)
    session = Session(server_settings)
    assert traces_in(f"{server_settings} {server_settings!r} {session} {session!r}") == []
