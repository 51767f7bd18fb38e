"""No access token gets into an error, a debug page, a log or an outcome, whatever a server says or does (S-2)."""

import base64
import json
import logging
from typing import Final

import pytest
from pytest_django.fixtures import Settings

from mailconfig import diagnosis
from mailconfig.smtp import ServerSettings, Session
from mailconfig.steps import Step
from tests.conftest import ScriptedServerFactory
from tests.servers import scripted
from tests.servers.certificates import Authority
from tests.servers.scripted import Act, Conversation, ScriptedServer
from tests.sessions import RECIPIENT, settings_for
from tests.test_secrets_on_the_wire import FAILURES, echo, everything_shown_of, failure_of, pieces_in

USER: Final = "me@example.com"
FIRST: Final = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJtYWlsIiwidXBuIjoibWUifQ.c2lnbmF0dXJlIG9mIGl0"
FRESH: Final = "ya29.a0AfH6SMBx-7dqT_0Zr3c~freshTokenOfTheProvider+/and_more"
MECHANISMS: Final = ["XOAUTH2", "OAUTHBEARER"]


def _traces(token: str) -> list[str]:
    """The token, and base64 of it wherever in a triple it begins, but for the ends that depend on what is around."""
    shifted = [base64.b64encode(b"x" * skipped + token.encode())[4:-4].decode() for skipped in range(3)]
    return [token, *shifted]


def traces_in(text: str) -> list[str]:
    return pieces_in(text, [*_traces(FIRST), *_traces(FRESH)])


def give(rejected: str = "") -> str:
    return FRESH if rejected == FIRST else FIRST


def settings_of(server: ScriptedServer, ca: Authority) -> ServerSettings:
    return settings_for(server, ca, auth_method="xoauth2", username=USER, token=give, timeout=0.4)


def features(mechanism: str) -> str:
    return f"250-mail.test\r\n250 AUTH {mechanism}"


def challenge(conversation: Conversation) -> None:
    """Say in the challenge what was shown, in each spelling."""
    said = base64.b64decode(conversation.line.split(" ")[2])
    token = said.split(b"auth=Bearer ")[1].rstrip(b"\1").decode()
    told = {"status": token, "schemes": f"Bearer {token[:30]}", "scope": base64.b64encode(said).decode()}
    conversation.reply(b"334 " + base64.b64encode(json.dumps(told).encode()))
    conversation.receive()
    conversation.reply(f"535 5.7.8 {token[-30:]} of {base64.b64encode(token.encode()).decode()}")


def raw_challenge(conversation: Conversation) -> None:
    """As challenge what came, which is no JSON, and then nothing more."""
    conversation.reply("334 " + conversation.line.split(" ")[2])
    conversation.receive()
    raise scripted.Hangup


def encoded_anew(conversation: Conversation) -> None:
    """The token in base64 of something else, wherever in a triple it begins."""
    token = base64.b64decode(conversation.line.split(" ")[2]).split(b"auth=Bearer ")[1].rstrip(b"\1")
    told = [base64.b64encode(b"x" * skipped + token + b"y" * skipped).decode() for skipped in range(3)]
    conversation.reply(f"535 5.7.8 {' '.join(told)}")


ACTS: Final[dict[str, Act]] = FAILURES | {
    "challenge": challenge,
    "raw challenge": raw_challenge,
    "encoded anew": encoded_anew,
}


def test_the_search_finds_what_it_looks_for() -> None:
    assert traces_in(f"535 {FIRST[:15]}")
    assert traces_in(base64.b64encode(f"user=me\1auth=Bearer {FRESH}\1\1".encode()).decode())
    assert not traces_in("535 5.7.8 Username and Password not accepted")


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_failed_login_shows_nothing_of_the_tokens(
    scripted_server: ScriptedServerFactory,
    ca: Authority,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    mechanism: str,
    act: str,
) -> None:
    server = scripted_server({"EHLO": features(mechanism), "AUTH": ACTS[act]}, security="ssl")
    steps: list[Step] = []
    with caplog.at_level(logging.DEBUG):
        error = failure_of(settings_of(server, ca), steps)
    assert steps[-1].name == "authenticate"
    assert traces_in(everything_shown_of(error, settings)) == []
    assert traces_in(f"{steps!r} {steps[-1].detail} {caplog.text}") == []


@pytest.mark.parametrize("act", ACTS)
def test_an_outcome_shows_nothing_of_the_tokens(
    scripted_server: ScriptedServerFactory, ca: Authority, act: str
) -> None:
    server = scripted_server({"EHLO": features("XOAUTH2"), "AUTH": ACTS[act]}, security="ssl")
    outcome = diagnosis.run(settings_of(server, ca), RECIPIENT)
    assert not outcome.ok
    assert traces_in(f"{json.dumps(outcome.as_json())} {outcome!r}") == []


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_login_that_succeeds_shows_nothing_of_the_token(
    scripted_server: ScriptedServerFactory, ca: Authority, mechanism: str
) -> None:
    server = scripted_server({"EHLO": features(mechanism), "AUTH": echo("235 2.7.0")}, security="ssl")
    steps: list[Step] = []
    Session(settings_of(server, ca), steps.append).open().close()
    assert steps[-1].detail.startswith(f"{mechanism}: 235 2.7.0 You said: ********")
    assert traces_in(steps[-1].detail) == []


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "message"])
def test_a_refusal_of_a_message_shows_neither_the_token_nor_the_one_before(
    scripted_server: ScriptedServerFactory, ca: Authority, settings: Settings, stage: str
) -> None:
    telltale = f"550 5.7.1 you came with {FIRST}, then {FRESH}, that is {base64.b64encode(FRESH.encode()).decode()}"
    script = {"EHLO": features("XOAUTH2"), "AUTH": ["535 5.7.8 No", "235 2.7.0 Welcome"], stage: telltale}
    steps: list[Step] = []
    error = failure_of(settings_of(scripted_server(script, security="ssl"), ca), steps)
    assert traces_in(everything_shown_of(error, settings)) == []
    assert traces_in(repr(steps)) == []
    assert "********" in steps[-1].detail


def test_a_new_connection_shows_nothing_of_the_token_that_the_old_one_refused(
    scripted_server: ScriptedServerFactory, ca: Authority, settings: Settings
) -> None:
    def act(conversation: Conversation) -> None:
        conversation.reply("535 5.7.8 Goodbye" if conversation.number == 1 else f"535 5.7.8 First you said {FIRST}")
        if conversation.number == 1:
            raise scripted.Hangup

    steps: list[Step] = []
    server = scripted_server({"EHLO": features("XOAUTH2"), "AUTH": act}, security="ssl")
    error = failure_of(settings_of(server, ca), steps)
    assert "First you said ********" in steps[-1].detail
    assert traces_in(everything_shown_of(error, settings)) == []


def test_settings_and_sessions_hide_how_to_get_one(scripted_server: ScriptedServerFactory, ca: Authority) -> None:
    settings = settings_of(scripted_server(), ca)
    assert "give" not in f"{settings} {settings!r} {Session(settings)!r}"
