"""The settings page in a browser: it follows what is chosen, hides no error, and can be used by keyboard alone."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect
from pytest_django import Settings

from mailconfig.models import MailServer
from tests.conftest import MailServerFactory
from tests.settings_in_browser import field, open_advanced, open_settings, row, save

pytestmark = pytest.mark.browser

SignIn = Callable[[User], None]


@pytest.fixture
def settings_page(page: Page, sign_in: SignIn, alice: User, mail_server: MailServerFactory) -> Page:
    """The page of a server without authentication, as an administrator has opened it."""
    mail_server(host="127.0.0.1", auth_method="none", ehlo_source="external_url", ehlo_name="")
    sign_in(alice)
    open_settings(page)
    return page


# --- following what is chosen ---


@pytest.mark.parametrize(("security", "port"), [("none", "25"), ("starttls", "25"), ("ssl", "465")])
def test_the_port_used_when_none_is_entered_follows_the_security(settings_page: Page, security: str, port: str) -> None:
    other = "none" if security == "ssl" else "ssl"
    for choice in (other, security):
        field(settings_page, "security").select_option(choice)
    expect(field(settings_page, "port")).to_have_attribute("placeholder", port)
    assert field(settings_page, "port").input_value() == ""


def test_user_name_and_password_are_shown_when_somebody_logs_in(settings_page: Page) -> None:
    for method, is_shown in {"none": False, "auto": True, "cram-md5": True, "plain": True, "login": True}.items():
        field(settings_page, "auth_method").select_option(method)
        for name in ("username", "password"):
            expect(row(settings_page, name)).to_be_visible(visible=is_shown)


@pytest.mark.parametrize("method", ["none", "auto", "plain", "login", "cram-md5"])
@pytest.mark.parametrize("security", ["none", "starttls", "ssl"])
def test_clear_text_is_confirmed_where_it_would_be_sent(
    settings_page: Page, security: str, method: str
) -> None:  # S-17
    field(settings_page, "security").select_option(security)
    field(settings_page, "auth_method").select_option(method)
    confirm = row(settings_page, "confirm_clear_text")
    expect(confirm).to_be_visible(visible=security == "none" and method in ("plain", "login"))
    expect(confirm).to_contain_text("The password is sent in clear text.")


def test_clear_text_can_be_confirmed_when_the_security_is_locked(
    page: Page, sign_in: SignIn, alice: User, mail_server: MailServerFactory, settings: Settings
) -> None:  # S-17
    mail_server(host="127.0.0.1", auth_method="none")
    settings.MAILCONFIG = {"security": "none"}
    sign_in(alice)
    open_settings(page)
    field(page, "auth_method").select_option("plain")
    field(page, "username").fill("me")
    field(page, "password").fill("secret")
    field(page, "confirm_clear_text").check()
    save(page)
    assert MailServer.objects.get().password == "secret"


def test_the_custom_name_is_asked_for_when_it_is_chosen(settings_page: Page) -> None:
    open_advanced(settings_page)
    for source, is_shown in {"custom": True, "external_url": False, "public_address": False}.items():
        field(settings_page, f"ehlo_source={source}").check()
        expect(row(settings_page, "ehlo_name")).to_be_visible(visible=is_shown)


def test_who_may_only_view_gets_a_page_without_buttons(
    page: Page, sign_in: SignIn, bob: User, mail_server: MailServerFactory
) -> None:
    mail_server(host="mail.example.com")
    sign_in(bob)
    open_settings(page)
    expect(page.get_by_text("mail.example.com", exact=True)).to_be_visible()
    for name in ("Save", "Send test email", "Determine", "Check name"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)


# --- errors ---


def test_the_first_bad_field_has_the_focus(settings_page: Page) -> None:
    field(settings_page, "port").fill("70000")
    field(settings_page, "from_email").fill("nobody")
    save(settings_page)
    expect(field(settings_page, "port")).to_be_focused()
    expect(row(settings_page, "port").locator(".errorlist")).to_be_visible()
    expect(field(settings_page, "from_email")).to_have_value("nobody")


def test_a_bad_field_under_advanced_is_opened(settings_page: Page) -> None:
    expect(field(settings_page, "timeout")).to_be_hidden()
    open_advanced(settings_page)
    field(settings_page, "timeout").fill("0")
    save(settings_page)
    expect(field(settings_page, "timeout")).to_be_visible()
    expect(field(settings_page, "timeout")).to_be_focused()


def test_a_bad_field_stays_in_view_whatever_is_chosen(settings_page: Page) -> None:
    field(settings_page, "auth_method").select_option("plain")
    open_advanced(settings_page)
    field(settings_page, "ehlo_source=custom").check()
    field(settings_page, "ehlo_name").fill("no_name")
    save(settings_page)
    field(settings_page, "auth_method").select_option("none")
    field(settings_page, "ehlo_source=external_url").check()
    expect(row(settings_page, "password")).to_be_hidden()
    expect(row(settings_page, "ehlo_name")).to_be_visible()
    bad = settings_page.locator(".form-row .errorlist")
    assert [error.is_visible() for error in bad.all()] == [True] * bad.count()
    assert bad.count()


def test_a_clear_text_password_that_is_not_confirmed_is_pointed_at(settings_page: Page) -> None:  # S-17
    field(settings_page, "security").select_option("none")
    field(settings_page, "auth_method").select_option("plain")
    field(settings_page, "username").fill("me")
    field(settings_page, "password").fill("secret")
    save(settings_page)
    expect(field(settings_page, "confirm_clear_text")).to_be_focused()
    field(settings_page, "security").select_option("starttls")
    expect(row(settings_page, "confirm_clear_text")).to_be_visible()
    assert MailServer.objects.get().password == ""


# --- the keyboard ---


def test_the_page_is_walked_in_the_order_it_is_read(settings_page: Page) -> None:
    field(settings_page, "auth_method").select_option("plain")
    field(settings_page, "host").focus()
    walked = [focused(settings_page)]
    while len(walked) < 20 and walked[-1] != "Send test email":
        settings_page.keyboard.press("Tab")
        walked.append(focused(settings_page))
    assert walked == [
        *("host", "port", "from_email", "Detect settings", "Check sender domain", "from_name", "force_from"),
        *("security", "auth_method", "username", "password"),
        "Advanced",
        *("Save", "Send test email"),
    ]


def test_a_server_is_saved_without_a_mouse(settings_page: Page) -> None:
    field(settings_page, "host").focus()
    settings_page.keyboard.press("ControlOrMeta+A")
    settings_page.keyboard.type("keys.example.com")
    settings_page.keyboard.press("Enter")
    expect(settings_page.get_by_text("Saved and in force now")).to_be_visible()
    assert MailServer.objects.get().host == "keys.example.com"


def focused(page: Page) -> str:
    """What has the focus: a field by its name, anything else by its text."""
    return str(
        page.evaluate(
            "(e => e.type == 'submit' && e.value.length > 1 || e.type == 'button' ? e.innerText || e.value"
            " : e.name || e.innerText)(document.activeElement)"
        )
    )
