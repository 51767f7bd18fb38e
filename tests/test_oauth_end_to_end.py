"""From nothing to a delivered mail in a browser: a connection, somebody who signs in, a test email with their token."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from mailconfig.models import MailServer
from mailconfig.pool import pool
from oauthconnections.models import OAuthAccount, OAuthConnection
from tests.conftest import (
    DovecotFactory,
    IdentityProviderFactory,
    MailServerFactory,
    NodeProviderFactory,
    ToolkitProviderFactory,
)
from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot
from tests.servers.identity_provider import IdentityProvider
from tests.servers.node_provider import NodeProvider
from tests.servers.toolkit_provider import ToolkitProvider
from tests.settings_in_browser import field, open_dialog, open_settings, send

pytestmark = [pytest.mark.browser, pytest.mark.dovecot, pytest.mark.slow]

ADD = "admin:oauthconnections_oauthconnection_add"


def add_connection(page: Page, provider: IdentityProvider) -> None:
    """As an administrator does it: choose the provider, read the redirect URI, fill in what its console shows."""
    page.goto(reverse(ADD))
    page.get_by_role("link", name="OpenID Connect").click()
    expect(page.get_by_label("Redirect URI")).to_have_value(re.compile("/oauth/callback/$"))
    page.get_by_label("Name:", exact=True).fill("Our provider")
    page.get_by_label("Issuer").fill(provider.issuer)
    page.get_by_label("Client ID").fill(provider.client_id)
    page.get_by_label("Client secret").fill(provider.client_secret)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("The issuer was found")).to_be_visible()


def enter_server(page: Page, server: Dovecot) -> None:
    open_settings(page)
    field(page, "oauth_connection").select_option(label="Our provider")
    for name, value in {"host": server.host, "port": str(server.port), "from_email": "jane@example.com"}.items():
        field(page, name).fill(value)
    field(page, "security").select_option("starttls")


def sign_in_there(page: Page, name: str, answer: str = "Allow") -> None:
    page.get_by_label("Login name").fill(name)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name=answer).click()


def test_somebody_signs_in_and_mail_goes_out_with_their_token(
    page: Page,
    sign_in: Callable[[User], None],
    admin_user: User,
    identity_provider: IdentityProviderFactory,
    submission_server: DovecotFactory,
    mail_server: MailServerFactory,
    axe: Callable[[Page], None],
    ca: Authority,
) -> None:
    provider = identity_provider()
    server = submission_server(provider)
    mail_server(ca_bundle=ca.pem, from_email="")
    sign_in(admin_user)
    open_settings(page)
    assert "oauth" not in page.locator("#mailserver_form").inner_html().casefold()

    add_connection(page, provider)
    enter_server(page, server)
    page.get_by_role("button", name="Authenticate account").click()
    sign_in_there(page, "jane@example.com")
    expect(page).to_have_url(re.compile("/admin/mailconfig/mailserver/"))
    expect(page.locator(".messagelist")).to_contain_text("jane@example.com")
    expect(page.locator("#mailserver_form")).to_contain_text("Authenticated as jane@example.com")
    axe(page)

    outcome = send(open_dialog(page))
    expect(outcome).to_contain_text("Sent to jane@example.com")
    [received] = server.relay.messages
    assert "jane@example.com" in str(received.recipients)

    send_mail("Hello", "Hi", None, ["somebody@example.com"])
    assert len(server.relay.messages) == 2
    account = OAuthAccount.objects.get()
    assert MailServer.objects.get().oauth_account == account
    tokens = [str(account.access_token), str(account.refresh_token), provider.client_secret]
    assert [token for token in tokens if token in page.content()] == []  # S-2


def test_somebody_who_denies_comes_back_to_a_way_on(
    page: Page,
    sign_in: Callable[[User], None],
    admin_user: User,
    identity_provider: IdentityProviderFactory,
    submission_server: DovecotFactory,
    mail_server: MailServerFactory,
    axe: Callable[[Page], None],
    ca: Authority,
) -> None:
    provider = identity_provider()
    server = submission_server(provider)
    mail_server(ca_bundle=ca.pem)
    OAuthConnection.objects.create(name="Our provider", **provider.connection_fields())
    sign_in(admin_user)
    enter_server(page, server)
    page.get_by_role("button", name="Authenticate account").click()
    sign_in_there(page, "jane@example.com", "Deny")
    axe(page)

    page.get_by_role("button", name="Try again").click()
    sign_in_there(page, "jane@example.com")
    expect(page.locator("#mailserver_form")).to_contain_text("Authenticated as jane@example.com")
    assert MailServer.objects.get().host == server.host


# --- at providers that others have written ---


def sign_in_at_toolkit(page: Page, provider: ToolkitProvider) -> None:
    page.get_by_label("Username").fill(provider.username)
    page.get_by_label("Password").fill(provider.password)
    page.get_by_role("button", name="Sign in").or_(page.get_by_role("button", name="Log in")).click()
    page.get_by_role("button", name="Authorize").click()


def sign_in_at_node(page: Page, provider: NodeProvider) -> None:
    page.get_by_placeholder("Enter any login").fill(provider.username)
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()


def send_through(page: Page, server: Dovecot, sign_in_there: Callable[[], None]) -> None:
    """Choose the connection, sign in at its provider, and send a test email and another mail, after a renewal too."""
    enter_server(page, server)
    page.get_by_role("button", name="Authenticate account").click()
    sign_in_there()
    expect(page.locator("#mailserver_form")).to_contain_text("Authenticated as jane@example.com")
    expect(send(open_dialog(page))).to_contain_text("Sent to jane@example.com")
    account = OAuthAccount.objects.get()
    OAuthAccount.objects.update(expires_at=timezone.now())
    pool.close()
    send_mail("Hello", "Hi", None, ["somebody@example.com"])
    assert len(server.relay.messages) == 2
    assert str(OAuthAccount.objects.get().access_token) != str(account.access_token)


def test_django_oauth_toolkit_signs_somebody_in(
    page: Page,
    sign_in: Callable[[User], None],
    admin_user: User,
    toolkit_provider: ToolkitProviderFactory,
    submission_server: DovecotFactory,
    mail_server: MailServerFactory,
    ca: Authority,
) -> None:
    provider = toolkit_provider()
    mail_server(ca_bundle=ca.pem)
    OAuthConnection.objects.create(name="Our provider", **provider.connection_fields())
    sign_in(admin_user)
    send_through(page, submission_server(provider), lambda: sign_in_at_toolkit(page, provider))


@pytest.mark.npm
@pytest.mark.parametrize("kind", ["openid", "microsoft", "google"])
def test_oidc_provider_signs_somebody_in(
    page: Page,
    sign_in: Callable[[User], None],
    admin_user: User,
    node_provider: NodeProviderFactory,
    submission_server: DovecotFactory,
    mail_server: MailServerFactory,
    ca: Authority,
    kind: str,
) -> None:
    provider = node_provider(kind)
    mail_server(ca_bundle=ca.pem)
    OAuthConnection.objects.create(name="Our provider", **provider.connection_fields())
    sign_in(admin_user)
    send_through(page, submission_server(provider), lambda: sign_in_at_node(page, provider))
