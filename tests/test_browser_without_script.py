"""Without JavaScript everything on the settings page is there, and everything works."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from mailconfig.models import MailServer
from tests.conftest import MailServerFactory, SMTPServerFactory
from tests.servers.hostname_service import HostnameService, text
from tests.servers.smtp import SMTPServer
from tests.settings_in_browser import SETTINGS, field, open_advanced, open_settings, row, save

pytestmark = pytest.mark.browser


@pytest.fixture
def plain_page(
    live_server: LiveServer, browser: Browser, page: Page, sign_in: Callable[[User], None], alice: User
) -> Iterator[Page]:
    """An administrator's page in a browser that runs no script."""
    sign_in(alice)
    context = browser.new_context(
        base_url=live_server.url, java_script_enabled=False, storage_state=page.context.storage_state()
    )
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def server(smtp_server: SMTPServerFactory, mail_server: MailServerFactory) -> SMTPServer:
    running = smtp_server(users={"me": "secret"}, mechanisms=("CRAM-MD5",))
    mail_server(running, auth_method="none", ehlo_name="[10.1.2.3]")
    return running


def test_every_field_is_shown(plain_page: Page, server: SMTPServer) -> None:
    open_settings(plain_page)
    open_advanced(plain_page)
    for name in ("username", "password", "confirm_clear_text", "ehlo_name", "ca_file"):
        expect(row(plain_page, name)).to_be_visible()


def test_settings_are_saved(plain_page: Page, server: SMTPServer) -> None:
    open_settings(plain_page)
    field(plain_page, "from_name").fill("Example shop")
    save(plain_page)
    expect(plain_page.get_by_text("Saved and in force now")).to_be_visible()
    assert MailServer.objects.get().from_name == "Example shop"


def test_the_test_email_has_a_page_and_a_way_back(plain_page: Page, server: SMTPServer) -> None:
    open_settings(plain_page)
    field(plain_page, "auth_method").select_option("cram-md5")
    field(plain_page, "username").fill("me")
    field(plain_page, "password").fill("secret")
    field(plain_page, "from_email").fill("new@example.com")
    plain_page.get_by_role("button", name="Send test email").click()

    expect(plain_page.get_by_role("heading", name="Send test email")).to_be_visible()
    expect(plain_page.get_by_text("This tests entries that are not saved yet.")).to_be_visible()
    expect(plain_page.get_by_label("Recipient")).to_have_value("new@example.com")
    plain_page.get_by_label("Recipient").fill("somebody@example.com")
    plain_page.get_by_label("Password").fill("secret")
    plain_page.get_by_role("button", name="Send test email").click()

    expect(plain_page.get_by_text("Sent to somebody@example.com")).to_be_visible()
    assert [(one.sender, one.recipients) for one in server.messages] == [("new@example.com", ["somebody@example.com"])]
    plain_page.get_by_role("button", name="Back").click()
    expect(field(plain_page, "from_email")).to_have_value("site@example.com")
    assert MailServer.objects.get().auth_method == "none"


def test_the_browsers_own_way_back_leads_to_what_was_entered(plain_page: Page, server: SMTPServer) -> None:
    open_settings(plain_page)
    field(plain_page, "from_email").fill("new@example.com")
    plain_page.get_by_role("button", name="Send test email").click()
    expect(plain_page.get_by_label("Recipient")).to_be_visible()
    plain_page.go_back()
    expect(field(plain_page, "from_email")).to_have_value("new@example.com")


def test_a_failure_is_explained_on_the_page(plain_page: Page, server: SMTPServer) -> None:
    open_settings(plain_page)
    plain_page.get_by_role("button", name="Send test email").click()
    plain_page.get_by_role("button", name="Send test email").click()
    error = plain_page.locator(".mailconfig-error")
    expect(error).to_contain_text("log-in")
    expect(error).to_contain_text("530 5.7.0 Authentication required")


def test_the_test_page_can_be_opened_by_itself(plain_page: Page, server: SMTPServer) -> None:
    plain_page.goto(f"{SETTINGS}{MailServer.objects.get().pk}/test/")
    expect(plain_page.get_by_label("Recipient")).to_have_value("site@example.com")
    expect(plain_page.get_by_text("not saved yet")).to_have_count(0)
    links = plain_page.locator(".breadcrumbs a")
    assert links.all_inner_texts() == ["Home", "Mailconfig", "Outgoing mail server (SMTP)"]
    links.last.click()
    expect(field(plain_page, "from_email")).to_have_value("site@example.com")


def test_the_name_tools_work(
    plain_page: Page, server: SMTPServer, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    with HostnameService(text("mail.example.net")) as service:
        settings.HOSTNAME_SERVICE_URL = service.url
        open_settings(plain_page)
        open_advanced(plain_page)
        plain_page.get_by_role("button", name="Determine").click()
        open_advanced(plain_page)
        expect(plain_page.get_by_label("Publicly determined address (mail.example.net)")).to_be_visible()
        plain_page.get_by_role("button", name="Check name").click()
        expect(plain_page.get_by_text("[10.1.2.3] is an address, not a name.")).to_be_visible()
