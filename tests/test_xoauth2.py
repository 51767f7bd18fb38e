"""Logging in with an access token: XOAUTH2 and OAUTHBEARER, what a refusal says, and the one attempt that follows."""

import base64
import json
import smtplib
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from mailconfig import diagnosis
from mailconfig.sasl import TokenRefused
from mailconfig.smtp import ServerSettings, Session, Step
from mailconfig.xoauth2 import oauthbearer, read_refusal, xoauth2
from tests.conftest import ScriptedServerFactory, SMTPServerFactory
from tests.servers import scripted
from tests.servers.certificates import Authority
from tests.servers.scripted import Conversation, ScriptedServer
from tests.servers.smtp import REFUSAL, Login, SMTPServer
from tests.sessions import MESSAGE, RECIPIENT, SENDER, settings_for

MECHANISMS = ["XOAUTH2", "OAUTHBEARER"]
OFFER = "250-mail.test\r\n250 AUTH "
GOOGLES = '{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}'


@dataclass
class Tokens:
    """Gives one token after the other, and remembers which had been refused."""

    left: list[str]
    rejected: list[str] = field(default_factory=list)

    def __call__(self, rejected: str = "") -> str:
        self.rejected.append(rejected)
        return self.left.pop(0)


def accepts(good: str = "good", user: str = "me@example.com") -> Callable[[str, str], bool]:
    return lambda name, token: (name, token) == (user, good)


def settings_of(server: SMTPServer | ScriptedServer, ca: Authority, *tokens: str, **fields: Any) -> ServerSettings:
    known = {"username": "me@example.com", "auth_method": "xoauth2", "token": Tokens(list(tokens or ["good"]))}
    return settings_for(server, ca, **{**known, **fields})


def log_in(server: SMTPServer | ScriptedServer, ca: Authority, *tokens: str, **fields: Any) -> Session:
    return Session(settings_of(server, ca, *tokens, **fields)).open()


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


# --- what is said ---


# S-18
def test_xoauth2_is_said_as_google_and_microsoft_document_it() -> None:
    assert xoauth2("someuser@example.com", "ya29.vF9dft4qmTc2Nvb") == (
        "user=someuser@example.com\x01auth=Bearer ya29.vF9dft4qmTc2Nvb\x01\x01"
    )


# S-18
def test_oauthbearer_is_said_as_the_rfc_has_it() -> None:
    said = oauthbearer("user@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==", "server.example.com", 587)
    assert encoded(said) == (
        "bixhPXVzZXJAZXhhbXBsZS5jb20sAWhvc3Q9c2VydmVyLmV4YW1wbGUuY29tAXBvcnQ9NTg3AWF1dGg9QmVhcmVyIHZGOWRmdDRxbVRj"
        "Mk52YjNSbGNrQmhiSFJoZG1semRHRXVZMjl0Q2c9PQEB"
    )


# S-19
@pytest.mark.parametrize("say", [xoauth2, lambda user, token: oauthbearer(user, token, "mail.test", 25)])
def test_a_user_name_begins_nothing_of_its_own(say: Callable[[str, str], str]) -> None:
    said = say("me\1auth=Bearer stolen\1\1\r\nQUIT\0", "good")
    assert said.split("\1auth=Bearer ") == [said.split("\1auth=")[0], "good\1\1"]
    assert not {"\r", "\n", "\0"} & set(said)


@pytest.mark.parametrize("security", ["starttls", "ssl"])
@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize("user", ["me@example.com", "a=b,c@example.com", "Jürgen@bücher.example"])
@pytest.mark.parametrize("token", ["good", "x" * 10_000])  # S-4
def test_a_token_logs_in(
    smtp_server: SMTPServerFactory, ca: Authority, security: str, mechanism: str, user: str, token: str
) -> None:
    server = smtp_server(security=security, tokens=accepts(token, user), mechanisms=(mechanism,))
    session = log_in(server, ca, token, username=user)
    session.sendmail(SENDER, [RECIPIENT], MESSAGE)
    session.close()
    assert server.messages[0].login == Login(mechanism, user, accepted=True)


# S-18
@pytest.mark.parametrize("mechanism", MECHANISMS)
@pytest.mark.parametrize(("length", "lines"), [(100, 1), (2000, 2)])
def test_a_long_response_follows_the_command_on_a_line_of_its_own(
    scripted_server: ScriptedServerFactory, ca: Authority, mechanism: str, length: int, lines: int
) -> None:
    server = scripted_server({"EHLO": OFFER + mechanism, "AUTH": _go_on_once}, security="ssl")
    log_in(server, ca, "x" * length).close()
    said = " ".join(server.lines[1 : 1 + lines]).split(" ")
    assert said[:2] == ["AUTH", mechanism]
    assert b"x" * length in base64.b64decode(said[2])
    assert [len(line) < 510 for line in server.lines[1 : 1 + lines]] == [True, False][:lines]


