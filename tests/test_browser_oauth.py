"""The way to a provider and back in a real browser: across sites, without a script, by keyboard, Lax and Strict."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from mailconfig.models import MailServer
from oauthconnections.models import OAuthAccount, OAuthConnection
from tests.conftest import IdentityProviderFactory, MailServerFactory, SMTPServerFactory
from tests.oauth_accounts import account_of
from tests.oauth_flow import connected
from tests.servers.identity_provider import IdentityProvider
from tests.settings_in_browser import open_dialog, open_settings, send

pytestmark = pytest.mark.browser


@pytest.fixture
def provider(identity_provider: IdentityProviderFactory, settings: Settings) -> IdentityProvider:
    """At 127.0.0.1, which is another site than localhost to the browser."""
    settings.DEBUG = True  # so that http will do
    provider = identity_provider(tls=False)
    assert provider.url.startswith("http://127.0.0.1:")
    return provider


@pytest.fixture
def connection(transactional_db: None, provider: IdentityProvider, live_server: LiveServer) -> OAuthConnection:
    assert live_server.url.startswith("http://localhost:")
    return connected(provider)


def press_authenticate(page: Page, connection: OAuthConnection) -> None:
    page.goto(reverse("admin:oauthconnections_oauthconnection_change", args=[connection.pk]))
    page.get_by_role("button", name="Authenticate account").click()


def sign_in_there(page: Page) -> None:
    page.get_by_label("Login name").fill("jane@example.com")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Allow").click()


def test_somebody_goes_there_and_comes_back(
    page: Page, sign_in: Callable[[User], None], admin_user: User, connection: OAuthConnection
) -> None:  # S-7
    sign_in(admin_user)
    press_authenticate(page, connection)
    sign_in_there(page)
    expect(page.get_by_text("Authenticated as jane@example.com.")).to_be_visible()
    assert page.url.endswith(reverse("admin:oauthconnections_oauthconnection_change", args=[connection.pk]))
    page.reload()
    assert OAuthAccount.objects.get().authenticated_by == admin_user


def test_a_strict_cookie_gets_the_sentence_that_helps(
    page: Page, admin_user: User, connection: OAuthConnection, settings: Settings
) -> None:  # S-7
    settings.SESSION_COOKIE_SAMESITE = "Strict"
    page.goto(reverse("admin:login"))
    admin_user.set_password("password")
    admin_user.save()
    page.get_by_label("Username").fill(admin_user.username)
    page.get_by_label("Password").fill("password")
    page.get_by_role("button", name="Log in").click()
    press_authenticate(page, connection)
    sign_in_there(page)
    expect(page.get_by_text("this site does not know you in this browser")).to_be_visible()
    assert not OAuthAccount.objects.exists()


def test_going_back_and_reloading_do_no_harm(
    page: Page, sign_in: Callable[[User], None], admin_user: User, connection: OAuthConnection
) -> None:
    sign_in(admin_user)
    press_authenticate(page, connection)
    sign_in_there(page)
    expect(page.get_by_text("Authenticated as jane@example.com.")).to_be_visible()
    token = OAuthAccount.objects.get().access_token
    page.go_back()
    page.get_by_role("button", name="Allow").click()  # the provider's page, once more
    expect(page.get_by_text("This answer was used already")).to_be_visible()
    assert OAuthAccount.objects.get().access_token == token
    page.get_by_role("button", name="Try again").click()
    sign_in_there(page)
    expect(page.get_by_text("Authenticated as jane@example.com.")).to_be_visible()
    assert OAuthAccount.objects.get().access_token != token


def test_all_goes_without_a_script_by_keyboard(
    browser: Browser, live_server: LiveServer, client: Any, admin_user: User, connection: OAuthConnection
) -> None:
    client.force_login(admin_user)
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    cookie = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    page = context.new_page()
    page.goto(reverse("admin:oauthconnections_oauthconnection_change", args=[connection.pk]))
    assert page.get_by_role("button", name="Copy").count() == 0  # it could do nothing
    page.get_by_role("button", name="Authenticate account").press("Enter")
    sign_in_there(page)
    expect(page.get_by_text("Authenticated as jane@example.com.")).to_be_visible()
    context.close()


def test_the_redirect_uri_can_be_copied(
    browser: Browser, live_server: LiveServer, client: Any, admin_user: User, connection: OAuthConnection
) -> None:  # S-6
    client.force_login(admin_user)
    context = browser.new_context(base_url=live_server.url, permissions=["clipboard-read", "clipboard-write"])
    cookie = client.cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"{reverse('admin:oauthconnections_oauthconnection_add')}?provider=openid")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == f"{live_server.url}/oauth/callback/"
    context.close()


def test_a_refused_token_offers_to_sign_in_again_and_the_press_leads_there(
    page: Page,
    sign_in: Callable[[User], None],
    admin_user: User,
    connection: OAuthConnection,
    provider: IdentityProvider,
    smtp_server: SMTPServerFactory,
    mail_server: MailServerFactory,
) -> None:
    good: list[str] = []
    server = smtp_server(tokens=lambda user, token: token in good, mechanisms=("XOAUTH2",))
    account = account_of(provider, connection)
    mail_server(server, auth_method="xoauth2", oauth_connection=connection, oauth_account=account)
    sign_in(admin_user)
    open_settings(page)
    outcome = send(open_dialog(page))
    expect(outcome).to_contain_text("The server did not accept the access token of jane@example.com.")
    outcome.get_by_role("button", name="Authenticate again").click()
    sign_in_there(page)
    expect(page.get_by_text("Authenticated as jane@example.com").first).to_be_visible()
    assert page.url.endswith(reverse("admin:mailconfig_mailserver_change", args=[MailServer.objects.get().pk]))
    good.append(str(OAuthAccount.objects.get().access_token))
    expect(send(open_dialog(page))).to_contain_text("Sent to site@example.com")
    assert len(server.messages) == 1
