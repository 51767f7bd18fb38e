"""The pages of accounts: who they are and how they are; renew, disconnect, the application's own account."""

from datetime import timedelta
from typing import Any, Final

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from oauthconnections import consumers as registry
from oauthconnections.consumers import Consumer
from oauthconnections.fields import Undecryptable
from oauthconnections.models import OAuthAccount, OAuthConnection
from tests.conftest import IdentityProviderFactory
from tests.connection_pages import TYPED, place
from tests.oauth_flow import authenticated, begun, connected, keeper, signed_in
from tests.servers.identity_provider import IdentityProvider
from tests.settings_page import Page

pytestmark = pytest.mark.django_db

CIPHERTEXT: Final = "enc:v1:gAAAAABnothing-opens-this"


@pytest.fixture
def client(db: None) -> Client:
    return signed_in(keeper("kate"))


@pytest.fixture
def account(client: Client, provider: IdentityProvider) -> OAuthAccount:
    return authenticated(client, connected(provider), provider)


def url(account: OAuthAccount, name: str = "change") -> str:
    return reverse(f"admin:oauthconnections_oauthaccount_{name}", args=[account.pk])


def opened(client: Client, account: OAuthAccount) -> Page:
    response = client.get(url(account))
    assert response.status_code == 200
    return Page.of(response)


def pressed(client: Client, account: OAuthAccount, name: str) -> Page:
    response = client.post(url(account, name), follow=True)
    assert response.status_code == 200
    return Page.of(response)


# --- what is on the page ---


def test_it_shows_who_and_since_when_and_no_token(client: Client, account: OAuthAccount) -> None:  # S-2
    page = opened(client, account)
    for shown in ("jane@example.com", "Contoso", "openid email offline_access", "kate", "Works, renewed 0", "minutes"):
        assert shown in page.text
    for name in ("change", "history", "delete", "disconnect"):
        html = client.get(url(account, name)).content.decode()
        assert str(account.access_token) not in html
        assert str(account.refresh_token) not in html
        assert "enc:v1:" not in html
    assert str(account.access_token) not in client.get("/admin/oauthconnections/oauthaccount/").content.decode()


def test_nobody_types_an_account(admin_client: Client, account: OAuthAccount) -> None:
    assert admin_client.get("/admin/oauthconnections/oauthaccount/add/").status_code == 403
    assert admin_client.post(url(account), {"email": "evil@example.com"}).status_code == 403
    assert "_save" not in admin_client.get(url(account)).content.decode()


def test_a_viewer_gets_no_buttons(client: Client, bob: User, account: OAuthAccount) -> None:
    client.force_login(bob)
    texts = {text.strip() for text in opened(client, account).texts}
    assert not {"Authenticate again", "Renew now", "Disconnect"} & texts
    texts = {text.strip() for text in Page.of(client.get(place(account.connection))).texts}
    assert not {"Authenticate account", "Add application account"} & texts


def test_an_error_is_explained(client: Client, account: OAuthAccount) -> None:
    OAuthAccount.objects.update(needs_authentication=True, last_error="invalid_grant: AADSTS700082: The refresh token")
    page = opened(client, account)
    assert "Needs authentication" in page.text
    assert "Microsoft has forgotten it" in page.text
    assert "invalid_grant: AADSTS700082" in page.text


def test_an_error_that_is_a_sentence_is_shown(client: Client, account: OAuthAccount) -> None:
    OAuthAccount.objects.update(last_error="localhost does not answer as it should: 503.")
    page = opened(client, account)
    assert "The last renewal failed" in page.text
    assert "localhost does not answer as it should: 503." in page.text


@pytest.mark.parametrize(
    ("days", "lost", "kind", "warned"),
    [
        (59, False, "user", False),
        (61, False, "user", True),
        (61, True, "user", False),
        (61, False, "application", False),
    ],
)
def test_an_idle_account_is_warned_about_before_it_dies(
    client: Client, account: OAuthAccount, days: int, lost: bool, kind: str, warned: bool
) -> None:
    renewed = timezone.now() - timedelta(days=days)
    OAuthAccount.objects.update(
        last_refreshed_at=renewed, authenticated_at=renewed, needs_authentication=lost, kind=kind
    )
    for page in (opened(client, account), Page.of(client.get(place(account.connection)))):
        assert ("Providers forget accounts that are idle" in page.text) is warned


