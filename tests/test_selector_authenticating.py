"""The button that authenticates an account for the mail server: the form is saved, then the provider has its say."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client, RequestFactory
from pytest_django import Settings

from mailconfig.models import MailServer
from oauthconnections.models import Authorization, OAuthAccount, OAuthConnection
from oauthconnections.signals import account_authenticated
from tests.conftest import MailServerFactory
from tests.oauth_accounts import account_of, connected
from tests.oauth_flow import come_back, destination
from tests.servers.identity_provider import IdentityProvider
from tests.settings_page import Page, opened, sent, url

JANE = "jane@example.com"
PERMISSION = "authenticate_oauthaccount"


@pytest.fixture(autouse=True)
def client_of_olivia(client: Client, olivia: User) -> Client:
    client.force_login(olivia)
    return client


@pytest.fixture(autouse=True)
def row(mail_server: MailServerFactory) -> MailServer:
    return mail_server(host="own.example.com", port=2525, security="ssl", auth_method="none")


@pytest.fixture
def connection(provider: IdentityProvider) -> OAuthConnection:
    return connected(provider, name="Keycloak")


def pressed(client: Client, button: str = "another", **typed: Any) -> Any:
    """What follows when something was typed and a button of the account pressed."""
    return client.post(url(), sent(opened(client), {**typed, "_authenticate": button}))


def back(client: Client, provider: IdentityProvider, response: Any) -> Page:
    """The page to which somebody comes back who has signed in."""
    answer = come_back(client, provider.authorize(destination(response)))
    assert (answer.status_code, answer["Location"]) == (302, url())
    return opened(client)


def buttons(page: Page) -> list[str]:
    return [text.strip() for text in page.texts if "uthenticate a" in text or "another account" in text]


# --- the way there and back ---


def test_what_is_typed_is_saved_before_the_browser_leaves(
    client: Client, connection: OAuthConnection, provider: IdentityProvider
) -> None:
    response = pressed(client, oauth_connection=connection.pk, host="new.example.com", timeout="60")
    server = MailServer.objects.get()
    assert (server.oauth_connection, server.host, server.timeout) == (connection, "new.example.com", 60)
    assert destination(response).startswith(provider.url)
    begun = Authorization.objects.get()
    assert (begun.reference, begun.consumer, begun.return_to) == (f"mailserver:{server.pk}", "mailconfig", url())


def test_who_signed_in_is_used_from_then_on(
    client: Client, connection: OAuthConnection, provider: IdentityProvider, olivia: User
) -> None:
    page = back(client, provider, pressed(client, oauth_connection=connection.pk))
    account = OAuthAccount.objects.get()
    server = MailServer.objects.get()
    assert (server.oauth_account, server.from_email, server.revision) == (account, "site@example.com", 2)
    assert "Authenticated as jane@example.com, token renewed today" in page.text
    assert "Not tested yet." in page.text
    assert buttons(page) == ["Authenticate account", "Authenticate again", "Use another account"]
    told = LogEntry.objects.filter(object_id=str(server.pk), content_type__model="mailserver").order_by("pk")
    assert told[1].get_change_message() == "Changed Account: none → jane@example.com."
    assert told[1].user == olivia
    settings = MailServer.objects.for_alias("default").connection_settings()
    assert (settings.username, settings.account_id, settings.host) == (JANE, account.pk, "own.example.com")


def test_a_sender_that_is_missing_becomes_that_of_the_account(
    client: Client, connection: OAuthConnection, provider: IdentityProvider
) -> None:
    back(client, provider, pressed(client, oauth_connection=connection.pk, from_email=""))
    assert MailServer.objects.get().from_email == JANE


def test_a_fixed_sender_is_not_stored(
    client: Client, connection: OAuthConnection, provider: IdentityProvider, settings: Settings
) -> None:
    MailServer.objects.update(from_email="")
    settings.MAILCONFIG = {"from_email": "fixed@example.com"}
    back(client, provider, pressed(client, oauth_connection=connection.pk))
    assert MailServer.objects.get().oauth_account
    assert MailServer.objects.get().from_email == ""


@pytest.mark.parametrize(("button", "hinted"), [("again", True), ("another", False)])
def test_again_asks_for_the_same_account_and_another_for_any(
    client: Client, connection: OAuthConnection, provider: IdentityProvider, button: str, hinted: bool
) -> None:
    MailServer.objects.update(oauth_connection=connection, oauth_account=account_of(provider, connection))
    response = pressed(client, button)
    assert (f"login_hint={JANE.replace('@', '%40')}" in destination(response)) is hinted
    assert "Saved and in force now" not in Page.of(response).text


def test_who_signs_in_as_somebody_else_is_told_and_that_account_is_used(
    client: Client, connection: OAuthConnection, provider: IdentityProvider
) -> None:  # S-9
    jane = account_of(provider, connection)
    MailServer.objects.update(oauth_connection=connection, oauth_account=jane)
    provider.user |= {"sub": "john", "email": "john@example.com", "preferred_username": "john@example.com"}
    page = back(client, provider, pressed(client, "again"))
    assert "You signed in as john@example.com, not as jane@example.com." in page.text
    assert "Authenticated as john@example.com" in page.text
    assert MailServer.objects.get().oauth_account != jane


def test_the_second_of_two_mailers_keeps_its_own(
    client: Client,
    connection: OAuthConnection,
    provider: IdentityProvider,
    mail_server: MailServerFactory,
    row: MailServer,
) -> None:
    news = mail_server(alias="news", host="own.example.com", oauth_connection=connection)
    data = sent(opened(client, row), {"oauth_connection": connection.pk, "_authenticate": "another"})
    response = client.post(url(row=row), data)
    come_back(client, provider.authorize(destination(response)))
    news.refresh_from_db()
    row.refresh_from_db()
    assert (news.oauth_account, row.oauth_account) == (None, OAuthAccount.objects.get())


# --- what is against it ---


@pytest.mark.parametrize(
    ("typed", "field", "text"),
    [
        ({"timeout": "0"}, "timeout", "greater than or equal to 1"),
        ({"oauth_connection": ""}, "oauth_connection", "Choose the OAuth connection"),
        ({"oauth_connection": "99"}, "oauth_connection", "Select a valid choice"),
        ({"host": ""}, "host", "Enter the server first"),
        ({"opened_revision": "7"}, "", "Somebody else saved these settings"),
    ],
    ids=str,
)
def test_a_mistake_is_shown_and_nobody_leaves(
    client: Client,
    connection: OAuthConnection,
    provider: IdentityProvider,
    typed: dict[str, Any],
    field: str,
    text: str,
) -> None:
    asked = len(provider.requests)
    page = Page.of(pressed(client, **{"oauth_connection": connection.pk, "from_name": "Typed", **typed}))
    assert text in page.errors[field]
    assert page.values["from_name"] == "Typed"
    assert MailServer.objects.get().from_name == ""
    assert (Authorization.objects.count(), len(provider.requests)) == (0, asked)


def test_a_provider_that_does_not_answer_is_a_message_and_what_was_saved_stays(
    client: Client, connection: OAuthConnection, provider: IdentityProvider
) -> None:  # S-12
    provider.faults["discovery"] = (503, b"down", {})
    response = pressed(client, oauth_connection=connection.pk, timeout="60")
    assert (response.status_code, response["Location"]) == (302, url())
    page = opened(client)
    assert 'class="error"' in page.html
    assert MailServer.objects.get().timeout == 60


def test_who_may_not_authenticate_gets_no_button_and_saves_nothing_by_it(
    client: Client, connection: OAuthConnection, olivia: User
) -> None:  # S-22
    olivia.user_permissions.remove(Permission.objects.get(codename=PERMISSION))
    page = opened(client)
    assert "_authenticate" not in page.html
    data = sent(page, {"oauth_connection": connection.pk, "timeout": "60", "_authenticate": "another"})
    assert client.post(url(), data).status_code == 403
    assert (MailServer.objects.get().timeout, Authorization.objects.count()) == (5, 0)


def test_who_may_only_view_gets_none_either(client: Client, connection: OAuthConnection, bob: User) -> None:  # S-22
    bob.user_permissions.add(Permission.objects.get(codename=PERMISSION))
    MailServer.objects.update(oauth_connection=connection)
    client.force_login(bob)
    page = opened(client)
    assert "Not authenticated yet" in page.text
    assert "_authenticate" not in page.html
    assert client.post(url(), {"_authenticate": "another"}).status_code == 403


# --- the settings were changed meanwhile ---

CHANGES: list[dict[str, Any]] = [
    {"host": "evil.example.com"},
    {"port": 26},
    {"security": "starttls"},
    {"oauth_connection": None},
]


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_token_goes_to_no_server_that_was_entered_while_somebody_signed_in(
    client: Client, connection: OAuthConnection, provider: IdentityProvider, change: dict[str, Any]
) -> None:  # S-2
    response = pressed(client, oauth_connection=connection.pk)
    MailServer.objects.update(**change)
    page = back(client, provider, response)
    assert "the settings of the mail server were changed meanwhile" in page.text
    assert MailServer.objects.get().oauth_account is None


def test_who_has_lost_the_permission_meanwhile_attaches_nothing(
    client: Client, connection: OAuthConnection, provider: IdentityProvider, olivia: User
) -> None:  # S-22
    response = pressed(client, oauth_connection=connection.pk)
    olivia.user_permissions.clear()
    come_back(client, provider.authorize(destination(response)))
    assert MailServer.objects.get().oauth_account is None


@pytest.mark.parametrize("reference", ["", "mailserver:", "mailserver:x", "mailserver:1;", "other:1", "mailserver:²"])
def test_what_was_authenticated_for_something_else_is_left_alone(
    connection: OAuthConnection, provider: IdentityProvider, row: MailServer, reference: str
) -> None:
    MailServer.objects.update(oauth_connection=connection)
    account = account_of(provider, connection)
    request = RequestFactory().get("/")
    account_authenticated.send(sender=OAuthAccount, account=account, request=request, reference=reference)
    assert MailServer.objects.get().oauth_account is None