def _go_on_once(conversation: Conversation) -> None:
    if conversation.line.count(" ") == 1:
        conversation.reply("334 ")
        conversation.server.lines.append(conversation.receive().decode())
    conversation.reply("235 2.7.0 Welcome")


# S-18
@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ("250 AUTH XOAUTH2 OAUTHBEARER PLAIN", "XOAUTH2"),
        ("250 AUTH OAUTHBEARER XOAUTH2", "XOAUTH2"),
        ("250 AUTH PLAIN OAUTHBEARER", "OAUTHBEARER"),
        ("250 AUTH=OAUTHBEARER", "OAUTHBEARER"),
        ("250-AUTH PLAIN LOGIN\r\n250 AUTH=PLAIN LOGIN XOAUTH2", "XOAUTH2"),
        ("250-AUTH LOGIN PLAIN XOAUTH2\r\n250 AUTH=LOGIN PLAIN", "XOAUTH2"),
        ("250 auth xoauth2", "XOAUTH2"),
    ],
)
def test_xoauth2_is_preferred_and_oauthbearer_is_taken_where_only_that_is_offered(
    scripted_server: ScriptedServerFactory, ca: Authority, offered: str, chosen: str
) -> None:
    server = scripted_server({"EHLO": "250-mail.test\r\n" + offered, "AUTH": "235 2.7.0 Welcome"}, security="ssl")
    log_in(server, ca).close()
    assert server.lines[1].split()[:2] == ["AUTH", chosen]


# S-18
@pytest.mark.parametrize(
    ("features", "text"),
    [
        (OFFER + "PLAIN LOGIN", "does not offer XOAUTH2, OAUTHBEARER; it offers PLAIN, LOGIN"),
        ("250 mail.test", "SMTP AUTH extension not supported by server."),
    ],
)
def test_a_server_that_takes_no_tokens_is_shown_none(
    scripted_server: ScriptedServerFactory, ca: Authority, features: str, text: str
) -> None:
    server = scripted_server({"EHLO": features}, security="ssl")
    with pytest.raises(smtplib.SMTPNotSupportedError, match=text):
        log_in(server, ca)
    assert len(server.lines) == 1


# S-18
def test_a_mechanism_that_is_announced_but_unknown_lets_the_other_have_its_turn(
    scripted_server: ScriptedServerFactory, ca: Authority
) -> None:
    script = {"EHLO": OFFER + "XOAUTH2 OAUTHBEARER", "AUTH": ["504 5.5.4 Unrecognized", "235 2.7.0 Welcome"]}
    server = scripted_server(script, security="ssl")
    log_in(server, ca).close()
    assert [line.split()[1] for line in server.lines[1:3]] == MECHANISMS


# --- a refusal --- S-18


@pytest.mark.parametrize(("mechanism", "answer"), [("XOAUTH2", b""), ("OAUTHBEARER", b"\1")])
def test_the_challenge_of_a_refusal_is_answered_and_made_part_of_the_error(
    smtp_server: SMTPServerFactory, ca: Authority, mechanism: str, answer: bytes
) -> None:
    server = smtp_server(security="ssl", tokens=accepts(), mechanisms=(mechanism,))
    with pytest.raises(TokenRefused) as caught:
        log_in(server, ca, "old", "older")
    assert server.refusals == [answer, answer]
    assert caught.value.refusal == REFUSAL
    assert caught.value.smtp_code == 535
    assert b"credentials invalid (status 400, schemes Bearer, scope https://mail.test/send)" in caught.value.smtp_error


