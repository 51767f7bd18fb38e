"""A test email: the steps of the sending code in order, the failed one last with advice, and never a traceback."""

import json
from typing import Any

import pytest

from mailconfig import diagnosis
from mailconfig.diagnosis import Outcome
from mailconfig.exceptions import NotConfigured
from mailconfig.smtp import ServerSettings
from mailconfig.steps import Step
from tests.conftest import ScriptedServerFactory, SMTPServerFactory
from tests.servers import scripted
from tests.servers.certificates import Authority
from tests.sessions import RECIPIENT, settings_for

ALL_STEPS = ["resolve", "connect", "secure", "greet", "authenticate", "sender", "recipient", "message"]
ACCOUNT: dict[str, Any] = {"auth_method": "auto", "username": "me", "password": "secret"}
SENDER: dict[str, Any] = {"from_email": "site@example.com", "from_name": "The site"}


def names(outcome: Outcome) -> list[str]:
    return [step.name for step in outcome.steps]


@pytest.mark.parametrize("security", ["none", "starttls", "ssl"])
@pytest.mark.parametrize("account", [{}, ACCOUNT], ids=["anonymous", "with account"])
def test_a_success_has_all_steps_in_order(
    smtp_server: SMTPServerFactory, ca: Authority, security: str, account: dict[str, Any]
) -> None:
    server = smtp_server(security=security, users={"me": "secret"} if account else {})
    told: list[Step] = []
    outcome = diagnosis.run(settings_for(server, ca, **SENDER, **account), RECIPIENT, told.append)
    assert names(outcome) == ALL_STEPS
    assert told == outcome.steps
    assert outcome.ok
    assert all(step.ok and step.detail and step.milliseconds >= 0 for step in outcome.steps)
    [received] = server.messages
    assert outcome.message_id == received.message["Message-ID"]
    assert outcome.last_words == "250 2.0.0 Accepted as 1"
    assert (received.sender, received.recipients) == ("site@example.com", [RECIPIENT])
    assert received.message["From"] == "The site <site@example.com>"
    assert received.tls is (security != "none")


FAILURES: list[tuple[str, str, scripted.Says]] = [
    ("greet", "banner", "554 5.7.1 No"),
    ("greet", "EHLO", scripted.close),
    ("secure", "STARTTLS", "454 4.7.0 Not now"),
    ("authenticate", "AUTH", "535 5.7.8 Bad credentials"),
    ("sender", "MAIL", "550 5.7.60 Not you"),
    ("recipient", "RCPT", "550 5.1.1 Unknown"),
    ("message", "DATA", "451 4.3.0 Later"),
    ("message", "message", "554 5.2.252 SendAsDenied"),
]


@pytest.mark.parametrize(("step", "stage", "says"), FAILURES)
def test_the_failed_step_is_the_last_and_carries_advice(
    scripted_server: ScriptedServerFactory, ca: Authority, step: str, stage: str, says: scripted.Says
) -> None:
    server = scripted_server({stage: says}, security="starttls")
    outcome = diagnosis.run(settings_for(server, ca, **SENDER, **ACCOUNT), RECIPIENT)
    assert not outcome.ok
    assert outcome.message_id is None
    expected = ALL_STEPS[: ALL_STEPS.index(step) + 1]
    if stage in ("banner", "EHLO"):  # said before there is encryption, so that "secure" is never reached
        expected.remove("secure")
    assert names(outcome) == expected
    assert [one.ok for one in outcome.steps] == [True] * (len(expected) - 1) + [False]
    assert outcome.error == outcome.steps[-1].detail
    if isinstance(says, str):
        assert outcome.error.endswith(says)
    assert outcome.advice
    assert outcome.advice.meaning
    assert outcome.advice.action


def test_a_server_that_is_not_there_fails_the_step_connect() -> None:
    outcome = diagnosis.run(ServerSettings(host="127.0.0.1", port=1, **SENDER), RECIPIENT)
    assert names(outcome) == ["resolve", "connect"]
    assert "refused" in outcome.error


