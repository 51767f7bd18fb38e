"""The pages of connections: each provider's form, what is cleaned and what is refused, the list, deleting."""

import json
from datetime import timedelta
from typing import Any, Final

import pytest
from django.core.checks import run_checks
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from mailconfig.models import MailServer
from oauthconnections import consumers as registry
from oauthconnections.consumers import Consumer
from oauthconnections.models import OAuthAccount, OAuthConnection, WebServer
from tests.conftest import IdentityProviderFactory
from tests.connection_pages import ADD, LIST, TYPED, added, changed, place
from tests.oauth_flow import authenticated, connected, keeper, signed_in
from tests.settings_page import Page

pytestmark = pytest.mark.django_db

PROVIDERS: Final = ["microsoft", "google", "openid"]


@pytest.fixture
def client(db: None) -> Client:
    return signed_in(keeper("kate"))


# --- adding ---


def test_the_provider_is_chosen_first(client: Client) -> None:
    page = Page.of(client.get(ADD))
    for provider, words in zip(PROVIDERS, ["Microsoft 365", "Google Workspace", "Keycloak"], strict=True):
        assert f'href="?provider={provider}"' in page.html
        assert words in page.text
    assert "Client ID" not in page.text


def test_a_provider_that_there_is_not_leads_to_the_choice(client: Client) -> None:
    assert "choose the provider" in Page.of(client.get(ADD, {"provider": "yahoo"})).text
    assert "choose the provider" in Page.of(client.post(ADD, {"provider": "yahoo", "name": "x"})).text
    assert not OAuthConnection.objects.exists()


@pytest.mark.parametrize(
    ("provider", "fields"),
    [
        (
            "microsoft",
            "name tenant client_id client_secret certificate secret_expires_on "
            "extra_scopes authority authorize_url token_url",
        ),
        ("google", "name credentials_json client_id client_secret"),
        ("openid", "name issuer client_id client_secret extra_scopes"),
    ],
)
def test_only_the_fields_of_the_provider_are_asked_for(client: Client, provider: str, fields: str) -> None:
    page = Page.of(client.get(ADD, {"provider": provider}))
    assert sorted(page.values.keys() - {"csrfmiddlewaretoken", "provider"}) == sorted(fields.split())


@pytest.mark.parametrize("provider", PROVIDERS)
def test_steps_tell_what_to_do_there(client: Client, provider: str) -> None:
    page = Page.of(client.get(ADD, {"provider": provider}))
    assert "What to do at the provider" in page.text
    assert page.html.count("<li>") >= 5
    assert "press “Authenticate account”" in page.text


@pytest.mark.parametrize("provider", PROVIDERS)
def test_saving_leads_to_its_page_and_to_the_next_step(client: Client, provider: str) -> None:  # S-12
    page = added(client, provider)
    row = OAuthConnection.objects.get()
    assert row.provider == provider
    for name, value in TYPED[provider].items():
        assert getattr(row, name) == value
    assert "Saved. Now authenticate an account." in page.text
    assert "No account has been authenticated yet." in page.text
    assert "Authenticate account" in page.texts


def test_a_popup_keeps_working(client: Client) -> None:
    page = Page.of(client.get(ADD, {"_popup": "1"}))
    assert "?_popup=1&amp;provider=google" in page.html
    data = {**TYPED["google"], "provider": "google", "_popup": "1"}
    response = client.post(f"{ADD}?_popup=1&provider=google", data)
    assert "popup_response.js" in response.content.decode()


# --- pasted accidents --- S-4


