"""The buttons that determine and check the EHLO name, with the page's script."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect
from pytest_django import Settings

from tests.conftest import MailServerFactory
from tests.servers.hostname_service import HostnameService, text
from tests.settings_in_browser import field, open_advanced, open_settings

pytestmark = pytest.mark.browser


@pytest.fixture
def service(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostnameService]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # where the answer is kept, until the server's next start
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    with HostnameService(text("mail.example.net")) as running:
        settings.HOSTNAME_SERVICE_URL = running.url
        yield running


@pytest.fixture
def advanced(
    service: HostnameService,
    page: Page,
    sign_in: Callable[[User], None],
    alice: User,
    mail_server: MailServerFactory,
) -> Page:
    # An address inside the network is checked without a name server.
    mail_server(host="127.0.0.1", ehlo_source="custom", ehlo_name="[10.1.2.3]")
    sign_in(alice)
    open_settings(page)
    open_advanced(page)
    return page


def said_now(page: Page) -> Locator:
    return page.locator("#mailconfig-ehlo-now")


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def test_opening_the_page_asks_nobody(advanced: Page, service: HostnameService) -> None:
    expect(said_now(advanced)).to_have_text("[10.1.2.3]")
    assert service.asked == 0


def test_what_was_determined_is_shown_and_entries_stay(advanced: Page, service: HostnameService) -> None:
    field(advanced, "host").fill("unsaved.example.com")
    button = advanced.get_by_role("button", name="Determine")
    button.focus()
    advanced.keyboard.press("Enter")
    expect(said_now(advanced)).to_contain_text("Publicly determined address: mail.example.net")
    expect(button).to_be_focused()
    expect(field(advanced, "host")).to_have_value("unsaved.example.com")
    assert service.asked == 1
    advanced.on("dialog", lambda dialog: dialog.accept())
    advanced.reload()
    open_advanced(advanced)
    expect(advanced.get_by_label("Publicly determined address (mail.example.net)")).to_be_visible()
    assert service.asked == 1


def test_determining_again_asks_again(advanced: Page, service: HostnameService) -> None:
    press(advanced, "Determine")
    expect(said_now(advanced)).to_contain_text("mail.example.net")
    service.answer = text("new.example.net")
    press(advanced, "Determine")
    expect(said_now(advanced)).to_contain_text("new.example.net")
    assert service.asked == 2


def test_a_service_that_does_not_work_is_said(advanced: Page, service: HostnameService) -> None:
    service.answer = text("gone", 503)
    press(advanced, "Determine")
    expect(said_now(advanced)).to_contain_text("answered with an error. Press Determine again later")


def test_the_name_is_checked(advanced: Page) -> None:
    press(advanced, "Check name")
    expect(said_now(advanced)).to_contain_text("[10.1.2.3] is an address, not a name.")
    expect(said_now(advanced).get_by_role("listitem")).to_have_count(2)


def end_session(page: Page) -> None:
    page.context.clear_cookies(name="sessionid")


def cut_network(page: Page) -> None:
    page.context.set_offline(True)


def break_site(page: Page) -> None:
    page.route("**/ehlo/", lambda route: route.fulfill(status=500, body="<h1>Server Error (500)</h1>"))


@pytest.mark.parametrize("happening", [end_session, break_site, cut_network])
@pytest.mark.parametrize("button", ["Determine", "Check name"])
def test_an_answer_that_does_not_come_is_said(advanced: Page, button: str, happening: Callable[[Page], None]) -> None:
    happening(advanced)
    press(advanced, button)
    expect(said_now(advanced)).to_contain_text("The site did not answer as expected.")
    expect(said_now(advanced)).to_contain_text("[10.1.2.3]")
    expect(said_now(advanced)).to_have_attribute("aria-busy", "false")