def test_a_google_account_that_died_after_a_week_has_its_explanation(client: Client) -> None:
    connection = OAuthConnection.objects.create(**{**TYPED["google"], "provider": "google"})
    began = timezone.now() - timedelta(days=9)
    account = OAuthAccount.objects.create(
        connection=connection,
        email="jane@gmail.com",
        subject="1",
        needs_authentication=True,
        last_error="invalid_grant: Token has been expired or revoked.",
        authenticated_at=began,
        last_refreshed_at=began + timedelta(days=6, hours=23),
    )
    assert "“Testing”" in opened(client, account).text


def test_tokens_that_can_not_be_decrypted_are_named(client: Client, account: OAuthAccount) -> None:  # S-3
    OAuthAccount.objects.update(refresh_token=Undecryptable(CIPHERTEXT))
    said = "The tokens can't be decrypted: the encryption key has changed. Authenticate the account again."
    assert said in opened(client, account).text
    assert said in Page.of(client.get("/admin/oauthconnections/oauthaccount/")).text
    assert "can't be decrypted" in pressed(client, account, "renew").text


# --- renewing ---


def test_renew_now_brings_another_token(client: Client, provider: IdentityProvider, account: OAuthAccount) -> None:
    page = pressed(client, account, "renew")
    assert "Renewed the token of jane@example.com." in page.text
    renewed = OAuthAccount.objects.get()
    assert renewed.access_token != account.access_token
    assert provider.refreshes == 1


def test_a_renewal_that_is_refused_says_why_and_keeps_the_row(
    client: Client, provider: IdentityProvider, account: OAuthAccount
) -> None:  # S-11
    provider.revoke_grants()
    page = pressed(client, account, "renew")
    assert "Needs authentication" in page.text
    assert "Details invalid_grant: The refresh token is expired or revoked" in page.text
    assert OAuthAccount.objects.get().needs_authentication


def test_what_a_provider_says_is_no_html(client: Client, provider: IdentityProvider, account: OAuthAccount) -> None:
    evil = "<script>alert(1)</script>"
    provider.faults["token"] = (400, {"error": "invalid_scope", "error_description": evil})
    html = pressed(client, account, "renew").html
    assert evil not in html
    assert "&lt;script&gt;" in html


def test_authenticating_again_repairs_it_and_keeps_what_points_to_it(
    client: Client, provider: IdentityProvider, account: OAuthAccount
) -> None:  # S-11
    provider.revoke_grants()
    pressed(client, account, "renew")
    provider.authorize(begun(client, account))
    assert authenticated(client, account.connection, provider).pk == account.pk
    assert "Works, renewed" in opened(client, account).text


# --- disconnecting ---


def disconnected(client: Client, account: OAuthAccount) -> str:
    page = Page.of(client.get(url(account, "disconnect")))
    assert "all settings stay" in page.text
    assert OAuthAccount.objects.get().refresh_token == account.refresh_token
    text = pressed(client, account, "disconnect").text
    row = OAuthAccount.objects.get()
    assert (row.access_token, row.refresh_token, row.expires_at) == ("", "", None)
    assert row.needs_authentication
    assert row.email == account.email
    assert "Disconnected." in [entry.get_change_message() for entry in LogEntry.objects.all()]
    return text


@pytest.mark.parametrize("kind", ["openid", "google"])
def test_disconnecting_has_the_provider_forget_it(client: Client, identity_provider: Any, kind: str) -> None:  # S-14
    provider = identity_provider(kind)
    connection = connected(provider, metadata=provider.kind.metadata(provider.url) if kind == "openid" else {})
    account = authenticated(client, connection, provider)
    assert "The provider has forgotten them too." in disconnected(client, account)
    assert not provider.is_active(str(account.access_token))
    assert [request.params["token"] for request in provider.requests if request.endpoint == "revoke"] == [
        account.refresh_token
    ]


def test_where_it_can_not_be_told_the_way_by_hand_is(client: Client, identity_provider: Any) -> None:  # S-14
    provider = identity_provider("microsoft")
    account = authenticated(client, connected(provider), provider)
    assert "https://myapps.microsoft.com" in disconnected(client, account)


def test_an_unreachable_provider_does_not_hold_it_back(client: Client, identity_provider: Any) -> None:
    provider = identity_provider("google")
    account = authenticated(client, connected(provider), provider)
    provider.faults["revoke"] = "close"
    text = disconnected(client, account)
    assert "Disconnected here, but the provider could not be told" in text
    assert "https://myaccount.google.com/connections" in text


