"""Coming back in vain: what is said, what can be done next, and that no secret is told (S-2)."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from oauthconnections.models import Authorization, OAuthAccount, OAuthConnection
from oauthconnections.signals import account_authenticated
from tests.oauth_flow import begun, come_back, connected, keeper, signed_in
from tests.servers.identity_provider import IdentityProvider
from tests.settings_page import Page

pytestmark = pytest.mark.django_db

TRACE: Final = "Trace ID: 11111111-2222-3333-4444-555555555555"


@dataclass(frozen=True)
class Says:
    """What a provider sends back with, and what the page makes of it."""

    error: str
    description: str
    meaning: str
    action: str


ERRORS: Final = {
    "cancelled": Says(
        "access_denied",
        "The user denied the request",
        "The sign-in was cancelled at the provider, or the consent was refused.",
        "Try again, and accept what you are asked for.",
    ),
    "cancelled at Microsoft": Says(
        "access_denied",
        f"AADSTS65004: User declined to consent to access the app. {TRACE}",
        "The sign-in was cancelled at the provider, or the consent was refused.",
        "Try again, and accept what you are asked for.",
    ),
    "consent pending": Says(
        "access_denied",
        f"AADSTS90094: The grant requires admin permission. {TRACE}",
        "An administrator of your organization has to approve this application first.",
        "“Grant admin consent”), then try again.",
    ),
    "no consent yet": Says(
        "consent_required",
        f"AADSTS65001: The user or administrator has not consented to use the application. {TRACE}",
        "An administrator of your organization has to approve this application first.",
        "“Grant admin consent”), then try again.",
    ),
    "Google Workspace forbids it": Says(
        "admin_policy_enforced",
        "",
        "An administrator of your organization has to approve this application first.",
        "Have an administrator grant consent",
    ),
    "single tenant": Says(
        "invalid_request",
        f"AADSTS50194: Application is not configured as a multi-tenant application. {TRACE}",
        "tenant",
        "tenant",
    ),
    "something new": Says(
        "brand_new_error",
        "A thing that nobody has heard of.",
        "“brand_new_error”",
        "The provider's own words, under “Details”, may say more.",
    ),
}


@pytest.fixture
def client(db: None) -> Client:
    return signed_in(keeper("kate"))


@pytest.fixture
def connection(provider: IdentityProvider) -> OAuthConnection:
    return connected(provider)


def failed(response: Any) -> Page:
    assert response.status_code == 400
    assert not OAuthAccount.objects.exists()
    page = Page.of(response)
    assert "The account was not authenticated" in page.text
    return page


@pytest.mark.parametrize("says", ERRORS.values(), ids=ERRORS)
def test_each_refusal_has_its_sentence_and_a_way_on(
    client: Client, provider: IdentityProvider, connection: OAuthConnection, says: Says
) -> None:
    returned = provider.authorize(begun(client, connection), error=says.error, description=says.description)
    page = failed(come_back(client, returned))
    for shown in (says.meaning, says.action, "Details", says.error, says.description, "Try again", "Back"):
        assert shown in page.text
    assert f'action="{reverse("oauthconnections:again", args=[Authorization.objects.get().pk])}"' in page.html
    assert f'href="{reverse("admin:oauthconnections_oauthconnection_change", args=[connection.pk])}"' in page.html


def test_a_wrong_client_secret_is_explained(client: Client, identity_provider: Any) -> None:
    provider = identity_provider("microsoft")
    connection = connected(provider, client_secret="not it")
    page = failed(come_back(client, provider.authorize(begun(client, connection))))
    assert "The client secret of “Contoso” is wrong." in page.text
    assert "AADSTS7000215" in page.text
    assert "not it" not in page.html


@pytest.mark.parametrize("fault", [(503, {}), "close", (200, b"<html>"), (200, {"token_type": "Bearer"})], ids=str)
def test_a_token_endpoint_that_fails_is_told(
    client: Client, provider: IdentityProvider, connection: OAuthConnection, fault: Any
) -> None:
    address = begun(client, connection)
    provider.faults["token"] = fault
    page = failed(come_back(client, provider.authorize(address)))
    assert "localhost does not answer as it should" in page.text
    assert "Try again" in page.text


def test_who_is_not_signed_in_is_led_to_the_log_in(
    client: Client, provider: IdentityProvider, connection: OAuthConnection
) -> None:
    returned = provider.authorize(begun(client, connection))
    page = failed(come_back(Client(), returned))
    assert "this site does not know you in this browser" in page.text
    assert "Log in" in page.text
    assert "Try again" not in page.text
    assert "Back" not in page.texts


def test_a_forged_answer_offers_nothing_to_repeat(client: Client) -> None:
    page = failed(client.get("/oauth/callback/?state=forged&code=x"))
    assert "If you began nothing, close this page" in page.text
    assert "Try again" not in page.text
    assert "Home" in page.text


def test_who_may_not_begin_any_more_gets_no_button(
    client: Client, provider: IdentityProvider, connection: OAuthConnection
) -> None:
    returned = provider.authorize(begun(client, connection), error="access_denied")
    user = User.objects.get()
    user.user_permissions.remove(Permission.objects.get(codename="authenticate_oauthaccount"))
    assert "/again/" not in failed(come_back(client, returned)).html
    assert client.post(reverse("oauthconnections:again", args=[Authorization.objects.get().pk])).status_code == 403


# --- S-2 ---


def secrets_of(connection: OAuthConnection, *addresses: str) -> list[str]:
    (context,) = Authorization.objects.values_list("context", flat=True) or [""]
    kept = re.findall(r'"(?:code_verifier|nonce)": "([^"]+)"', str(context))
    sent = [dict(parse_qsl(urlsplit(address).query)) for address in addresses]
    of_query = [query[name] for query in sent for name in ("state", "code") if name in query]
    return [*kept, *of_query, str(connection.client_secret)]


@pytest.mark.parametrize("fault", [None, (400, {"error": "invalid_grant"}), (503, {})], ids=str)
def test_nothing_secret_is_logged_or_shown(
    client: Client,
    provider: IdentityProvider,
    connection: OAuthConnection,
    caplog: pytest.LogCaptureFixture,
    settings: Settings,
    fault: Any,
) -> None:  # S-2
    settings.DEBUG = True
    caplog.set_level(logging.DEBUG)
    address = begun(client, connection)
    returned = provider.authorize(address)
    secrets = secrets_of(connection, address, returned)
    caplog.clear()
    if fault:
        provider.faults["token"] = fault
    response = come_back(client, returned)
    page = client.get(response["Location"]) if response.status_code == 302 else response
    account = OAuthAccount.objects.first()
    secrets += [str(account.access_token), str(account.refresh_token)] if account else []
    assert len(secrets) >= 5
    told = caplog.text + page.content.decode()
    assert [secret for secret in secrets if secret in told] == []


@pytest.fixture
def listener_fails() -> Iterator[None]:
    def fail(**call: Any) -> None:
        raise RuntimeError("the listener failed")

    account_authenticated.connect(fail)
    yield
    account_authenticated.disconnect(fail)


@pytest.mark.usefixtures("listener_fails")
@pytest.mark.parametrize("accept", ["text/html", "text/plain"])
def test_no_debug_page_tells(
    client: Client, provider: IdentityProvider, connection: OAuthConnection, settings: Settings, accept: str
) -> None:  # S-2
    settings.DEBUG = True
    client.raise_request_exception = False
    address = begun(client, connection)
    returned = provider.authorize(address)
    secrets = secrets_of(connection, address, returned)
    response = client.get(returned.removeprefix("http://testserver"), headers={"accept": accept})
    assert response.status_code == 500
    shown = response.content.decode()
    account = OAuthAccount.objects.get()
    secrets += [str(account.access_token), str(account.refresh_token)]
    assert "the listener failed" in shown
    assert [secret for secret in secrets if secret in shown] == []
