"""Signing in at a provider and coming back: what is stored, for whom, and what is said (S-5 to S-9)."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.exceptions import DisallowedRedirect
from django.http import HttpRequest
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from oauthconnections import consumers as registry
from oauthconnections import flow, views
from oauthconnections.consumers import Consumer
from oauthconnections.exceptions import OAuthError
from oauthconnections.models import Authorization, OAuthAccount, OAuthConnection, WebServer
from oauthconnections.signals import account_authenticated
from tests.oauth_flow import authenticated, begun, come_back, connected, destination, keeper, signed_in
from tests.servers.identity_provider import IdentityProvider
from tests.settings_page import Page

pytestmark = pytest.mark.django_db

JOHN = {"sub": "john's", "email": "john@example.com", "preferred_username": "john@example.com"}
FILES = Consumer(
    key="files",
    label="Files",
    scopes={"openid": ("files.read",), "google": ("https://www.googleapis.com/auth/drive",)},
)


@pytest.fixture
def kate() -> User:
    return keeper("kate")


@pytest.fixture
def client(kate: User) -> Client:
    return signed_in(kate)


@pytest.fixture
def connection(provider: IdentityProvider) -> OAuthConnection:
    return connected(provider)


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> None:
    """An app beside the mail settings that uses accounts."""
    monkeypatch.setitem(registry._registered, "files", FILES)


def page_of(row: OAuthConnection | OAuthAccount) -> str:
    return reverse(f"admin:{row._meta.label_lower.replace('.', '_')}_change", args=[row.pk])


def asked(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


# --- it works ---


@pytest.mark.parametrize("kind", ["openid", "microsoft", "google"])
def test_who_signs_in_becomes_an_account(client: Client, kate: User, identity_provider: Any, kind: str) -> None:
    provider = identity_provider(kind)
    connection = connected(provider)
    response = come_back(client, provider.authorize(begun(client, connection)))
    assert (response.status_code, response["Location"]) == (302, page_of(connection))
    account = OAuthAccount.objects.get()
    assert (account.connection, account.kind) == (connection, "user")
    assert (account.subject, account.email) == (provider.user["sub"], "jane@example.com")
    assert provider.is_active(str(account.access_token))
    assert account.refresh_token
    assert account.authenticated_by == kate
    assert timezone.now() - account.authenticated_at < timedelta(minutes=1)  # type: ignore[operator]
    assert "Authenticated as jane@example.com." in Page.of(client.get(response["Location"])).text


@pytest.mark.parametrize("kind", ["openid", "microsoft", "google"])
def test_the_first_leg_is_as_safe_as_can_be(client: Client, identity_provider: Any, kind: str) -> None:  # S-5 S-7 S-8
    provider = identity_provider(kind)
    sent = asked(begun(client, connected(provider)))
    assert sent["code_challenge_method"] == "S256"
    assert len(sent["state"]) >= 43
    assert sent["nonce"]
    assert sent.get("response_mode", "query") == "query"
    assert sent["redirect_uri"] == "http://testserver/oauth/callback/"


def test_both_legs_have_the_same_redirect_uri(
    client: Client, provider: IdentityProvider, connection: OAuthConnection
) -> None:  # S-6
    WebServer.objects.create(external_url="https://first.example/below")
    address = begun(client, connection)
    assert asked(address)["redirect_uri"] == "https://first.example/below/oauth/callback/"
    WebServer.objects.update(external_url="https://second.example")
    returned = provider.authorize(address)
    response = client.get(f"/oauth/callback/?{urlsplit(returned).query}")
    assert response.status_code == 302
    (exchange,) = [request for request in provider.requests if request.endpoint == "token"]
    assert exchange.params["redirect_uri"] == "https://first.example/below/oauth/callback/"


def test_only_hashes_and_an_encrypted_context_are_stored(client: Client, connection: OAuthConnection) -> None:  # S-2
    address = begun(client, connection)
    stored = repr(list(Authorization.objects.values()))
    assert asked(address)["state"] not in stored
    (context,) = Authorization.objects.values_list("context", flat=True)
    assert json.loads(context)["nonce"] == asked(address)["nonce"]  # type: ignore[arg-type]
    assert asked(address)["nonce"] not in stored
    assert client.session[flow.SESSION_KEY] not in stored


def test_what_was_needed_on_the_way_is_forgotten(
    client: Client, provider: IdentityProvider, connection: OAuthConnection
) -> None:
    authenticated(client, connection, provider)
    assert Authorization.objects.get().context == ""


def test_old_beginnings_are_deleted(client: Client, connection: OAuthConnection) -> None:
    begun(client, connection)
    begun(client, connection)
    Authorization.objects.update(began_at=timezone.now() - timedelta(days=1, minutes=1))
    begun(client, connection)
    assert Authorization.objects.count() == 1


def test_the_history_says_who_did_it_and_no_secret(
    client: Client, kate: User, provider: IdentityProvider, connection: OAuthConnection
) -> None:  # S-2
    account = authenticated(client, connection, provider)
    entry = LogEntry.objects.get(object_id=str(account.pk))
    assert (entry.user, entry.get_change_message()) == (kate, "Authenticated as jane@example.com.")
    page = client.get(reverse("admin:oauthconnections_oauthaccount_history", args=[account.pk]))
    assert "Authenticated as jane@example.com." in page.content.decode()


# --- those who asked for it ---


@pytest.fixture
def told() -> Iterator[list[dict[str, Any]]]:
    calls: list[dict[str, Any]] = []

    def listen(**call: Any) -> None:
        calls.append(call)

    account_authenticated.connect(listen)
    yield calls
    account_authenticated.disconnect(listen)


def request_of(client: Client, user: User) -> HttpRequest:
    request = RequestFactory().get("/")
    request.session, request.user = client.session, user
    return request


def test_an_app_is_told_of_the_account_with_its_own_reference(
    client: Client,
    kate: User,
    provider: IdentityProvider,
    connection: OAuthConnection,
    told: list[dict[str, Any]],
    files: None,
) -> None:
    request = request_of(client, kate)
    url = flow.begin(request, connection, return_to="/admin/auth/", consumer="files", reference="shelf:7")
    request.session.save()
    assert "files.read" in asked(url)["scope"].split()
    response = come_back(client, provider.authorize(url))
    assert response["Location"] == "/admin/auth/"
    (call,) = told
    assert (call["account"], call["reference"]) == (OAuthAccount.objects.get(), "shelf:7")
    assert call["sender"] is OAuthAccount
    assert call["request"].user == kate


def test_an_account_keeps_what_another_app_has_of_it(
    client: Client, provider: IdentityProvider, connection: OAuthConnection, files: None
) -> None:
    account = authenticated_for(client, connection, provider, "files")
    url = begun(client, account, consumer="mailconfig")
    assert "files.read" in asked(url)["scope"].split()
    assert "files.read" not in asked(begun(client, connection, consumer="mailconfig"))["scope"].split()


def authenticated_for(
    client: Client, connection: OAuthConnection, provider: IdentityProvider, consumer: str
) -> OAuthAccount:
    come_back(client, provider.authorize(begun(client, connection, consumer=consumer)))
    return OAuthAccount.objects.get()


def test_an_unknown_app_is_not_found(client: Client, connection: OAuthConnection) -> None:
    address = reverse("admin:oauthconnections_oauthconnection_authenticate", args=[connection.pk])
    assert client.post(address, {"consumer": "nobody"}).status_code == 404


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "/\\evil.example", "admin/", "javascript:alert(1)", ""]
)
def test_nothing_begins_that_would_end_elsewhere(
    client: Client, kate: User, connection: OAuthConnection, elsewhere: str
) -> None:  # S-7
    with pytest.raises(DisallowedRedirect):
        flow.begin(request_of(client, kate), connection, return_to=elsewhere)
    assert not Authorization.objects.exists()


# --- several ---


def test_one_administrator_may_sign_in_twice_at_once(
    client: Client, provider: IdentityProvider, connection: OAuthConnection
) -> None:  # S-5
    first, second = begun(client, connection), begun(client, connection)
    there = provider.authorize(first)
    provider.user = JOHN
    assert come_back(client, provider.authorize(second)).status_code == 302
    assert come_back(client, there).status_code == 302
    assert sorted(OAuthAccount.objects.values_list("email", flat=True)) == ["jane@example.com", "john@example.com"]


def test_two_administrators_may_sign_in_at_once(
    client: Client, provider: IdentityProvider, connection: OAuthConnection
) -> None:  # S-5
    liz = keeper("liz")
    other = signed_in(liz)
    first, second = begun(client, connection), begun(other, connection)
    there = provider.authorize(first)
    provider.user = JOHN
    assert come_back(other, provider.authorize(second)).status_code == 302
    assert come_back(client, there).status_code == 302
    by = {account.email: account.authenticated_by for account in OAuthAccount.objects.all()}
    assert (by["john@example.com"], by["jane@example.com"]) == (liz, User.objects.get(username="kate"))


def test_signing_in_again_renews_the_same_account(
    client: Client, provider: IdentityProvider, connection: OAuthConnection
) -> None:
    account = authenticated(client, connection, provider)
    OAuthAccount.objects.update(needs_authentication=True, last_error="invalid_grant: gone")
    url = begun(client, account)
    assert asked(url)["login_hint"] == "jane@example.com"
    response = come_back(client, provider.authorize(url))
    assert response["Location"] == page_of(account)
    again = OAuthAccount.objects.get()
    assert again.access_token != account.access_token
    assert (again.needs_authentication, again.last_error) == (False, "")


def test_another_account_than_the_expected_one_is_told_and_leaves_it_alone(
    client: Client, provider: IdentityProvider, connection: OAuthConnection
) -> None:  # S-9
    jane = authenticated(client, connection, provider)
    provider.user = JOHN
    response = come_back(client, provider.authorize(begun(client, jane)))
    assert OAuthAccount.objects.count() == 2
    untouched = OAuthAccount.objects.get(pk=jane.pk)
    assert (untouched.access_token, untouched.authenticated_at) == (jane.access_token, jane.authenticated_at)
    text = Page.of(client.get(response["Location"])).text
    assert "You signed in as john@example.com, not as jane@example.com." in text
    assert "nothing was changed about jane@example.com" in text


def test_the_same_person_through_another_connection_is_another_account(
    client: Client, provider: IdentityProvider, connection: OAuthConnection
) -> None:
    authenticated(client, connection, provider)
    authenticated(client, connected(provider, "Second"), provider)
    assert OAuthAccount.objects.count() == 2


# --- what a provider leaves out ---


def test_without_any_refresh_token_nothing_is_stored(client: Client, identity_provider: Any) -> None:
    provider = identity_provider("google", send_refresh_token=False)
    response = come_back(client, provider.authorize(begun(client, connected(provider))))
    text = Page.of(response).text
    assert response.status_code == 400
    assert "The provider sent no refresh token" in text
    assert "https://myaccount.google.com/connections" in text
    assert not OAuthAccount.objects.exists()


def test_the_old_refresh_token_stays_where_no_new_one_comes(client: Client, identity_provider: Any) -> None:  # S-10
    provider = identity_provider("google")
    connection = connected(provider)
    account = authenticated(client, connection, provider)
    provider.send_refresh_token = False
    again = authenticated(client, connection, provider)
    assert again.refresh_token == account.refresh_token
    assert again.access_token != account.access_token


def test_a_refresh_token_that_is_dead_does_not_count(client: Client, identity_provider: Any) -> None:
    provider = identity_provider("google")
    connection = connected(provider)
    authenticated(client, connection, provider)
    provider.send_refresh_token = False
    OAuthAccount.objects.update(needs_authentication=True)
    response = come_back(client, provider.authorize(begun(client, connection)))
    assert "The provider sent no refresh token" in Page.of(response).text
    assert OAuthAccount.objects.get().needs_authentication


def test_a_box_that_was_not_ticked_is_told(client: Client, identity_provider: Any) -> None:
    provider = identity_provider("google", granted=lambda scopes: [s for s in scopes if "mail.google" not in s])
    response = come_back(client, provider.authorize(begun(client, connected(provider))))
    text = Page.of(client.get(response["Location"])).text
    assert "The provider did not grant: https://mail.google.com/." in text


# --- what follows ---


def test_again_begins_anew_with_all_that_was_asked_for(
    client: Client, kate: User, provider: IdentityProvider, connection: OAuthConnection, files: None
) -> None:
    request = request_of(client, kate)
    url = flow.begin(request, connection, return_to="/admin/auth/", consumer="files", reference="shelf:7")
    request.session.save()
    come_back(client, provider.authorize(url, error="access_denied"))
    past = Authorization.objects.get()
    anew = destination(client.post(reverse("oauthconnections:again", args=[past.pk])))
    assert asked(anew)["state"] != asked(url)["state"]
    new = Authorization.objects.exclude(pk=past.pk).get()
    for name in ("connection_id", "account_id", "consumer", "reference", "return_to", "scopes", "redirect_uri"):
        assert getattr(new, name) == getattr(past, name)
    assert come_back(client, provider.authorize(anew))["Location"] == "/admin/auth/"


def test_what_is_against_beginning_is_said_on_the_page(client: Client, identity_provider: Any) -> None:
    provider = identity_provider(faults={"discovery": (503, {})})
    connection = connected(provider)
    response = client.post(
        reverse("admin:oauthconnections_oauthconnection_authenticate", args=[connection.pk]), follow=True
    )
    assert response.redirect_chain == [(page_of(connection), 302)]
    assert "does not answer as it should" in Page.of(response).text
    assert not Authorization.objects.exists()


def test_the_page_on_the_way_is_no_redirect_and_tells_nobody(client: Client, connection: OAuthConnection) -> None:
    response = client.post(reverse("admin:oauthconnections_oauthconnection_authenticate", args=[connection.pk]))
    assert response.status_code == 200  # form-action 'self' stops a redirect
    assert response["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response["Cache-Control"]
    assert "Continue" in Page.of(response).text


def test_no_page_leads_to_an_address_that_is_no_web_address(kate: User) -> None:
    request = RequestFactory().get("/")
    request.user = kate
    with pytest.raises(DisallowedRedirect):
        views.to_provider(request, "javascript:alert(1)")


def test_without_our_addresses_nothing_begins(
    client: Client, kate: User, connection: OAuthConnection, settings: Any
) -> None:
    settings.ROOT_URLCONF = "tests.urls_without_oauth"
    with pytest.raises(OAuthError, match="missing in the URLconf"):
        flow.begin(request_of(client, kate), connection, return_to="/admin/")
