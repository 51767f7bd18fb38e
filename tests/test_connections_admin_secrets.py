"""Secrets on the pages of connections: in, never out, for one client only, no harm if undecryptable (S-2, S-3)."""

import json
import logging
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final

import pytest
import trustme
from cryptography import x509
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db.models.signals import pre_save
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from oauthconnections.connection_forms import FORMS
from oauthconnections.fields import Undecryptable
from oauthconnections.models import Authorization, OAuthAccount, OAuthConnection
from tests.conftest import IdentityProviderFactory
from tests.connection_pages import ADD, LIST, TYPED, added, changed, place
from tests.oauth_flow import authenticated, begun, connected, keeper, signed_in
from tests.settings_page import Page

pytestmark = pytest.mark.django_db

SAVED: Final = "saved-s3cr3t"
NEW: Final = "new-s3cr3t"
CIPHERTEXT: Final = "enc:v1:gAAAAABnothing-opens-this"
ENTER_AGAIN: Final = "Enter it again: the saved one was meant for"


def pem() -> str:
    certificate = trustme.CA().issue_cert("client.example.com", key_type=trustme.KeyType.RSA)
    return certificate.private_key_and_cert_chain_pem.bytes().decode()


PEM: Final = pem()


@pytest.fixture
def client(db: None) -> Client:
    return signed_in(keeper("kate"))


@pytest.fixture
def row(db: None) -> OAuthConnection:
    return OAuthConnection.objects.create(
        **{**TYPED["microsoft"], "provider": "microsoft", "client_secret": SAVED, "certificate": PEM}
    )


def told(text: str | bytes) -> list[str]:
    shown = text.decode() if isinstance(text, bytes) else text
    lines = PEM.splitlines()
    return [secret for secret in (SAVED, NEW, "enc:v1:", lines[1], lines[5]) if secret in shown]


def stored() -> Any:
    return OAuthConnection.objects.get().client_secret


# --- in, never out ---


def test_no_page_shows_it(client: Client, row: OAuthConnection) -> None:
    for name in ("change", "history", "delete"):
        assert told(client.get(reverse(f"admin:oauthconnections_oauthconnection_{name}", args=[row.pk])).content) == []
    assert told(client.get(LIST).content) == []
    page = Page.of(client.get(place(row)))
    assert (page.values["client_secret"], page.values["certificate"]) == ("", "")
    assert page.text.count("Saved; leave empty to keep.") == 2


@pytest.mark.parametrize("provider", ["microsoft", "google", "openid"])
def test_a_page_with_errors_does_not_show_what_was_typed(client: Client, provider: str) -> None:
    pasted = json.dumps({"web": {"client_id": "x", "client_secret": SAVED}})
    page = added(client, provider, name="", client_secret=NEW, certificate=PEM, credentials_json=pasted)
    assert "name" in page.errors
    assert told(page.html) == []


@pytest.mark.parametrize("provider", ["microsoft", "google", "openid"])
def test_no_form_holds_it(row: OAuthConnection, provider: str) -> None:
    form = FORMS[provider](instance=row)
    assert told(f"{form!r} {form.initial} {form.as_p()}") == []


def test_a_viewer_sees_only_that_there_is_one(client: Client, bob: User, row: OAuthConnection) -> None:
    client.force_login(bob)
    page = Page.of(client.get(place(row)))
    assert page.text.count("Saved, not shown") == 2
    assert row.client_id in page.text
    assert told(page.html) == []
    assert not {"client_secret", "certificate", "name"} & page.values.keys()