@pytest.mark.parametrize(
    ("provider", "name", "typed", "kept"),
    [
        ("microsoft", "tenant", " contoso\n.com\u200b", "contoso.com"),
        ("microsoft", "client_id", "11112222-bbbb-3333-\r\ncccc-4444dddd5555 ", "11112222-bbbb-3333-cccc-4444dddd5555"),
        ("microsoft", "client_secret", " Qx8~typed\n", "Qx8~typed"),
        ("microsoft", "extra_scopes", " https://a.example/x\r\n\topenid  openid ", "https://a.example/x openid"),
        ("microsoft", "authority", " https://login.microsoftonline.us\n", "https://login.microsoftonline.us"),
        ("google", "client_id", "\ufeff1234.apps.google usercontent.com", "1234.apps.googleusercontent.com"),
        ("openid", "issuer", "https://localhost:1/realms/main/.well-known/openid-configuration\n", None),
        ("openid", "issuer", "https://localhost:1/realms/main\u2060", None),
        ("openid", "extra_scopes", "mail\noffline", "mail offline"),
    ],
)
def test_white_space_that_was_pasted_is_taken_away(
    client: Client, monkeypatch: pytest.MonkeyPatch, provider: str, name: str, typed: str, kept: str | None
) -> None:
    monkeypatch.setattr(registry, "_registered", {})  # whose scopes would not go with these
    assert added(client, provider, **{name: typed}).errors == {}
    assert getattr(OAuthConnection.objects.get(), name) == (kept or TYPED["openid"]["issuer"])


REFUSED: Final = [
    ("microsoft", "client_secret", "8EAEF023-2b34-4da1-9baa-8bc8c9d6a490", "This is the ID of the secret"),
    ("microsoft", "client_secret", "", "This field is required."),
    ("microsoft", "client_id", "kate@contoso.com", "This is an email address."),
    ("microsoft", "tenant", "Contoso Ltd", "Enter the directory (tenant) ID"),
    ("microsoft", "tenant", "https://login.microsoftonline.com/contoso.com", "Enter the directory (tenant) ID"),
    ("microsoft", "tenant", "8eaef023", "Enter the directory (tenant) ID"),
    ("microsoft", "tenant", "", "This field is required."),
    ("microsoft", "authority", "http://login.example.com", "It must begin with https://."),
    ("microsoft", "token_url", "https://169.254.169.254/token", "does not talk to"),
    ("microsoft", "authorize_url", "javascript:alert(1)", "does not talk to"),
    ("microsoft", "extra_scopes", "a,b", "Separate scopes by spaces"),
    ("microsoft", "extra_scopes", 'say "x"', "A scope has no quotation marks"),
    ("microsoft", "extra_scopes", "User.Read", "several: graph.microsoft.com, outlook.office.com"),
    ("microsoft", "extra_scopes", "https://graph.microsoft.com/Mail.Send", "one token for one resource only"),
    ("google", "client_id", "kate@gmail.com", "This is an email address."),
    ("google", "client_id", "", "This field is required."),
    ("google", "client_secret", "", "This field is required."),
    ("openid", "issuer", "http://id.example.com", "It must begin with https://."),
    ("openid", "issuer", "id.example.com", "does not talk to"),
    ("openid", "issuer", "https://[fe80::1]/", "does not talk to"),
    ("openid", "extra_scopes", "a, b", "Separate scopes by spaces"),
    ("openid", "name", "", "This field is required."),
]


@pytest.mark.parametrize(("provider", "name", "typed", "said"), REFUSED)
def test_a_mistake_is_named_at_its_field_and_has_the_focus(
    client: Client, provider: str, name: str, typed: str, said: str
) -> None:
    page = added(client, provider, **{name: typed})
    assert page.errors.keys() == {name}
    assert said in page.errors[name]
    assert page.focus == name
    assert not OAuthConnection.objects.exists()


@pytest.mark.parametrize("tenant", ["common", "organizations", "consumers", "contoso.onmicrosoft.com", "EXAMPLE.com"])
def test_a_tenant_may_be_a_word_or_a_domain(client: Client, tenant: str) -> None:
    assert added(client, "microsoft", tenant=tenant).errors == {}


def test_scopes_of_one_resource_by_its_two_names_go_together(client: Client) -> None:
    assert added(client, "microsoft", extra_scopes="https://outlook.office365.com/IMAP.AccessAsUser.All").errors == {}


def test_a_guid_may_be_a_secret_elsewhere(client: Client) -> None:
    assert added(client, "openid", client_secret="8eaef023-2b34-4da1-9baa-8bc8c9d6a490").errors == {}