def test_what_can_not_be_decrypted_can_be_disconnected(client: Client, account: OAuthAccount) -> None:  # S-3
    OAuthAccount.objects.update(
        access_token=Undecryptable(CIPHERTEXT), refresh_token=Undecryptable(CIPHERTEXT), last_error="x"
    )
    account.refresh_from_db()
    assert "its tokens are forgotten" in disconnected(client, account)


# --- the application itself --- S-8


@pytest.fixture
def microsoft(identity_provider: IdentityProviderFactory) -> IdentityProvider:
    return identity_provider("microsoft")


def application_added(client: Client, connection: OAuthConnection, **posted: str) -> Page:
    address = reverse("admin:oauthconnections_oauthconnection_application", args=[connection.pk])
    response = client.post(address, posted, follow=True)
    assert response.status_code == 200
    return Page.of(response)


def test_the_application_gets_a_token_at_once(client: Client, microsoft: IdentityProvider) -> None:
    connection = connected(microsoft)
    page = application_added(client, connection)
    account = OAuthAccount.objects.get()
    assert (account.kind, account.connection) == ("application", connection)
    assert account.claims["roles"] == ["SMTP.SendAsApp"]
    assert f"gave a token to Application {microsoft.client_id}. It allows: SMTP.SendAsApp." in page.text
    assert "roles: SMTP.SendAsApp" in page.text
    assert str(account.access_token) not in page.html
    (request,) = microsoft.requests
    assert request.params["scope"] == "https://outlook.office365.com/.default"
    texts = {text.strip() for text in page.texts}
    assert "Renew now" in texts
    assert "Authenticate again" not in texts


def test_a_token_that_allows_nothing_is_told(client: Client, microsoft: IdentityProvider) -> None:
    microsoft.roles = []
    assert "but it allows nothing" in application_added(client, connected(microsoft)).text


def test_it_says_what_is_left_to_do_elsewhere(client: Client, microsoft: IdentityProvider) -> None:
    page = application_added(client, connected(microsoft))
    assert "To be done elsewhere for Outgoing mail" in page.text
    assert "New-ServicePrincipal" in page.text
    assert 'data-copies="oauth-for-mailconfig"' in page.html


def test_adding_it_again_renews_the_only_one(client: Client, microsoft: IdentityProvider) -> None:
    connection = connected(microsoft)
    application_added(client, connection)
    application_added(client, connection)
    assert OAuthAccount.objects.count() == 1
    page = pressed(client, OAuthAccount.objects.get(), "renew")
    assert "Renewed the token" in page.text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"client_secret": "wrong"}, "The client secret of “Contoso” is wrong."),
        ({"tenant": "common"}, "as an application it needs the ID of one tenant"),
        ({"client_secret": Undecryptable(CIPHERTEXT)}, "can't be decrypted"),
    ],
    ids=["secret", "tenant", "undecryptable"],
)
def test_what_is_against_it_is_said(
    client: Client, microsoft: IdentityProvider, changes: dict[str, Any], said: str
) -> None:
    page = application_added(client, connected(microsoft, **changes))
    assert said in page.text
    assert not OAuthAccount.objects.exists()


def test_an_app_of_another_name_is_not_found(client: Client, microsoft: IdentityProvider) -> None:
    address = reverse("admin:oauthconnections_oauthconnection_application", args=[connected(microsoft).pk])
    assert client.post(address, {"consumer": "nobody"}).status_code == 404


def test_each_app_has_its_button(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    files = Consumer("files", "Files", application_scopes={"microsoft": ("https://files.example/.default",)})
    monkeypatch.setitem(registry._registered, "files", files)
    row = OAuthConnection.objects.create(**{**TYPED["microsoft"], "provider": "microsoft"})
    texts = Page.of(client.get(place(row))).texts
    assert {"Add application account for Files", "Add application account for Outgoing mail"} <= set(texts)


# --- who may do what but not see ---


def test_who_may_only_authenticate_ends_on_the_start_page(client: Client, provider: IdentityProvider) -> None:
    user = keeper("liz")
    user.user_permissions.set(user.user_permissions.filter(codename="authenticate_oauthaccount"))
    account = authenticated(client, connected(provider), provider)
    response = signed_in(user).post(url(account, "renew"))
    assert (response.status_code, response["Location"]) == (302, reverse("admin:index"))