def test_history_and_logs_have_names_only(
    client: Client, row: OAuthConnection, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.DEBUG = True  # has the SQL logged
    caplog.set_level(logging.DEBUG, "django.db.backends")
    page = changed(client, row, client_secret=NEW, name="Other")
    assert "Saved." in page.text
    assert LogEntry.objects.get().get_change_message() == "Changed Name and Client secret."
    assert told(page.html + caplog.text.replace("enc:v1:", "")) == []


@pytest.fixture
def saving_fails() -> Iterator[None]:
    def fail(sender: type[OAuthConnection], instance: OAuthConnection, **kwargs: Any) -> None:
        secret, note = instance.client_secret, {"seen": instance.certificate}  # noqa: F841 - what a debug page would show
        raise RuntimeError("saving failed")

    pre_save.connect(fail, sender=OAuthConnection)
    yield
    pre_save.disconnect(fail, sender=OAuthConnection)


@pytest.mark.usefixtures("saving_fails")
@pytest.mark.parametrize("accept", ["text/html", "text/plain"])
def test_no_debug_page_tells(client: Client, settings: Settings, accept: str) -> None:
    settings.DEBUG = True
    client.raise_request_exception = False
    data = {**TYPED["microsoft"], "client_secret": NEW, "certificate": PEM, "provider": "microsoft"}
    response = client.post(ADD, data, headers={"accept": accept})
    assert response.status_code == 500
    assert "saving failed" in response.content.decode()
    assert not set(told(response.content)) - {"enc:v1:"}


# --- keep, replace, forget ---


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ({}, SAVED),
        ({"client_secret": ""}, SAVED),
        ({"client_secret": f" {NEW}\n"}, NEW),
        ({"client_secret": NEW, "clear_client_secret": "on"}, NEW),
        ({"clear_client_secret": "on"}, ""),
    ],
    ids=str,
)
def test_an_empty_field_keeps_it_and_the_box_clears_it(
    client: Client, row: OAuthConnection, typed: dict[str, str], kept: str
) -> None:
    assert changed(client, row, **typed).errors == {}
    assert stored() == kept
    assert OAuthConnection.objects.get().certificate == PEM


# --- for one client only ---

ELSEWHERE: Final = {
    "client_id": "99999999-bbbb-3333-cccc-4444dddd5555",
    "tenant": "evil.example",
    "authority": "https://evil.example",
    "authorize_url": "https://evil.example/authorize",
    "token_url": "https://evil.example/token",
}


@pytest.mark.parametrize(("name", "typed"), ELSEWHERE.items(), ids=ELSEWHERE)
def test_another_client_or_address_needs_it_again(client: Client, row: OAuthConnection, name: str, typed: str) -> None:
    page = changed(client, row, **{name: typed})
    assert page.errors.keys() == {"client_secret", "certificate"}
    assert ENTER_AGAIN in page.errors["client_secret"]
    assert getattr(OAuthConnection.objects.get(), name) == getattr(row, name)
    assert changed(client, row, **{name: typed, "client_secret": NEW, "clear_certificate": "on"}).errors == {}
    assert stored() == NEW
    assert OAuthConnection.objects.get().certificate == ""


def test_another_issuer_needs_it_again(client: Client) -> None:
    row = OAuthConnection.objects.create(**{**TYPED["openid"], "provider": "openid"})
    assert ENTER_AGAIN in changed(client, row, issuer="https://evil.example").errors["client_secret"]


@pytest.mark.parametrize("typed", [{"name": "Other"}, {"extra_scopes": "https://outlook.office.com/IMAP"}], ids=str)
def test_other_settings_do_not_need_it(client: Client, row: OAuthConnection, typed: dict[str, str]) -> None:
    assert changed(client, row, **typed).errors == {}
    assert stored() == SAVED


def test_tokens_go_to_no_other_client_either(client: Client, identity_provider: IdentityProviderFactory) -> None:
    provider, other = identity_provider(), identity_provider()
    row = connected(provider)
    authenticated(client, row, provider)
    OAuthAccount.objects.create(connection=row, kind="application", access_token="app", subject="app")
    begun(client, row)
    page = changed(client, row, issuer=other.issuer, client_secret=other.client_secret)
    assert "This is another application now: 1 account has to be authenticated again." in page.text
    user, application = OAuthAccount.objects.get(kind="user"), OAuthAccount.objects.get(kind="application")
    assert (user.access_token, user.refresh_token, user.needs_authentication) == ("", "", True)
    assert (application.access_token, application.needs_authentication) == ("", False)
    assert not Authorization.objects.exists()
    assert other.requests[-1].endpoint == "discovery"


