"""A server repeats what somebody logged in with, in every spelling and torn apart: no outcome shows it (S-2)."""

import base64
import io
import json
import re
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

import pytest
from django.core.management import call_command
from django.template.loader import render_to_string

from mailconfig import diagnosis
from mailconfig.diagnosis import Outcome
from mailconfig.smtp import ServerSettings
from tests.conftest import MailServerFactory, ScriptedServerFactory
from tests.servers.scripted import Act, Conversation
from tests.sessions import RECIPIENT, settings_for
from tests.situations import FROM
from tests.test_secrets_on_the_wire import PASSWORD, USER, decoded, listen, pieces_in
from tests.test_tokens_on_the_wire import FRESH

MECHANISMS: Final = ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER"]
BEGINS_LINE: Final = re.compile(r"^(?:[SC*]: )?(?:\d{3}[ -])?(?:[245]\.\d+\.\d+ )?", re.MULTILINE)

TEARS: Final[dict[str, Callable[[str], list[str]]]] = {
    "whole": lambda text: [text],
    "halves": lambda text: [text[: len(text) // 2], text[len(text) // 2 :]],
    "lines of 7": lambda text: [text[at : at + 7] for at in range(0, len(text), 7)],
    "words of 5": lambda text: [" ".join(text[at : at + 5] for at in range(0, len(text), 5))],
    "quoted": lambda text: [f"'{text}'", f"({text.upper()})"],
}


def secret_of(mechanism: str) -> str:
    return FRESH if mechanism in ("XOAUTH2", "OAUTHBEARER") else PASSWORD


def spellings(secret: str) -> list[str]:
    encoded = base64.b64encode(secret.encode()).decode()
    return [secret, encoded, encoded.translate({43: 45, 47: 95}), secret.encode().hex(), quote(secret, safe="")]


def repeat(tear: str, code: str, said: list[str]) -> Act:
    """Answer a log-in with all that came, with all that it holds, and with its secret; `said` remembers that."""

    def act(conversation: Conversation) -> None:
        came = listen(conversation)
        secret = secret_of(conversation.line.split(" ")[1])
        said.extend([*came, *(decoded(word) for word in came), *spellings(secret)])
        lines = [piece for text in said for piece in ("You said:", *TEARS[tear](text))]
        reply = "\r\n".join(f"{code[:3]}-{code[4:]} {line}" for line in lines)
        conversation.reply(f"{reply}\r\n{code} That was it".replace("\1", " "))

    return act


def settings_of(server: Any, mechanism: str) -> ServerSettings:
    fields: dict[str, Any] = {**FROM, "username": USER}
    if secret_of(mechanism) == FRESH:
        return settings_for(server, token=lambda rejected: FRESH, **fields)
    return settings_for(server, auth_method=mechanism.lower(), password=PASSWORD, **fields)


def shown(outcome: Outcome) -> str:
    """All that a person gets to see, as it is and with the beginnings of lines and what stands between taken out."""
    page = render_to_string("mailconfig/test_result.html", {"outcome": outcome})
    steps = [render_to_string("mailconfig/test_step.html", {"title": "", "step": step}) for step in outcome.steps]
    texts = [json.dumps(outcome.as_json(), ensure_ascii=False), repr(outcome), page, *steps]
    lines = "\n".join(line for step in outcome.steps for line in (step.detail, *step.lines))
    return "\n".join([*texts, re.sub(r"\s", "", BEGINS_LINE.sub("", lines))])


def traces(secrets: list[str], text: str) -> list[str]:
    return pieces_in(text, (re.sub(r"\s", "", secret) for secret in secrets))


def without_name(said: list[str]) -> list[str]:
    """What came, but for the user name and what every log-in has."""
    public = {USER, base64.b64encode(USER.encode()).decode()}
    return [text for text in said if text not in public and USER not in text]


@pytest.mark.parametrize("code", ["535 5.7.8", "235 2.7.0"])
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_what_a_server_repeats_of_a_log_in_is_not_shown(
    scripted_server: ScriptedServerFactory, mechanism: str, code: str
) -> None:
    for tear in TEARS:
        said: list[str] = []
        act = repeat(tear, code, said)
        server = scripted_server({"EHLO": f"250-mail.test\r\n250 AUTH {mechanism}", "AUTH": act})
        outcome = diagnosis.run(settings_of(server, mechanism), RECIPIENT)
        assert outcome.ok is code.startswith("2")
        lines = [line for step in outcome.steps for line in step.lines]
        assert any(line.startswith(f"C: AUTH {mechanism}") for line in lines)
        assert f"S: {code[:3]}-{code[4:]} You said:" in lines
        assert traces(without_name(said), shown(outcome)) == [], tear


@pytest.mark.django_db
def test_the_command_prints_nothing_of_it(
    mail_server: MailServerFactory, scripted_server: ScriptedServerFactory
) -> None:
    said: list[str] = []
    mail_server(
        scripted_server({"AUTH": repeat("lines of 7", "535 5.7.8", said)}),
        auth_method="plain",
        username=USER,
        password=PASSWORD,
    )
    printed = io.StringIO()
    with pytest.raises(SystemExit):
        call_command("mailserver", "test", "--json", stdout=printed)
    lines = [line for step in json.loads(printed.getvalue())["steps"] for line in (step["detail"], *step["transcript"])]
    assert "S: 535-5.7.8 You said:" in lines
    text = re.sub(r"\s", "", BEGINS_LINE.sub("", "\n".join(lines)))
    assert traces(without_name(said), printed.getvalue() + text) == []


def test_the_search_finds_what_it_looks_for() -> None:
    torn = "S: 535-5.7.8 correct h\nS: 535-5.7.8 orse bät\nS: 535 tery"
    assert traces([PASSWORD], re.sub(r"\s", "", BEGINS_LINE.sub("", torn)))
    assert not traces([PASSWORD], torn)
