"""Logging in with an access token: XOAUTH2 and OAUTHBEARER, what a refusal says, and the one attempt that follows."""

import base64
import json
import smtplib
from collections.abc import Callable

import pytest

from mailconfig import diagnosis
from mailconfig.sasl import TokenRefused
from mailconfig.xoauth2 import oauthbearer, read_refusal, xoauth2
from tests.conftest import ScriptedServerFactory, SMTPServerFactory
from tests.servers import scripted
from tests.servers.certificates import Authority
from tests.servers.scripted import Conversation
from tests.servers.smtp import REFUSAL, Login
from tests.sessions import MESSAGE, RECIPIENT, SENDER
from tests.token_sessions import (
    GOOGLES,
    MECHANISMS,
    OFFER,
    accepts,
    challenging,
    encoded,
    log_in,
    settings_of,
)

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
