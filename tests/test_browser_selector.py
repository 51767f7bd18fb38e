"""The OAuth connection in a browser: what it hides and shows, with a script at once, without one after saving."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from mailconfig.models import MailServer
from oauthconnections.models import OAuthAccount, OAuthConnection
from tests.conftest import IdentityProviderFactory, MailServerFactory
from tests.settings_in_browser import field, open_dialog, open_settings, row, save, send

pytestmark = pytest.mark.browser

SignIn = Callable[[User], None]
SERVER = ("host", "port", "security")
LOGIN = ("auth_method", "username", "password")
LINE = "smtp.office365.com, port 587, STARTTLS, OAuth 2.0"


@pytest.fixture
def settings_page(
    page: Page,
    sign_in: SignIn,
    olivia: User,
    mail_server: MailServerFactory,
    contoso: OAuthConnection,
    keycloak: OAuthConnection,
) -> Page:
    """The page of a server with a password, as an administrator has opened it."""
    mail_server(host="own.example.com", username="me", password="secret")
    sign_in(olivia)
    open_settings(page)
    return page


def account_of(connection: OAuthConnection, name: str = "jane@example.com", **fields: Any) -> OAuthAccount:
    known = {"username": name, "email": name, "access_token": "a token", "last_refreshed_at": timezone.now()}
    return OAuthAccount.objects.create(connection=connection, **{**known, **fields})


def choose(page: Page, name: str) -> None:
    field(page, "oauth_connection").select_option(label=name)


def expect_custom(page: Page) -> None:
    for name in (*SERVER, *LOGIN):
        expect(row(page, name)).to_be_visible()
    for name in ("oauth_state", "oauth_server", "oauth_account"):
        expect(row(page, name)).not_to_be_visible()


def expect_preset(page: Page, line: str = LINE) -> None:
    for name in (*SERVER, *LOGIN):
        expect(row(page, name)).not_to_be_visible()
    expect(page.get_by_role("heading", name="Security and authentication")).not_to_be_visible()
    expect(row(page, "oauth_server").locator("p:visible")).to_have_text(line)


def expect_openid(page: Page) -> None:
    for name in SERVER:
        expect(row(page, name)).to_be_visible()
    for name in (*LOGIN, "oauth_server"):
        expect(row(page, name)).not_to_be_visible()


# --- at once ---


def test_what_is_to_be_entered_follows_the_connection(settings_page: Page, axe: Callable[[Page], None]) -> None:
    expect_custom(settings_page)
    axe(settings_page)
    choose(settings_page, "Contoso")
    expect_preset(settings_page)
    axe(settings_page)
    choose(settings_page, "Keycloak")
    expect_openid(settings_page)
    axe(settings_page)
    choose(settings_page, "Custom settings")
    expect_custom(settings_page)
    expect(field(settings_page, "host")).to_have_value("own.example.com")


def test_the_line_is_that_of_the_connection(settings_page: Page) -> None:
    OAuthConnection.objects.create(name="Fabrikam", provider="google")
    open_settings(settings_page)
    choose(settings_page, "Fabrikam")
    expect_preset(settings_page, "smtp.gmail.com, port 587, STARTTLS, OAuth 2.0")
    choose(settings_page, "Contoso")
    expect_preset(settings_page)


def test_it_stays_as_it_was_saved(settings_page: Page) -> None:
    choose(settings_page, "Contoso")
    save(settings_page)
    expect_preset(settings_page)
    expect(settings_page.get_by_text("Mail can't be sent until an account is authenticated")).to_be_visible()
    choose(settings_page, "Custom settings")
    save(settings_page)
    expect_custom(settings_page)
    assert MailServer.objects.get().password == "secret"


def test_an_error_elsewhere_changes_nothing_of_it(settings_page: Page) -> None:
    choose(settings_page, "Contoso")
    field(settings_page, "from_email").fill("nobody")
    save(settings_page)
    expect_preset(settings_page)
    expect(field(settings_page, "from_email")).to_be_focused()


def test_without_a_connection_nothing_of_it_is_there(
    page: Page, sign_in: SignIn, olivia: User, mail_server: MailServerFactory
) -> None:
    mail_server(host="own.example.com")
    sign_in(olivia)
    open_settings(page)
    assert "oauth" not in page.locator("#mailserver_form").inner_html().casefold()


# --- the account ---


def test_the_buttons_are_those_of_the_account(
    settings_page: Page, contoso: OAuthConnection, axe: Callable[[Page], None]
) -> None:
    choose(settings_page, "Contoso")
    expect(row(settings_page, "oauth_state")).to_contain_text("Not authenticated yet")
    expect(settings_page.get_by_role("button", name="Authenticate account")).to_be_visible()
    MailServer.objects.update(oauth_connection=contoso, oauth_account=account_of(contoso))
    open_settings(settings_page)
    expect(settings_page.get_by_text("Authenticated as jane@example.com, token renewed today")).to_be_visible()
    for name, shown in {"Authenticate again": 1, "Use another account": 1, "Authenticate account": 0}.items():
        expect(settings_page.get_by_role("button", name=name)).to_have_count(shown)
    axe(settings_page)
    choose(settings_page, "Keycloak")
    expect(settings_page.get_by_role("button", name="Authenticate account")).to_be_visible()
    expect(settings_page.get_by_role("button", name="Authenticate again")).to_have_count(0)
    choose(settings_page, "Contoso")
    expect(settings_page.get_by_role("button", name="Authenticate again")).to_be_visible()


def test_a_choice_of_accounts_is_that_of_the_connection(settings_page: Page, contoso: OAuthConnection) -> None:
    fabrikam = OAuthConnection.objects.create(name="Fabrikam", provider="google")
    jane, john = account_of(contoso), account_of(contoso, "john@example.com")
    only = account_of(fabrikam, "only@example.com")
    MailServer.objects.update(oauth_connection=contoso, oauth_account=jane)
    open_settings(settings_page)
    account = field(settings_page, "oauth_account")
    expect(account).to_be_visible()
    expect(account.locator("option:not([hidden])")).to_have_text(["None yet", f"{jane} (Contoso)", f"{john} (Contoso)"])
    account.select_option(str(john.pk))
    expect(settings_page.get_by_text("Authenticated as john@example.com")).to_be_visible()
    choose(settings_page, "Fabrikam")
    expect(account).to_have_value(str(only.pk))
    expect(settings_page.get_by_text("Authenticated as only@example.com")).to_be_visible()
    choose(settings_page, "Keycloak")
    expect(account).not_to_be_visible()
    expect(account).to_have_value("")
    choose(settings_page, "Contoso")
    expect(account).to_have_value(str(jane.pk))
    choose(settings_page, "Fabrikam")
    save(settings_page)
    assert MailServer.objects.get().oauth_account == only
    expect(account).not_to_be_visible()


def test_enter_saves_and_leads_nowhere(settings_page: Page) -> None:
    choose(settings_page, "Keycloak")
    field(settings_page, "host").fill("keys.example.com")
    field(settings_page, "host").press("Enter")
    expect(settings_page.get_by_text("Saved and in force now")).to_be_visible()
    assert MailServer.objects.get().host == "keys.example.com"


def test_the_keyboard_finds_selector_and_button_first(settings_page: Page) -> None:
    choose(settings_page, "Keycloak")
    field(settings_page, "oauth_connection").focus()
    settings_page.keyboard.press("Tab")
    expect(settings_page.get_by_role("button", name="Authenticate account")).to_be_focused()
    settings_page.keyboard.press("Tab")
    expect(field(settings_page, "host")).to_be_focused()


def test_the_button_saves_and_leads_to_the_provider(
    settings_page: Page, identity_provider: IdentityProviderFactory
) -> None:
    provider = identity_provider()
    here = OAuthConnection.objects.create(**provider.connection_fields(), name="Here")
    open_settings(settings_page)
    choose(settings_page, "Here")
    field(settings_page, "host").fill("new.example.com")
    settings_page.get_by_role("button", name="Authenticate account").click()
    expect(settings_page).to_have_url(re.compile(re.escape(provider.url)))
    server = MailServer.objects.get()
    assert (server.oauth_connection, server.host) == (here, "new.example.com")


def test_a_mistake_keeps_the_browser_here_and_shows_it(settings_page: Page) -> None:
    choose(settings_page, "Keycloak")
    field(settings_page, "host").fill("")
    field(settings_page, "from_name").fill("Typed")
    settings_page.get_by_role("button", name="Authenticate account").click()
    expect(row(settings_page, "host")).to_contain_text("Enter the server first")
    expect(field(settings_page, "from_name")).to_have_value("Typed")
    expect(field(settings_page, "oauth_connection").locator("option:checked")).to_have_text("Keycloak")
    expect_openid(settings_page)


def test_the_dialog_tests_what_is_chosen(settings_page: Page) -> None:
    choose(settings_page, "Contoso")
    outcome = send(open_dialog(settings_page))
    expect(outcome).to_contain_text("no account is authenticated for the OAuth connection “Contoso”")


def test_without_the_permission_there_is_no_button(settings_page: Page, olivia: User) -> None:
    olivia.user_permissions.remove(Permission.objects.get(codename="authenticate_oauthaccount"))
    open_settings(settings_page)
    choose(settings_page, "Contoso")
    expect(settings_page.get_by_text("Not authenticated yet")).to_be_visible()
    expect(settings_page.get_by_role("button", name="Authenticate account")).to_have_count(0)


def test_it_fits_on_a_phone(settings_page: Page, contoso: OAuthConnection, axe: Callable[[Page], None]) -> None:
    long = "a.rather.long.mailbox.of.the.accounting.department@mail.subsidiary.example.com"
    account_of(contoso, "other@example.com")
    MailServer.objects.update(oauth_connection=contoso, oauth_account=account_of(contoso, long))
    settings_page.set_viewport_size({"width": 375, "height": 800})
    open_settings(settings_page)
    wide = (
        "[...document.querySelectorAll('#mailserver_form *')].filter(e => e.getBoundingClientRect().right > 376).length"
    )
    assert settings_page.evaluate(wide) == 0
    axe(settings_page)


# --- without a script ---


@pytest.fixture
def plain_page(
    browser: Browser, live_server: LiveServer, client: Client, olivia: User, mail_server: MailServerFactory
) -> Iterator[Page]:
    client.force_login(olivia)
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    mail_server(host="own.example.com", username="me", password="secret")
    yield context.new_page()
    context.close()


def test_without_a_script_the_page_follows_after_saving(
    plain_page: Page, contoso: OAuthConnection, keycloak: OAuthConnection
) -> None:
    open_settings(plain_page)
    expect_custom(plain_page)
    choose(plain_page, "Contoso")
    save(plain_page)
    expect_preset(plain_page)
    expect(plain_page.get_by_role("button", name="Authenticate account")).to_be_visible()
    choose(plain_page, "Keycloak")
    save(plain_page)
    expect_openid(plain_page)
    choose(plain_page, "Custom settings")
    save(plain_page)
    expect_custom(plain_page)
    assert MailServer.objects.get().password == "secret"


def test_without_a_script_an_account_is_chosen_along_with_its_connection(
    plain_page: Page, contoso: OAuthConnection
) -> None:
    MailServer.objects.update(oauth_connection=contoso)
    account = account_of(contoso)
    open_settings(plain_page)
    field(plain_page, "oauth_account").select_option(str(account.pk))
    save(plain_page)
    expect(plain_page.get_by_text("Authenticated as jane@example.com, token renewed today")).to_be_visible()
    assert MailServer.objects.get().oauth_account == account
