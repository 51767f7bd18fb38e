"""A saved password was entered for the saved server: it is sent to no other (S-2), and not in clear (S-17)."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from mailconfig.models import MailServer
from oauthconnections.fields import Undecryptable
from tests.conftest import MailServerFactory, SMTPServerFactory
from tests.settings_page import Page, opened, saved, sent, url

AGAIN = "Enter the password again: the saved one was meant for saved.example.com, port 25, as it was secured."


@pytest.fixture
def row(mail_server: MailServerFactory) -> MailServer:
    return mail_server(host="saved.example.com", username="me", password="saved-secret", auth_method="plain")


@pytest.fixture(autouse=True)
def alice_client(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def password() -> str | Undecryptable:
    return MailServer.objects.get().password


MOVES: list[dict[str, Any]] = [
    {"host": "evil.example.com"},
    {"host": ""},
    {"port": "587"},
    {"security": "ssl"},
    {"security": "none", "confirm_clear_text": "on"},
    {"host": "evil.example.com", "auth_method": "cram-md5"},
]


@pytest.mark.parametrize("typed", MOVES, ids=str)
def test_another_server_needs_the_password_again(client: Client, row: MailServer, typed: dict[str, Any]) -> None:  # S-2
    page = saved(client, **typed)
    assert page.errors["password"] == AGAIN
    assert page.focus == "password"
    row.refresh_from_db()
    assert (row.host, row.effective_port, row.security) == ("saved.example.com", 25, "starttls")
    assert saved(client, password="entered again", **typed).errors == {}
    assert password() == "entered again"


@pytest.mark.parametrize("typed", MOVES, ids=str)
def test_the_test_dialog_needs_it_too(client: Client, row: MailServer, typed: dict[str, Any]) -> None:  # S-2
    data = sent(None, {**typed, "recipient": "me@example.com"})
    response = client.post(url("test"), data, headers={"X-Requested-With": "fetch"})
    assert f"Password: {AGAIN}" in Page.of(response).text
    assert "Nothing was sent." in Page.of(response).text


@pytest.mark.parametrize(
    ("before", "typed"),
    [
        ({"port": 25}, {"port": ""}),
        ({"port": None}, {"port": "25"}),
        ({}, {"username": "somebody else"}),
        ({}, {"auth_method": "login", "timeout": "60", "from_email": "new@example.com"}),
        ({"port": 587, "security": "none"}, {"confirm_clear_text": "on"}),
    ],
    ids=str,
)
def test_the_same_server_does_not(
    client: Client, row: MailServer, before: dict[str, Any], typed: dict[str, Any]
) -> None:
    MailServer.objects.update(**before)
    assert saved(client, **typed).errors == {}
    assert password() == "saved-secret"


def test_the_way_round_by_no_authentication_forgets_the_password(client: Client, row: MailServer) -> None:  # S-2
    page = saved(client, host="evil.example.com", auth_method="none")
    assert page.errors == {}
    assert "Password (forgotten)" in page.text
    assert password() == ""
    assert "Enter the password" in saved(client, auth_method="plain").errors["password"]


def test_a_password_saved_before_any_server_is_for_none(client: Client, mail_server: MailServerFactory) -> None:
    mail_server(username="me", password="saved-secret")
    assert "Enter the password again" in saved(client, host="evil.example.com").errors["password"]


@pytest.mark.parametrize("lock", [{"host": "fixed.example.com"}, {"port": 2525}, {"security": "ssl"}], ids=str)
def test_a_server_that_the_settings_fix_is_trusted_by_whoever_fixed_it(
    client: Client, row: MailServer, settings: Settings, lock: dict[str, Any]
) -> None:
    settings.MAILCONFIG = lock
    assert saved(client, timeout="60").errors == {}
    assert password() == "saved-secret"


def test_beside_a_fixed_server_what_is_not_fixed_counts(client: Client, row: MailServer, settings: Settings) -> None:
    settings.MAILCONFIG = {"host": "fixed.example.com", "port": ""}
    page = saved(client, security="ssl")
    assert "the saved one was meant for fixed.example.com, port 25" in page.errors["password"]


def test_a_fixed_password_stays_with_its_server(client: Client, row: MailServer, settings: Settings) -> None:  # S-2
    settings.MAILCONFIG = {"password": "fixed-secret"}
    settings.MAILCONFIG_SOURCES = {"password": "MAILCONFIG_PASSWORD"}
    page = saved(client, host="evil.example.com", auth_method="none")
    assert "The password is set by MAILCONFIG_PASSWORD for saved.example.com, port 25" in page.errors[""]
    assert MailServer.objects.get().host == "saved.example.com"


def test_a_fixed_password_waits_for_its_first_server(
    client: Client, mail_server: MailServerFactory, settings: Settings
) -> None:
    mail_server(username="me")
    settings.MAILCONFIG = {"password": "fixed-secret"}
    assert saved(client, host="first.example.com").errors == {}
    assert MailServer.objects.get().host == "first.example.com"


def test_the_saved_password_is_used_for_the_same_server(
    client: Client, smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> None:
    server = smtp_server(security="starttls", users={"me": "saved-secret"})
    mail_server(server, username="me", password="saved-secret", auth_method="plain")
    data = sent(None, {"timeout": "9", "recipient": "me@example.com"})
    assert "Sent to me@example.com" in Page.of(client.post(url("test"), data)).text
    assert [login.accepted for login in server.logins] == [True]


# --- in clear text --- S-17


@pytest.mark.parametrize("method", ["plain", "login"])
def test_a_password_in_clear_text_has_to_be_confirmed(
    client: Client, mail_server: MailServerFactory, method: str
) -> None:
    mail_server(host="saved.example.com", security="none", auth_method="none")
    typed: dict[str, Any] = {"auth_method": method, "username": "me", "password": "secret"}
    page = saved(client, **typed)
    assert "The password is sent in clear text." in page.errors["confirm_clear_text"]
    assert page.focus == "confirm_clear_text"
    assert password() == ""
    assert saved(client, confirm_clear_text="on", **typed).errors == {}
    assert password() == "secret"


@pytest.mark.parametrize("method", ["auto", "cram-md5"])
def test_methods_that_never_say_it_need_no_confirmation(
    client: Client, mail_server: MailServerFactory, method: str
) -> None:
    mail_server(host="saved.example.com", security="none", auth_method="none")
    assert saved(client, auth_method=method, username="me", password="secret").errors == {}


def test_what_was_confirmed_stays_confirmed_until_it_is_withdrawn(client: Client, row: MailServer) -> None:
    MailServer.objects.update(security="none")
    page = opened(client)
    assert page.values["confirm_clear_text"] == "on"
    assert saved(client, page, timeout="60").errors == {}
    assert "confirm_clear_text" in saved(client, confirm_clear_text=None).errors