def test_a_name_that_is_not_there_fails_the_step_resolve() -> None:
    outcome = diagnosis.run(ServerSettings(host="mail.invalid", port=25, **SENDER), RECIPIENT)
    assert names(outcome) == ["resolve"]
    assert outcome.advice
    assert "mail.invalid" in outcome.advice.meaning


@pytest.mark.parametrize(
    ("settings", "recipient"),
    [
        ({"from_email": "no address"}, RECIPIENT),
        ({"from_email": "a@b.example\nBcc: x@y.example"}, RECIPIENT),
        (SENDER, "no address"),
        (SENDER, "a@["),
        (SENDER, ""),
        ({**SENDER, "ehlo_name": "two\r\nlines"}, RECIPIENT),
        ({**SENDER, "host": "mail\0.example"}, RECIPIENT),
        ({**SENDER, "host": ""}, RECIPIENT),
        ({**SENDER, "port": 70_000}, RECIPIENT),
        ({**SENDER, "security": "ssl", "ca_bundle": "garbage"}, RECIPIENT),
        ({**SENDER, **ACCOUNT, "auth_method": "no such method"}, RECIPIENT),
        ({**SENDER, "timeout": 0}, RECIPIENT),
    ],
    ids=str,
)
def test_it_never_raises(
    scripted_server: ScriptedServerFactory, ca: Authority, settings: dict[str, Any], recipient: str
) -> None:
    outcome = diagnosis.run(settings_for(scripted_server(), ca, **settings), recipient)
    assert not outcome.ok
    assert not outcome.steps[-1].ok
    assert outcome.error
    assert outcome.advice


@pytest.mark.parametrize(
    ("sender", "recipient", "step"),
    [("no address", RECIPIENT, "sender"), ("site@example.com", "no address", "recipient")],
)
def test_an_address_that_cannot_be_written_fails_its_own_step(
    scripted_server: ScriptedServerFactory, sender: str, recipient: str, step: str
) -> None:
    outcome = diagnosis.run(settings_for(scripted_server(), from_email=sender), recipient)
    assert names(outcome)[-1] == step
    assert "no address" in outcome.error


def test_the_json_is_as_published(scripted_server: ScriptedServerFactory, ca: Authority) -> None:
    server = scripted_server({"RCPT": "550 5.1.1 Unknown"}, security="ssl")
    printed = json.loads(json.dumps(diagnosis.run(settings_for(server, ca, **SENDER), RECIPIENT).as_json()))
    assert printed.keys() == {"ok", "message_id", "steps"}
    assert (printed["ok"], printed["message_id"]) == (False, None)
    assert [step.keys() for step in printed["steps"]] == [
        {"step", "ok", "milliseconds", "detail", "advice", "transcript"}
    ] * 7
    assert [step["advice"] for step in printed["steps"][:-1]] == [None] * 6
    last = printed["steps"][-1]
    assert (last["step"], last["ok"]) == ("recipient", False)
    assert last["detail"] == f"{RECIPIENT}: 550 5.1.1 Unknown"
    assert isinstance(last["milliseconds"], float)
    assert last["advice"].keys() == {"id", "meaning", "action", "remedy"}
    assert (last["advice"]["id"], last["advice"]["remedy"]) == ("recipient-unknown", None)


def test_the_json_of_a_success_has_no_advice(smtp_server: SMTPServerFactory) -> None:
    server = smtp_server()
    printed = diagnosis.run(settings_for(server, **SENDER), RECIPIENT).as_json()
    assert printed["ok"] is True
    assert printed["message_id"] == server.messages[0].message["Message-ID"]
    assert [step["advice"] for step in printed["steps"]] == [None] * 8


@pytest.mark.django_db
def test_a_test_that_could_not_start_has_the_same_shape() -> None:
    outcome = diagnosis.not_started(RECIPIENT, NotConfigured(alias="default", where="/admin/"))
    [step] = outcome.as_json()["steps"]
    assert (step["step"], step["ok"]) == ("resolve", False)
    assert step["advice"]["meaning"] == step["detail"]


def test_a_test_says_goodbye(scripted_server: ScriptedServerFactory) -> None:
    server = scripted_server()
    diagnosis.run(settings_for(server, **SENDER), RECIPIENT)
    assert server.lines[-1] == "QUIT"