def test_a_public_client_needs_no_secret(client: Client) -> None:
    assert added(client, "openid", client_secret="").errors == {}


# --- Google's JSON ---


def downloaded(**changes: Any) -> str:
    client = {
        "client_id": "9876.apps.googleusercontent.com",
        "client_secret": "GOCSPX-from-json",
        "project_id": "example",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "redirect_uris": ["http://testserver/oauth/callback/"],
    }
    return json.dumps({"web": {**client, **changes}})


def test_the_downloaded_json_fills_both_fields(client: Client) -> None:
    page = added(client, "google", credentials_json=downloaded(), client_id="", client_secret="")
    row = OAuthConnection.objects.get()
    assert (row.client_id, row.client_secret) == ("9876.apps.googleusercontent.com", "GOCSPX-from-json")
    assert "Saved." in page.text
    assert "is not among those" not in page.text
    assert "GOCSPX-from-json" not in page.html


def test_a_redirect_uri_that_google_does_not_know_is_told(client: Client) -> None:
    WebServer.objects.create(external_url="https://www.example.com")
    page = added(client, "google", credentials_json=downloaded(), client_id="", client_secret="")
    assert "The redirect URI https://www.example.com/oauth/callback/ is not among those that Google has" in page.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no json", "This is not JSON."),
        ("[" * 100_000, "This is not JSON."),
        ("[]", "There is no client ID and client secret in this JSON."),
        ("{}", "There is no client ID and client secret in this JSON."),
        ('{"web": {"client_id": 7, "client_secret": "x"}}', "There is no client ID and client secret in this JSON."),
        ('{"web": {"client_id": "x", "client_secret": " "}}', "There is no client ID and client secret in this JSON."),
        ('{"type": "service_account", "private_key": "x"}', "This is the key of a service account"),
        ('{"installed": {"client_id": "x", "client_secret": "y"}}', "This client is of the type “Desktop app”."),
    ],
    ids=lambda value: value[:20],
)
def test_another_json_is_refused_with_the_reason(client: Client, text: str, said: str) -> None:
    page = added(client, "google", credentials_json=text, client_id="", client_secret="")
    assert said in page.errors["credentials_json"]
    assert page.values["credentials_json"] == ""
    assert not OAuthConnection.objects.exists()


# --- discovery ---


