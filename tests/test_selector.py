"""The OAuth connection on the settings page: there once there is one, and what choosing it leaves to be entered."""

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from mailconfig.models import MailServer
from oauthconnections.models import OAuthAccount, OAuthConnection
from tests.conftest import MailServerFactory
from tests.settings_page import Page, opened, saved, sent, url


@pytest.fixture(autouse=True)
def client_of_alice(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture(autouse=True)
def row(mail_server: MailServerFactory) -> MailServer:
    return mail_server(host="own.example.com", port=2525, security="ssl", username="me", password="saved-secret")


def account_of(connection: OAuthConnection, name: str = "jane@example.com") -> OAuthAccount:
    return OAuthAccount.objects.create(connection=connection, username=name, access_token="a token")


def stored(*names: str) -> tuple[Any, ...]:
    return tuple(MailServer.objects.values_list(*names).get())


def form_of(page: Page) -> str:
    """The page without what Django puts around: its menu lists every app."""
    return page.html[page.html.index('<form enctype="multipart/form-data"') :]


# --- when it is there ---


def test_without_a_connection_there_is_no_trace_of_it(client: Client) -> None:
    page = opened(client)
    head = page.html[: page.html.index("</head>")]
    body = re.findall(r'<body class="[^"]*"', page.html)[0]
    for part in (form_of(page), head, body):
        assert "oauth" not in part.casefold()
    assert not {"oauth_connection", "oauth_account"} & page.values.keys()
    assert "_authenticate" not in page.html


def test_without_a_connection_saving_and_testing_know_nothing_of_it(client: Client) -> None:
    page = saved(client, oauth_connection="1", oauth_account="1", timeout="60")
    assert page.errors == {}
    assert stored("oauth_connection", "oauth_account", "timeout") == (None, None, 60)
    page = Page.of(client.post(url("test"), sent(None, {"recipient": "nobody"})))
    assert "oauth" not in form_of_test(page).casefold()


def form_of_test(page: Page) -> str:
    return page.html[page.html.index('<div id="content-main">') :]


def test_the_method_is_not_offered_without_a_connection(client: Client) -> None:
    assert "Select a valid choice" in saved(client, auth_method="xoauth2").errors["auth_method"]


def test_it_is_the_first_of_the_settings_once_there_is_one(client: Client, contoso: OAuthConnection) -> None:
    page = opened(client)
    assert "OAuth connection:" in page.text
    rows = re.findall(r'class="form-row[^"]* field-(\w+)', form_of(page))
    assert rows[:3] == ["oauth_connection", "oauth_state_only", "oauth_server"]
    assert rows[3] == "host"
    assert page.values["oauth_connection"] == ""
    assert re.findall(r"<option[^>]*>([^<]+)</option>", page.html)[:2] == ["Custom settings", "Contoso"]


@pytest.mark.parametrize("locked", [{"password": "x"}, {"auth_method": "plain"}, {"auth_method": "none"}], ids=str)
def test_a_log_in_that_is_fixed_otherwise_takes_it_away(
    client: Client, contoso: OAuthConnection, settings: Settings, locked: dict[str, Any]
) -> None:
    MailServer.objects.update(oauth_connection=contoso, oauth_account=account_of(contoso))
    settings.MAILCONFIG = locked
    page = opened(client)
    assert "oauth" not in form_of(page).casefold()
    assert page.values["host"] == "own.example.com"
    saved(client, timeout="60", oauth_connection="")
    assert stored("oauth_connection", "timeout") == (contoso.pk, 60)


def test_a_log_in_that_is_fixed_to_oauth_leaves_the_choice(
    client: Client, contoso: OAuthConnection, settings: Settings
) -> None:
    settings.MAILCONFIG = {"auth_method": "xoauth2"}
    assert "OAuth connection:" in opened(client).text
    refused = saved(client, timeout="60")
    assert "Authentication method: For OAuth 2.0 choose an OAuth connection" in refused.errors[""]
    assert saved(client, oauth_connection=contoso.pk).errors == {}
    assert stored("oauth_connection") == (contoso.pk,)


def test_a_viewer_sees_what_is_in_force_and_nothing_else(
    client: Client, bob: User, contoso: OAuthConnection, keycloak: OAuthConnection
) -> None:
    client.force_login(bob)
    assert "oauth" not in form_of(opened(client)).casefold()
    MailServer.objects.update(oauth_connection=contoso, oauth_account=account_of(contoso))
    text = opened(client).text
    assert "Authenticated as jane@example.com" in text
    assert "smtp.office365.com, port 587, STARTTLS, OAuth 2.0" in text
    assert "own.example.com" not in text
    MailServer.objects.update(oauth_connection=keycloak, oauth_account=None)
    text = opened(client).text
    assert {"Not authenticated yet", "own.example.com"} <= {line.strip() for line in opened(client).texts}
    assert "User name" not in text


def test_the_number_of_queries_is_constant(client: Client, contoso: OAuthConnection, keycloak: OAuthConnection) -> None:
    MailServer.objects.update(oauth_connection=contoso, oauth_account=account_of(contoso))

    def queries() -> int:
        client.get(url())
        with CaptureQueriesContext(database) as captured:
            client.get(url())
        return len(captured)

    account_of(contoso, "first@example.com")
    few = queries()
    for number in range(5):
        account_of(contoso, f"more{number}@example.com")
        OAuthConnection.objects.create(name=f"More {number}", provider="google")
    assert queries() == few


# --- choosing ---


def test_choosing_a_provider_with_a_server_leaves_what_was_entered_as_it_is(
    client: Client, contoso: OAuthConnection
) -> None:
    before = stored("host", "port", "security", "auth_method", "username")
    page = saved(client, oauth_connection=contoso.pk)
    assert page.errors == {}
    assert "Changed: OAuth connection." in page.text
    assert "smtp.office365.com, port 587, STARTTLS, OAuth 2.0" in page.text
    assert MailServer.objects.get().password == "saved-secret"
    assert stored("host", "port", "security", "auth_method", "username") == before
    page = saved(client, page, oauth_connection="")
    assert page.errors == {}
    server = MailServer.objects.get()
    assert (server.oauth_connection, server.effective_host, server.password) == (
        None,
        "own.example.com",
        "saved-secret",
    )


@pytest.mark.parametrize(
    "typed",
    [
        {"host": "evil.example.com", "port": "26", "security": "none"},
        {"host": "smtp://not a host", "port": "70000", "security": "", "auth_method": "ntlm"},
        {"username": "you", "password": "typed-secret", "clear_password": "on"},
        {"auth_method": "xoauth2", "password": "a\r\nb"},
    ],
    ids=str,
)
def test_what_the_connection_decides_counts_for_nothing(
    client: Client, contoso: OAuthConnection, typed: dict[str, Any]
) -> None:
    before = stored("host", "port", "security", "auth_method", "username")
    page = saved(client, oauth_connection=contoso.pk, **typed)
    assert page.errors == {}
    assert "Changed: OAuth connection." in page.text
    assert stored("host", "port", "security", "auth_method", "username") == before
    assert MailServer.objects.get().password == "saved-secret"


def test_what_was_typed_is_still_there_after_an_error_elsewhere(client: Client, contoso: OAuthConnection) -> None:
    page = saved(client, oauth_connection=contoso.pk, host="typed.example.com", timeout="0")
    assert page.errors.keys() == {"timeout"}
    assert page.values["host"] == "typed.example.com"
    assert page.values["oauth_connection"] == str(contoso.pk)
    assert not re.search(r'<input[^>]*name="host"[^>]*disabled', page.html)
    assert stored("oauth_connection") == (None,)


def test_for_openid_the_server_stays_to_be_entered(client: Client, keycloak: OAuthConnection) -> None:
    page = saved(client, oauth_connection=keycloak.pk, host="new.example.com", port="", security="starttls")
    assert page.errors == {}
    assert stored("host", "port", "security") == ("new.example.com", None, "starttls")
    assert "Mail can't be sent until an account is authenticated for “Keycloak”." in page.text


def test_a_server_in_clear_text_is_refused_unless_it_is_this_machine(
    client: Client, keycloak: OAuthConnection
) -> None:  # S-17
    page = saved(client, oauth_connection=keycloak.pk, security="none")
    assert page.errors == {
        "security": "The access token would be sent in clear text. Choose STARTTLS or SSL/TLS.",
    }
    for host in ("127.0.0.1", "localhost", "::1"):
        assert saved(client, oauth_connection=keycloak.pk, security="none", host=host).errors == {}


def test_a_sender_is_not_needed_before_there_is_an_account(client: Client, contoso: OAuthConnection) -> None:  # S-12
    MailServer.objects.update(from_email="", host="", username="")
    assert saved(client, oauth_connection=contoso.pk).errors == {}
    assert saved(client).errors == {}


def test_the_method_without_a_connection_is_an_error_at_the_field(client: Client, contoso: OAuthConnection) -> None:
    page = saved(client, auth_method="xoauth2", oauth_connection="")
    assert "For OAuth 2.0 choose an OAuth connection" in page.errors["auth_method"]


@pytest.mark.parametrize("typed", ["99", "x", "-1", "1e9", "9" * 30, "<b>"])
def test_a_connection_that_does_not_exist_is_an_error_at_the_field(
    client: Client, contoso: OAuthConnection, typed: str
) -> None:
    page = saved(client, oauth_connection=typed, timeout="60")
    assert "Select a valid choice" in page.errors["oauth_connection"]
    assert page.focus == "oauth_connection"
    assert stored("oauth_connection", "timeout") == (None, 5)


def test_the_history_tells_which_was_chosen(
    client: Client, contoso: OAuthConnection, keycloak: OAuthConnection
) -> None:
    for chosen in (contoso.pk, keycloak.pk, ""):
        saved(client, oauth_connection=chosen)
    assert [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")] == [
        "Changed OAuth connection: Custom settings → Contoso.",
        "Changed OAuth connection: Contoso → Keycloak.",
        "Changed OAuth connection: Keycloak → Custom settings.",
    ]


def test_who_comes_second_is_told(client: Client, contoso: OAuthConnection) -> None:
    page = opened(client)
    saved(client, oauth_connection=contoso.pk)
    assert "Somebody else saved these settings" in saved(client, page, timeout="60").errors[""]


# --- deleting --- S-14


def test_a_connection_in_use_is_not_deleted_and_an_unused_one_takes_the_selector_along(
    client: Client, admin_user: User, contoso: OAuthConnection
) -> None:
    client.force_login(admin_user)
    MailServer.objects.update(oauth_connection=contoso, oauth_account=account_of(contoso))
    delete = reverse("admin:oauthconnections_oauthconnection_delete", args=[contoso.pk])
    for response in (client.get(delete), client.post(delete, {"post": "yes"})):
        assert "smtp.office365.com:587" in Page.of(response).text
    assert OAuthConnection.objects.exists()
    saved(client, oauth_connection="")
    client.post(delete, {"post": "yes"})
    assert not OAuthConnection.objects.exists()
    assert "oauth" not in form_of(opened(client)).casefold()


def test_an_account_in_use_is_not_deleted(client: Client, admin_user: User, contoso: OAuthConnection) -> None:
    client.force_login(admin_user)
    account = account_of(contoso)
    MailServer.objects.update(oauth_connection=contoso, oauth_account=account)
    delete = reverse("admin:oauthconnections_oauthaccount_delete", args=[account.pk])
    assert "smtp.office365.com:587" in Page.of(client.post(delete, {"post": "yes"})).text
    assert OAuthAccount.objects.exists()
