"""Unsaved changes of the settings page are not lost unasked, and nobody is asked without a reason."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Dialog, Page

from tests.conftest import MailServerFactory
from tests.settings_in_browser import field, open_advanced, open_dialog, open_settings, save

pytestmark = pytest.mark.browser

Asked = Callable[[], bool]


@pytest.fixture
def settings_page(page: Page, sign_in: Callable[[User], None], alice: User, mail_server: MailServerFactory) -> Page:
    mail_server(host="127.0.0.1", auth_method="none")
    sign_in(alice)
    open_settings(page)
    page.get_by_role("heading", name="Outgoing mail server (SMTP)").click()  # a browser asks only whoever did something
    return page


@pytest.fixture
def is_asked(settings_page: Page) -> Asked:
    """Leave the page: whether the browser asked before it did, or before that."""
    questions: list[str] = []

    def answer(dialog: Dialog) -> None:
        questions.append(dialog.type)
        dialog.accept()

    settings_page.on("dialog", answer)

    def leave() -> bool:
        settings_page.goto("/admin/")
        return questions == ["beforeunload"]

    return leave


def test_who_typed_something_is_asked(settings_page: Page, is_asked: Asked) -> None:
    field(settings_page, "host").press_sequentially("x")
    assert is_asked()


def test_who_chose_something_is_asked(settings_page: Page, is_asked: Asked) -> None:
    field(settings_page, "security").select_option("ssl")
    assert is_asked()


def test_who_chose_a_file_is_asked(settings_page: Page, is_asked: Asked) -> None:
    open_advanced(settings_page)
    field(settings_page, "ca_file").set_input_files({"name": "ca.pem", "mimeType": "text/plain", "buffer": b"PEM"})
    assert is_asked()


def test_whose_entries_were_refused_is_asked(settings_page: Page, is_asked: Asked) -> None:
    field(settings_page, "port").fill("70000")
    save(settings_page)
    settings_page.get_by_text("Please correct the error below.").click()
    assert is_asked()


def test_who_only_looked_is_not_asked(settings_page: Page, is_asked: Asked) -> None:
    open_advanced(settings_page)
    open_dialog(settings_page)
    settings_page.keyboard.type("somebody@example.com")
    settings_page.keyboard.press("Escape")
    assert not is_asked()


def test_who_took_it_back_is_not_asked(settings_page: Page, is_asked: Asked) -> None:
    field(settings_page, "host").press("End")
    settings_page.keyboard.type("x")
    settings_page.keyboard.press("Backspace")
    assert not is_asked()


def test_who_saved_is_not_asked(settings_page: Page, is_asked: Asked) -> None:
    field(settings_page, "host").fill("mail.example.com")
    save(settings_page)
    settings_page.get_by_text("Saved and in force now").click()
    assert not is_asked()


def test_what_a_script_fills_in_is_no_change_of_a_person(settings_page: Page, is_asked: Asked) -> None:
    field(settings_page, "host").evaluate("field => { field.value = 'by a script'; }")
    assert not is_asked()