@pytest.mark.parametrize(
    ("challenge", "read"),
    [
        (encoded(GOOGLES), {"status": "400", "schemes": "Bearer", "scope": "https://mail.google.com/"}),
        (encoded('{"status":"invalid_token"}'), {"status": "invalid_token"}),
        (encoded('{"status":401,"scope":null,"schemes":["Bearer"],"more":"x"}'), {"status": "401"}),
        (encoded('{"scope":"a\\u0001\\r\\nb\\ud800"}'), {"scope": "ab?"}),
        (encoded('"text"'), {}),
        (encoded("[1]"), {}),
        (encoded("[" * 40_000), {}),
        (encoded("not JSON"), {}),
        (encoded('{"status":' + "9" * 5000 + "}"), {}),
        ("eyJ", {}),
        ("\x80\xff*", {}),
        ("", {}),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_challenge_is_read_as_far_as_it_makes_sense(challenge: str, read: dict[str, str]) -> None:
    assert read_refusal(challenge.encode("latin-1")) == read


@pytest.mark.parametrize("challenge", ["", "eyJ", "garbage", encoded("[1]"), "\x80\xff", encoded(GOOGLES)])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_whatever_the_challenge_the_reply_that_follows_counts(
    scripted_server: ScriptedServerFactory, ca: Authority, mechanism: str, challenge: str
) -> None:
    script = {"EHLO": OFFER + mechanism, "AUTH": challenging(challenge, "535 5.7.3 Authentication unsuccessful")}
    server = scripted_server(script, security="ssl")
    with pytest.raises(TokenRefused, match=r"5\.7\.3 Authentication unsuccessful"):
        log_in(server, ca, "old", "older")
    assert ("AQ==" if mechanism == "OAUTHBEARER" else "") in server.lines


def challenging(challenge: str, then: str | scripted.Act) -> scripted.Act:
    def act(conversation: Conversation) -> None:
        conversation.reply(b"334 " + challenge.encode("latin-1"))
        conversation.server.lines.append(conversation.receive().decode())
        if callable(then):
            then(conversation)
        else:
            conversation.reply(then)

    return act


@pytest.mark.parametrize("reply", ["535 5.7.8 No", "534 5.7.9 No", "250 Fine", "334 Again", "501 What"])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_only_235_is_a_success(
    scripted_server: ScriptedServerFactory, ca: Authority, mechanism: str, reply: str
) -> None:
    server = scripted_server({"EHLO": OFFER + mechanism, "AUTH": reply}, security="ssl")
    with pytest.raises(TokenRefused) as caught:
        log_in(server, ca, "old", "older")
    assert caught.value.smtp_code in (int(reply[:3]), 500)  # 500: to the empty answer to “334 Again”
    assert server.messages == []


def test_a_server_that_hangs_up_in_place_of_the_last_word_has_refused(
    scripted_server: ScriptedServerFactory, ca: Authority
) -> None:
    act = challenging(encoded(GOOGLES), scripted.close)
    server = scripted_server({"EHLO": OFFER + "XOAUTH2", "AUTH": act}, security="ssl")
    with pytest.raises(TokenRefused) as caught:
        log_in(server, ca, "old", "older")
    assert caught.value.refusal["scope"] == "https://mail.google.com/"
    assert server.connections == 2


def test_a_scope_of_any_length_is_shown_in_part(scripted_server: ScriptedServerFactory, ca: Authority) -> None:
    challenge = encoded(json.dumps({"scope": "s" * 5000}))
    server = scripted_server({"EHLO": OFFER + "XOAUTH2", "AUTH": challenging(challenge, "535 No")}, security="ssl")
    with pytest.raises(TokenRefused) as caught:
        log_in(server, ca, "old", "older")
    assert len(caught.value.smtp_error) < 300


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


def test_to_any_other_it_is_not_even_asked_for(smtp_server: SMTPServerFactory, ca: Authority) -> None:
    server = smtp_server(host=own_address(), tokens=accepts(), mechanisms=("XOAUTH2",))
    settings = settings_of(server, ca)
    with pytest.raises(smtplib.SMTPNotSupportedError, match="in clear text over this connection"):
        Session(settings).open()
    assert settings.token.rejected == []  # type: ignore[union-attr]
    assert server.logins == []


def own_address() -> str:
    """An address of this machine beside 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            pytest.skip("this machine has no network address")
        return str(sock.getsockname()[0])


# --- what is told ---


def test_the_advice_names_the_scope_that_is_wanted(smtp_server: SMTPServerFactory, ca: Authority) -> None:
    server = smtp_server(security="ssl", tokens=accepts(), mechanisms=("XOAUTH2",))
    advice = diagnosis.run(settings_of(server, ca, "old", "older"), RECIPIENT).advice
    assert advice
    assert advice.id == "scope-wanted"
    assert advice.meaning == "The server did not accept the access token of me@example.com."
    assert advice.action.startswith("It wants the scope https://mail.test/send: see that")


def test_a_scope_with_a_percent_sign_is_text(scripted_server: ScriptedServerFactory, ca: Authority) -> None:
    act = challenging(encoded('{"scope":"%(x)s %s 100%"}'), "535 5.7.8 No")
    server = scripted_server({"EHLO": OFFER + "XOAUTH2", "AUTH": act}, security="ssl")
    advice = diagnosis.run(settings_of(server, ca, "old", "older"), RECIPIENT).advice
    assert advice
    assert "%(x)s %s 100%" in advice.action


def test_the_advice_for_a_server_without_oauth_is_about_the_server(
    scripted_server: ScriptedServerFactory, ca: Authority
) -> None:
    outcome = diagnosis.run(settings_of(scripted_server(security="ssl"), ca), RECIPIENT)
    assert outcome.steps[-1].name == "authenticate"
    assert outcome.advice
    assert "the server for accounts of this OAuth connection" in outcome.advice.action
