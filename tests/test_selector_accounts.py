"""Which account of a connection is used: chosen where there is a choice, and for no server but its own (S-2)."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from mailconfig.models import MailServer
from oauthconnections.models import OAuthAccount, OAuthConnection
from tests.conftest import MailServerFactory, SMTPServerFactory
from tests.settings_page import Page, opened, saved, sent, url

JANE, JOHN = "jane@example.com", "john@example.com"
DETACHED = "The account jane@example.com is not used any more: it was authenticated for the server as it was."


@pytest.fixture(autouse=True)
def client_of_alice(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def account_of(connection: OAuthConnection, name: str = JANE, **fields: Any) -> OAuthAccount:
    ends = timezone.now() + timedelta(hours=1)
    known = {"username": name, "email": name, "access_token": f"token of {name}", "expires_at": ends}
    return OAuthAccount.objects.create(connection=connection, **{**known, **fields})


def used(mail_server: MailServerFactory, account: OAuthAccount, server: Any = None, **fields: Any) -> MailServer:
    own = {} if server else {"host": "own.example.com", "port": 2525, "security": "ssl"}
    return mail_server(server, oauth_connection=account.connection, oauth_account=account, **{**own, **fields})


def attached() -> OAuthAccount | None:
    return MailServer.objects.get().oauth_account


# --- choosing ---


def test_there_is_no_choice_with_one_account(
    client: Client, contoso: OAuthConnection, mail_server: MailServerFactory
) -> None:
    used(mail_server, account_of(contoso))
    page = opened(client)
    assert 'name="oauth_account"' not in page.html
    assert saved(client, page, timeout="60").errors == {}
    assert attached() == OAuthAccount.objects.get()


def test_another_account_can_be_chosen(
    client: Client, contoso: OAuthConnection, mail_server: MailServerFactory
) -> None:
    jane, john = account_of(contoso), account_of(contoso, JOHN)
    used(mail_server, jane)
    page = opened(client)
    assert page.values["oauth_account"] == str(jane.pk)
    page = saved(client, page, oauth_account=john.pk)
    assert attached() == john
    assert "Changed: Account." in page.text
    told = "Changed Account: jane@example.com (Contoso) → john@example.com (Contoso)."
    assert LogEntry.objects.get().get_change_message() == told
    page = saved(client, page, oauth_account="")
    assert attached() is None
    assert "Mail can't be sent until an account is authenticated for “Contoso”." in page.text


def test_an_application_account_that_was_added_elsewhere_can_be_chosen_along_with_its_connection(
    client: Client, contoso: OAuthConnection, mail_server: MailServerFactory
) -> None:
    mail_server(host="own.example.com", auth_method="none", from_email="alerts@contoso.com")
    account = account_of(contoso, "", kind="application")
    page = saved(client, opened(client), oauth_connection=contoso.pk, oauth_account=account.pk)
    assert page.errors == {}
    assert "Authenticated as Application id" in page.text
    settings = MailServer.objects.for_alias("default").connection_settings()
    assert (settings.username, settings.account_id) == ("alerts@contoso.com", account.pk)


def test_an_application_account_needs_a_sender(
    client: Client, contoso: OAuthConnection, mail_server: MailServerFactory
) -> None:
    mail_server(from_email="")
    account = account_of(contoso, "", kind="application")
    page = saved(client, opened(client), oauth_connection=contoso.pk, oauth_account=account.pk)
    assert "Enter the address that this site sends from." in page.errors["from_email"]


def test_a_sender_that_is_missing_is_that_of_the_account(
    client: Client, contoso: OAuthConnection, mail_server: MailServerFactory
) -> None:
    mail_server(from_email="")
    account = account_of(contoso)
    assert saved(client, opened(client), oauth_connection=contoso.pk, oauth_account=account.pk).errors == {}
    assert MailServer.objects.get().from_email == JANE


def test_an_account_of_another_connection_is_an_error_at_the_field(
    client: Client, contoso: OAuthConnection, mail_server: MailServerFactory
) -> None:
    fabrikam = OAuthConnection.objects.create(name="Fabrikam", provider="google")
    jane, john = account_of(contoso), account_of(fabrikam, JOHN)
    used(mail_server, jane)
    page = saved(client, opened(client), oauth_account=john.pk, timeout="60")
    assert "belongs to another OAuth connection" in page.errors["oauth_account"]
    assert (attached(), MailServer.objects.get().timeout) == (jane, 5)


def test_the_old_account_that_a_page_without_script_sends_along_is_no_mistake(
    client: Client, contoso: OAuthConnection, mail_server: MailServerFactory
) -> None:
    fabrikam = OAuthConnection.objects.create(name="Fabrikam", provider="google")
    used(mail_server, account_of(contoso))
    account_of(fabrikam, JOHN)
    page = saved(client, opened(client), oauth_connection=fabrikam.pk)
    assert page.errors == {}
    assert attached() is None


@pytest.mark.parametrize("typed", ["99", "x", "1e9", "9" * 30])
def test_an_account_that_does_not_exist_is_an_error_at_the_field(
    client: Client, contoso: OAuthConnection, mail_server: MailServerFactory, typed: str
) -> None:
    jane = account_of(contoso)
    account_of(contoso, JOHN)
    used(mail_server, jane)
    assert "Select a valid choice" in saved(client, opened(client), oauth_account=typed).errors["oauth_account"]
    assert attached() == jane


def test_going_back_to_custom_settings_lets_the_account_go(
    client: Client, contoso: OAuthConnection, mail_server: MailServerFactory
) -> None:
    used(mail_server, account_of(contoso), auth_method="none")
    saved(client, opened(client), oauth_connection="")
    assert attached() is None


def test_no_page_shows_a_token(client: Client, contoso: OAuthConnection, mail_server: MailServerFactory) -> None:  # S-2
    used(mail_server, account_of(contoso, refresh_token="refresh-token"))
    account_of(contoso, JOHN, needs_authentication=True, last_error="invalid_grant: AADSTS50173: gone")
    for path in (url(), url("history"), url("test")):
        assert not re.search(r"token of|refresh-token|enc:v1", client.get(path).content.decode())


# --- another server --- S-2

MOVES: list[dict[str, Any]] = [
    {"host": "evil.example.com"},
    {"host": ""},
    {"port": "587"},
    {"port": ""},
    {"security": "starttls"},
]


@pytest.mark.parametrize("typed", MOVES, ids=str)
def test_another_server_needs_the_account_to_be_authenticated_again(
    client: Client, keycloak: OAuthConnection, mail_server: MailServerFactory, typed: dict[str, Any]
) -> None:
    used(mail_server, account_of(keycloak))
    page = saved(client, opened(client), **typed)
    assert page.errors == {}
    assert DETACHED in page.text
    assert attached() is None
    assert "Account: jane@example.com → none" in LogEntry.objects.get().get_change_message()
    assert saved(client, host="own.example.com", port="2525", security="ssl").errors == {}
    assert attached() is None


@pytest.mark.parametrize("typed", MOVES[:1] + MOVES[2:], ids=str)
def test_the_test_dialog_sends_nothing_to_another_server(
    client: Client, keycloak: OAuthConnection, mail_server: MailServerFactory, typed: dict[str, Any]
) -> None:
    used(mail_server, account_of(keycloak))
    data = sent(opened(client), {**typed, "recipient": "me@example.com"})
    page = Page.of(client.post(url("test"), data, headers={"X-Requested-With": "fetch"}))
    assert "Nothing was sent. Save, then authenticate the account for this server." in page.text
    assert attached() == OAuthAccount.objects.get()


@pytest.mark.parametrize(
    ("before", "typed"),
    [
        ({"port": 465}, {"port": ""}),
        ({"port": None}, {"port": "465"}),
        ({}, {"timeout": "60", "from_email": "new@example.com", "ehlo_name": "new.example.com"}),
    ],
    ids=str,
)
def test_the_same_server_does_not(
    client: Client,
    keycloak: OAuthConnection,
    mail_server: MailServerFactory,
    before: dict[str, Any],
    typed: dict[str, Any],
) -> None:
    used(mail_server, account_of(keycloak), **before)
    assert saved(client, opened(client), **typed).errors == {}
    assert attached() == OAuthAccount.objects.get()


def test_a_server_that_the_settings_fix_is_trusted_by_whoever_fixed_it(
    client: Client, keycloak: OAuthConnection, mail_server: MailServerFactory, settings: Settings
) -> None:
    used(mail_server, account_of(keycloak))
    settings.MAILCONFIG = {"host": "fixed.example.com"}
    saved(client, opened(client), timeout="60")
    assert attached() == OAuthAccount.objects.get()


def test_an_account_that_was_authenticated_for_another_server_can_not_be_chosen(
    client: Client, keycloak: OAuthConnection, mail_server: MailServerFactory
) -> None:
    jane, john = account_of(keycloak), account_of(keycloak, JOHN)
    used(mail_server, jane)
    page = opened(client)
    assert JOHN not in page.text
    saved(client, page, oauth_account=john.pk)
    assert attached() == jane
    mail_server(oauth_account=None)
    saved(client, oauth_account=john.pk, host="evil.example.com")
    assert attached() is None


def test_beside_a_choice_of_others_it_can_not_be_chosen_either(
    client: Client, keycloak: OAuthConnection, contoso: OAuthConnection, mail_server: MailServerFactory
) -> None:
    account_of(contoso)
    john = account_of(keycloak, JOHN)
    mail_server(host="evil.example.com", auth_method="none")
    page = saved(client, opened(client), oauth_connection=keycloak.pk, oauth_account=john.pk)
    assert "Select a valid choice" in page.errors["oauth_account"]
    assert attached() is None


def test_a_saved_password_does_not_go_round_by_a_connection_to_another_server(
    client: Client, keycloak: OAuthConnection, mail_server: MailServerFactory
) -> None:
    mail_server(host="own.example.com", security="ssl", username="me", password="saved-secret", auth_method="plain")
    page = saved(client, oauth_connection=keycloak.pk, host="evil.example.com")
    assert page.errors == {}
    assert "Password (forgotten)" in page.text
    assert MailServer.objects.get().password == ""
    assert "Enter the password" in saved(client, oauth_connection="").errors["password"]


# --- the test email ---


def test_the_test_email_goes_through_the_account(
    client: Client, keycloak: OAuthConnection, mail_server: MailServerFactory, smtp_server: SMTPServerFactory
) -> None:
    server = smtp_server(
        security="starttls", mechanisms=("XOAUTH2",), tokens=lambda user, token: token == f"token of {user}"
    )
    used(mail_server, account_of(keycloak), server)
    data = sent(opened(client), {"timeout": "9", "recipient": "me@example.com"})
    text = Page.of(client.post(url("test"), data)).text
    assert "Sent to me@example.com" in text
    assert "token of" not in text
    assert [login.user for login in server.logins] == [JANE]


def test_without_an_account_the_test_says_where_to_go(
    client: Client, contoso: OAuthConnection, mail_server: MailServerFactory
) -> None:
    mail_server(host="own.example.com", auth_method="none")
    data = sent(opened(client), {"oauth_connection": contoso.pk, "recipient": "me@example.com"})
    page = Page.of(client.post(url("test"), data))
    assert "no account is authenticated for the OAuth connection “Contoso”" in page.text


def test_a_chosen_account_is_tried_before_it_is_saved(
    client: Client,
    contoso: OAuthConnection,
    mail_server: MailServerFactory,
    smtp_server: SMTPServerFactory,
    settings: Settings,
) -> None:
    server = smtp_server(mechanisms=("XOAUTH2",), tokens=lambda user, token: token == f"token of {user}")
    settings.MAILCONFIG = {"host": server.host, "port": server.port, "security": "none"}
    mail_server(auth_method="none")
    chosen = {"oauth_connection": contoso.pk, "oauth_account": account_of(contoso).pk}
    data = sent(opened(client), {**chosen, "recipient": "me@example.com"})
    assert "Sent to me@example.com" in Page.of(client.post(url("test"), data)).text
    assert MailServer.objects.get().oauth_connection is None


@pytest.mark.parametrize("lost", [{"needs_authentication": True}, {"access_token": ""}], ids=str)
def test_an_account_that_is_lost_sends_no_test(
    client: Client, contoso: OAuthConnection, mail_server: MailServerFactory, lost: dict[str, Any]
) -> None:
    used(mail_server, account_of(contoso, **lost))
    page = Page.of(client.post(url("test"), {"recipient": "me@example.com"}))
    assert "jane@example.com has to be authenticated again" in page.text
