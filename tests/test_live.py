"""The test email is told while it runs, noted whoever listens, and offers what one press can change."""

import asyncio
import json
import re
import time
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import AsyncRequestFactory, Client

from mailconfig import diagnosis, live
from mailconfig.history import TEST_EMAIL
from mailconfig.models import MailServer
from tests.conftest import MailServerFactory, ScriptedServerFactory, SMTPServerFactory
from tests.servers import scripted
from tests.sessions import RECIPIENT, settings_for
from tests.settings_page import Page, sent, url

SCRIPT = {"X-Requested-With": "fetch"}


@pytest.fixture(autouse=True)
def alice_client(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def press(client: Client, **typed: Any) -> Any:
    return client.post(url("test"), sent(None, {"recipient": "me@example.com", **typed}), headers=SCRIPT)


def outcome_noted() -> str:
    return LogEntry.objects.get(action_flag=TEST_EMAIL).change_message


# --- told step by step ---


def test_each_step_is_a_line_and_the_outcome_the_last(
    client: Client, mail_server: MailServerFactory, smtp_server: SMTPServerFactory
) -> None:
    mail_server(smtp_server())
    response = press(client)
    lines = [json.loads(line) for line in response.getvalue().splitlines()]
    assert [list(line) for line in lines] == [["step"]] * 8 + [["outcome"]]
    assert "Find server" in lines[0]["step"]
    assert "Sent to me@example.com" in lines[-1]["outcome"]
    assert response["X-Accel-Buffering"] == "no"
    assert response["Content-Type"] == live.MEDIA_TYPE


def test_a_step_is_told_before_the_next_one_ends(
    client: Client, mail_server: MailServerFactory, scripted_server: ScriptedServerFactory
) -> None:
    mail_server(scripted_server({"MAIL": scripted.stall}), timeout=3)
    began = time.monotonic()
    response = press(client)
    told = iter(response)
    for _step in range(5):
        next(told)
    assert time.monotonic() - began < 2
    response.close()


@pytest.mark.django_db(transaction=True)  # what is closed with the answer is the connection to the database, too
def test_it_is_noted_also_when_the_browser_goes_away(  # S-23
    client: Client, mail_server: MailServerFactory, smtp_server: SMTPServerFactory
) -> None:
    server = smtp_server()
    mail_server(server)
    press(client).close()
    assert "sent" in outcome_noted()
    assert len(server.messages) == 1
    assert MailServer.objects.get().tested_at is not None


def test_an_asgi_server_gets_the_same(client: Client, smtp_server: SMTPServerFactory) -> None:
    told = live.tell(settings_for(smtp_server(), from_email="site@example.com"), RECIPIENT)
    lines = live.Lines(told, lambda item: type(item).__name__)
    response = live.respond(AsyncRequestFactory().post("/"), lines)
    assert response.is_async

    async def read() -> list[bytes]:
        return [part async for part in response]

    assert len(asyncio.run(read())) == 9


def test_a_token_is_asked_for_where_the_database_is(smtp_server: SMTPServerFactory) -> None:
    asked: list[str] = []

    def token(rejected: str) -> str:
        asked.append(rejected)
        raise ValueError("no token")

    settings = settings_for(smtp_server(), username="me", token=token, from_email="site@example.com")
    *steps, outcome = live.tell(settings, RECIPIENT)
    assert asked == [""]
    assert isinstance(outcome, diagnosis.Outcome)
    assert not outcome.ok
    assert len(steps) == 5


# --- remedies ---


@pytest.mark.parametrize("script", [True, False])
def test_the_button_changes_what_was_entered_and_tests_again(
    client: Client, mail_server: MailServerFactory, smtp_server: SMTPServerFactory, script: bool
) -> None:
    server = smtp_server(security="ssl")
    mail_server(server, security="starttls", timeout=2)
    before = MailServer.objects.values().get()
    page = Page.of(client.post(url("test"), {"recipient": "me@example.com"}, headers=SCRIPT if script else {}))
    assert f"Use SSL/TLS on port {server.port}" in page.text
    if script:
        (values,) = re.findall('data-fill="([^"]*)"', page.html)
        assert json.loads(unescape(values)) == {"security": "ssl", "port": server.port}
        return
    (remedy,) = re.findall('name="_remedy" value="([^"]*)"', page.html)
    data = {"recipient": "me@example.com", "_remedy": unescape(remedy)}
    again = Page.of(client.post(url("test"), data))
    assert "Sent to me@example.com" in again.text
    assert '<input type="hidden" name="security" value="ssl">' in again.html
    assert "Save these settings" in again.text
    after = MailServer.objects.values().get()
    assert {**after, "tested_at": None, "test_error": ""} == {**before, "tested_at": None, "test_error": ""}


def test_a_remedy_changes_only_fields_of_the_form(
    client: Client, mail_server: MailServerFactory, smtp_server: SMTPServerFactory
) -> None:
    mail_server(smtp_server())
    for remedy in ('{"revision": 7, "alias": "x"}', "[1]", "{", '"x"'):
        page = Page.of(client.post(url("test"), {"recipient": "me@example.com", "_remedy": remedy}))
        assert "Sent to" in page.text
        assert 'name="revision"' not in page.html


def test_the_password_is_entered_again_for_the_other_way(  # S-2
    client: Client, mail_server: MailServerFactory, smtp_server: SMTPServerFactory
) -> None:
    server = smtp_server(security="ssl", users={"me": "saved-secret"})
    mail_server(server, security="starttls", timeout=2, username="me", password="saved-secret", auth_method="plain")
    remedy = json.dumps({"security": "ssl", "port": server.port})
    page = Page.of(client.post(url("test"), {"recipient": "me@example.com", "_remedy": remedy}))
    assert "Password: Enter the password again" in page.text
    assert "saved-secret" not in page.html
    assert server.logins == []


def test_who_may_only_test_gets_no_button(
    client: Client, bob: User, mail_server: MailServerFactory, smtp_server: SMTPServerFactory
) -> None:
    bob.user_permissions.add(*User.objects.get(username="alice").user_permissions.filter(codename="send_test_email"))
    client.force_login(bob)
    mail_server(smtp_server(security="ssl"), security="starttls", timeout=2)
    page = Page.of(client.post(url("test"), {"recipient": "me@example.com"}, headers=SCRIPT))
    assert "failed" in page.text
    assert "data-fill" not in page.html
