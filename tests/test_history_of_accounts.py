"""Each authentication is in the history, also one that came to nothing: who, when, why, and no token."""

from typing import Any, Final

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from oauthconnections.models import OAuthAccount, OAuthConnection
from tests.conftest import IdentityProviderFactory
from tests.oauth_flow import authenticated, begun, come_back, connected, keeper, signed_in
from tests.servers.identity_provider import IdentityProvider

WRONG_SECRET: Final = "Authentication failed: The client secret of “Contoso” is wrong."

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(db: None) -> Client:
    return signed_in(keeper("kate"))


@pytest.fixture
def connection(provider: IdentityProvider) -> OAuthConnection:
    return connected(provider)


def told(row: OAuthConnection | OAuthAccount) -> list[str]:
    entries = LogEntry.objects.filter(content_type__model=row._meta.model_name, object_id=str(row.pk)).order_by("pk")
    assert {entry.user.get_username() for entry in entries} <= {"kate"}
    return [entry.get_change_message() for entry in entries]


def press(client: Client, account: OAuthAccount, name: str) -> None:
    client.post(reverse(f"admin:oauthconnections_oauthaccount_{name}", args=[account.pk]))


def test_an_account_tells_its_whole_life(
    client: Client, provider: IdentityProvider, connection: OAuthConnection
) -> None:
    account = authenticated(client, connection, provider)
    press(client, account, "renew")
    provider.revoke_grants()
    press(client, account, "renew")
    press(client, account, "disconnect")
    first, renewed, refused, last = told(account)
    assert [first, renewed, last] == ["Authenticated as jane@example.com.", "Token renewed.", "Disconnected."]
    assert refused.startswith("Token not renewed: ")
    for token in (account.access_token, account.refresh_token):
        assert str(token) not in str([first, renewed, refused, last])  # S-2


def test_a_sign_in_that_was_refused_is_told_with_its_connection(
    client: Client, provider: IdentityProvider, connection: OAuthConnection
) -> None:
    returned = provider.authorize(begun(client, connection), error="access_denied")
    come_back(client, returned)
    come_back(client, returned)  # reloaded: no other attempt
    [failure] = told(connection)
    assert failure.startswith("Authentication failed: The sign-in was cancelled at the provider")


def test_a_token_endpoint_that_refuses_is_told_in_our_words(
    client: Client, identity_provider: IdentityProviderFactory
) -> None:
    provider = identity_provider("microsoft")
    connection = connected(provider, client_secret="not it")
    come_back(client, provider.authorize(begun(client, connection)))
    [failure] = told(connection)
    assert failure.startswith(WRONG_SECRET)


def test_a_reason_of_any_length_is_kept_short(
    client: Client, provider: IdentityProvider, connection: OAuthConnection
) -> None:
    come_back(client, provider.authorize(begun(client, connection), error="x" * 5000))
    [failure] = told(connection)
    assert len(failure) < 600


def test_an_answer_that_nobody_here_began_is_not_told(
    client: Client, provider: IdentityProvider, connection: OAuthConnection
) -> None:
    returned = provider.authorize(begun(client, connection), error="access_denied")
    come_back(signed_in(keeper("eve")), returned)
    assert told(connection) == []


def test_an_application_without_a_token_is_told(client: Client, identity_provider: Any) -> None:
    provider = identity_provider("microsoft")
    connection = connected(provider, client_secret="not it")
    client.post(reverse("admin:oauthconnections_oauthconnection_application", args=[connection.pk]))
    [failure] = told(connection)
    assert failure.startswith(WRONG_SECRET)