def test_saving_says_what_the_issuer_said(client: Client, identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider(metadata_changes={"scopes_supported": ["openid"]})
    page = added(client, "openid", issuer=provider.issuer)
    assert "The issuer was found. People sign in at localhost." in page.text
    assert "It does not list offline_access" in page.text
    assert OAuthConnection.objects.get().metadata["token_endpoint"] == provider.endpoint("token")


def test_saving_needs_no_issuer_that_answers(client: Client) -> None:  # S-12
    page = added(client, "openid")
    assert "Saved, although the issuer could not be asked for its addresses" in page.text
    assert OAuthConnection.objects.get().metadata == {}


def test_what_was_found_stays_while_the_issuer_is_silent(
    client: Client, identity_provider: IdentityProviderFactory
) -> None:
    provider = identity_provider()
    added(client, "openid", issuer=provider.issuer)
    provider.faults["discovery"] = (503, {})
    row = OAuthConnection.objects.get()
    assert "could not be asked" in changed(client, row, name="Other").text
    assert OAuthConnection.objects.get().metadata == row.metadata != {}
    changed(client, row, issuer="https://localhost:1", client_secret="typed")
    assert OAuthConnection.objects.get().metadata == {}


# --- the list, and what ends soon ---


@pytest.mark.parametrize(
    ("days", "shown", "warned"),
    [
        (None, "", False),
        (400, "ends in 400 days", False),
        (31, "ends in 31 days", False),
        (30, "ends in 30 days", True),
        (12, "ends in 12 days", True),
        (1, "ends in 1 day", True),
        (0, "ends today", True),
        (-1, "ended 1 day ago", True),
        (-3, "ended 3 days ago", True),
    ],
)
def test_the_end_of_a_secret_is_seen_ahead(client: Client, days: int | None, shown: str, warned: bool) -> None:
    ends = timezone.localdate() + timedelta(days=days) if days is not None else None
    row = OAuthConnection.objects.create(**{**TYPED["microsoft"], "provider": "microsoft", "secret_expires_on": ends})
    assert shown in Page.of(client.get(LIST)).text
    assert ("Make a new one at the provider" in Page.of(client.get(place(row))).text) is warned
    found = [message for message in run_checks(databases=["default"]) if message.id == "oauthconnections.W004"]
    assert len(found) == warned
    assert all(shown in message.msg and "Contoso" in message.msg for message in found)
    assert not [message for message in run_checks() if message.id == "oauthconnections.W004"]


def test_the_list_shows_accounts_and_their_state(client: Client, identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider()
    row = connected(provider)
    authenticated(client, row, provider)
    OAuthAccount.objects.create(connection=row, email="lost@example.com", subject="2", needs_authentication=True)
    text = Page.of(client.get(LIST)).text
    assert "jane@example.com: Works, renewed" in text
    assert "lost@example.com: Needs authentication" in text
    assert "Other (OpenID Connect)" in text


def test_the_list_costs_the_same_however_many_there_are(client: Client, django_assert_max_num_queries: Any) -> None:
    for number in range(5):
        row = OAuthConnection.objects.create(**{**TYPED["openid"], "name": f"{number}", "provider": "openid"})
        for subject in range(3):
            OAuthAccount.objects.create(connection=row, subject=subject, kind="application")
    client.get(LIST)
    with django_assert_max_num_queries(12):  # four of them are of the banner
        client.get(LIST)


# --- deleting --- S-14


def test_one_that_is_used_is_kept_and_its_users_are_named(
    client: Client, admin_client: Client, identity_provider: IdentityProviderFactory
) -> None:
    provider = identity_provider()
    row = connected(provider)
    account = authenticated(client, row, provider)
    MailServer.objects.create(oauth_connection=row, oauth_account=account)
    for name, pk in (("oauthconnection", row.pk), ("oauthaccount", account.pk)):
        address = reverse(f"admin:oauthconnections_{name}_delete", args=[pk])
        assert "protected related objects" in Page.of(admin_client.get(address)).text
        assert "Outgoing mail server" in Page.of(admin_client.get(address)).text
        admin_client.post(address, {"post": "yes"})
    assert OAuthConnection.objects.exists()
    assert OAuthAccount.objects.exists()


def test_an_unused_one_goes_with_its_accounts(client: Client, identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider()
    row = connected(provider)
    authenticated(client, row, provider)
    address = reverse("admin:oauthconnections_oauthconnection_delete", args=[row.pk])
    assert "jane@example.com" in Page.of(client.get(address)).text
    client.post(address, {"post": "yes"})
    assert not OAuthConnection.objects.exists()
    assert not OAuthAccount.objects.exists()


# --- accounts ---


def test_several_apps_have_a_button_each(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    row = OAuthConnection.objects.create(**{**TYPED["google"], "provider": "google"})
    monkeypatch.setitem(registry._registered, "files", Consumer("files", "Files", {"google": ("drive",)}))
    texts = Page.of(client.get(place(row))).texts
    assert {"Authenticate account for Files", "Authenticate account for Outgoing mail"} <= set(texts)
    assert "Authenticate account" not in texts


def test_without_any_app_there_is_one_button(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    row = OAuthConnection.objects.create(**{**TYPED["google"], "provider": "google"})
    monkeypatch.setattr(registry, "_registered", {})
    assert Page.of(client.get(place(row))).texts.count("Authenticate account") == 1


@pytest.mark.parametrize(("provider", "offered"), [("microsoft", True), ("google", False), ("openid", False)])
def test_the_application_itself_is_offered_where_it_can_be(client: Client, provider: str, offered: bool) -> None:
    row = OAuthConnection.objects.create(**{**TYPED[provider], "provider": provider})
    assert ("Add application account" in Page.of(client.get(place(row))).texts) is offered