def test_tokens_stay_when_only_the_secret_is_new(client: Client, identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider()
    row = connected(provider)
    account = authenticated(client, row, provider)
    changed(client, row, client_secret=NEW)
    assert OAuthAccount.objects.get().refresh_token == account.refresh_token


# --- certificates ---


def test_a_certificate_will_do_and_brings_its_end(client: Client) -> None:
    assert added(client, "microsoft", client_secret="", certificate=PEM.replace("\n", " \r\n")).errors == {}
    row = OAuthConnection.objects.get()
    assert row.certificate == PEM.strip()
    assert row.secret_expires_on == x509.load_pem_x509_certificate(PEM.encode()).not_valid_after_utc.date()


def test_an_end_that_was_typed_stays(client: Client) -> None:
    typed = date.today() + timedelta(days=3)
    added(client, "microsoft", client_secret="", certificate=PEM, secret_expires_on=typed.isoformat())
    assert OAuthConnection.objects.get().secret_expires_on == typed


def certificate_of(both: str) -> str:
    return both[both.index("-----BEGIN CERTIFICATE") :]


CERTIFICATE: Final = certificate_of(PEM)
KEY: Final = PEM.removesuffix(CERTIFICATE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (KEY, "The certificate is missing."),
        (CERTIFICATE, "The private key is missing."),
        ("hello", "The private key is missing."),
        (KEY + certificate_of(pem()), "does not belong"),
        (KEY[:200] + "\n-----END RSA PRIVATE KEY-----\n" + CERTIFICATE, "can't be read"),
        (KEY.replace("RSA PRIVATE", "ENCRYPTED PRIVATE") + CERTIFICATE, "protected by a passphrase"),
        (CIPHERTEXT, "This is an encrypted value"),
    ],
    ids=["key", "certificate", "nothing", "two", "cut", "locked", "ciphertext"],
)
def test_half_a_certificate_is_refused(client: Client, text: str, said: str) -> None:
    page = added(client, "microsoft", client_secret="", certificate=text)
    assert said in page.errors["certificate"]
    assert told(page.html) == []


# --- one that can't be decrypted --- S-3


@pytest.fixture
def undecryptable(row: OAuthConnection) -> OAuthConnection:
    row.client_secret = row.certificate = Undecryptable(CIPHERTEXT)
    row.save()
    return row


def test_the_page_works_and_says_what_to_enter_again(client: Client, undecryptable: OAuthConnection) -> None:
    page = Page.of(client.get(place(undecryptable)))
    assert page.text.count("The saved one can't be decrypted: the encryption key has changed. Enter it again.") == 2
    assert told(page.html) == []
    assert client.get(LIST).status_code == 200


def test_other_settings_can_be_saved_meanwhile(client: Client, undecryptable: OAuthConnection) -> None:
    assert changed(client, undecryptable, name="Other").errors == {}
    assert stored() == Undecryptable(CIPHERTEXT)


def test_it_can_be_entered_again_or_forgotten(client: Client, undecryptable: OAuthConnection) -> None:
    assert changed(client, undecryptable, client_secret=NEW, clear_certificate="on").errors == {}
    row = OAuthConnection.objects.get()
    assert (row.client_secret, row.certificate) == (NEW, "")


def test_a_viewer_is_told(client: Client, bob: User, undecryptable: OAuthConnection) -> None:
    client.force_login(bob)
    assert "Saved, but it can't be decrypted" in Page.of(client.get(place(undecryptable))).text


def test_beginning_says_so_and_sends_nothing(client: Client, identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider("microsoft")
    row = connected(provider, client_secret=Undecryptable(CIPHERTEXT))
    address = reverse("admin:oauthconnections_oauthconnection_authenticate", args=[row.pk])
    assert "can't be decrypted" in Page.of(client.post(address, follow=True)).text
    assert provider.requests == []
