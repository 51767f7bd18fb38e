"""S-2 and S-3 on the pages: a password goes in and never comes out, and one that can't be decrypted does no harm."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import django
import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db.models.signals import pre_save
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from mailconfig.forms import MailServerForm
from mailconfig.models import MailServer
from oauthconnections.fields import Undecryptable
from tests.conftest import MailServerFactory, SMTPServerFactory
from tests.settings_page import Page, opened, saved, sent, url

SAVED, TYPED, FIXED = "saved-s3cr3t", "typed-s3cr3t", "fixed-s3cr3t"
LIST = "/admin/mailconfig/mailserver/"


def tells(text: str | bytes) -> list[str]:
    """The secrets in it."""
    shown = text.decode() if isinstance(text, bytes) else text
    return [secret for secret in (SAVED, TYPED, FIXED) if secret in shown] + ["enc:v1:"] * ("enc:v1:" in shown)


@pytest.fixture
def row(mail_server: MailServerFactory) -> MailServer:
    return mail_server(host="saved.example.com", username="me", password=SAVED)


@pytest.fixture
def alice_client(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def test_the_pages_do_not_show_it(alice_client: Client, row: MailServer) -> None:
    for path in [url(), url("history"), url("test")]:
        assert tells(alice_client.get(path).content) == []
    assert "Saved; leave empty to keep." in opened(alice_client).text


def test_a_page_with_errors_does_not_show_what_was_typed(alice_client: Client, row: MailServer) -> None:
    page = saved(alice_client, password=TYPED, port="x")
    assert page.errors.keys() == {"port"}
    assert page.values["password"] == ""
    assert tells(page.html) == []


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("recipient", ["me@example.com", "nobody", None])
def test_the_test_does_not_show_it(
    alice_client: Client, row: MailServer, script: bool, recipient: str | None, smtp_server: SMTPServerFactory
) -> None:
    server = smtp_server(users={"me": "another"}, replies={})
    typed = {"host": server.host, "port": server.port, "security": "none", "auth_method": "plain", "password": TYPED}
    data = sent(None, {**typed, "recipient": recipient, "confirm_clear_text": "on"})
    response = alice_client.post(url("test"), data, headers={"X-Requested-With": "fetch"} if script else {})
    assert response.status_code == 200
    assert tells(response.getvalue()) == []
    assert len(server.logins) == (recipient == "me@example.com")
    assert tells(json.dumps(list(LogEntry.objects.values_list("change_message", flat=True)))) == []


def test_a_viewer_sees_only_that_there_is_one(client: Client, bob: User, row: MailServer) -> None:
    client.force_login(bob)
    page = opened(client)
    assert "Saved, not shown" in page.text
    assert "saved.example.com" in page.text
    assert tells(page.html) == []
    assert not {"password", "host"} & page.values.keys()


def test_the_list_does_not_show_it(
    alice_client: Client, row: MailServer, mail_server: MailServerFactory, settings: Settings
) -> None:
    mail_server(alias="second", password=SAVED)
    settings.MAILCONFIG = {"password": FIXED}
    response = alice_client.get(LIST)
    assert "second" in Page.of(response).text
    assert tells(response.content) == []


def test_a_fixed_one_is_not_shown_but_its_source_is(alice_client: Client, row: MailServer, settings: Settings) -> None:
    settings.MAILCONFIG = {"password": FIXED}
    settings.MAILCONFIG_SOURCES = {"password": "MAILCONFIG_PASSWORD"}
    page = opened(alice_client)
    assert "Saved, not shown" in page.text
    assert "Set by MAILCONFIG_PASSWORD." in page.text
    assert "password" not in page.values
    assert tells(page.html) == []


@pytest.mark.parametrize("posted", [{}, {"password": TYPED, "port": "x"}, {"password": TYPED}], ids=str)
def test_the_form_does_not_hold_it_as_initial_value(row: MailServer, posted: dict[str, Any]) -> None:
    form = MailServerForm(posted or None, instance=row)
    form.is_valid()
    assert "password" not in form.initial
    assert tells(f"{form!r} {form.initial} {form.as_p()}") == []


def test_history_messages_and_logs_do_not_tell(
    alice_client: Client, row: MailServer, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.DEBUG = True  # has the SQL logged
    caplog.set_level(logging.DEBUG, "django.db.backends")
    page = saved(alice_client, password=TYPED)
    assert "Changed: Password." in page.text
    assert tells(page.html) == []
    assert LogEntry.objects.get().get_change_message() == "Changed Password (not shown)."
    assert tells(alice_client.get(url("history")).content) == []
    assert "UPDATE" in caplog.text
    assert not {SAVED, TYPED} & set(tells(caplog.text))


def test_dumpdata_has_it_encrypted(row: MailServer) -> None:
    out = io.StringIO()
    call_command("dumpdata", "mailconfig", stdout=out)
    assert json.loads(out.getvalue())[0]["fields"]["password"].startswith("enc:v1:")
    assert SAVED not in out.getvalue()


# --- when a view fails ---


@pytest.fixture
def saving_fails(row: MailServer) -> Iterator[None]:
    def fail(sender: type[MailServer], instance: MailServer, **kwargs: Any) -> None:
        password, note = instance.password, {"seen": instance.password}  # noqa: F841 - what a debug page would show
        raise RuntimeError("saving failed")

    pre_save.connect(fail, sender=MailServer)
    yield
    pre_save.disconnect(fail, sender=MailServer)


@pytest.mark.usefixtures("saving_fails")
@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("accept", ["text/html", "text/plain"])
def test_no_debug_page_tells(
    alice_client: Client, row: MailServer, settings: Settings, debug: bool, accept: str
) -> None:
    settings.DEBUG = debug
    alice_client.raise_request_exception = False
    data = sent(None, {"password": TYPED, "host": "new.example.com"})
    response = alice_client.post(url(), data, headers={"accept": accept})
    assert response.status_code == 500
    assert ("saving failed" in response.content.decode()) is debug
    assert not {SAVED, TYPED} & set(tells(response.content))


@pytest.mark.usefixtures("saving_fails")
def test_no_error_report_tells(
    alice_client: Client, settings: Settings, smtp_server: SMTPServerFactory, caplog: pytest.LogCaptureFixture
) -> None:
    settings.ADMINS = ["admin@example.com"] if django.VERSION >= (6, 0) else [("Admin", "admin@example.com")]
    server = smtp_server()
    MailServer.objects.update(host=server.host, port=server.port, security="none", auth_method="none")
    alice_client.raise_request_exception = False
    alice_client.post(url(), sent(None, {"password": TYPED, "host": "new.example.com"}))
    (report,) = [received.message.get_content() for received in server.messages]
    assert "saving failed" in report
    assert "new.example.com" in report
    assert not {SAVED, TYPED} & set(tells(report + caplog.text))


@pytest.mark.usefixtures("saving_fails")
def test_no_debug_page_tells_what_the_settings_fix(alice_client: Client, row: MailServer, settings: Settings) -> None:
    settings.DEBUG = True
    settings.MAILCONFIG = {"password": FIXED}
    alice_client.raise_request_exception = False
    response = alice_client.post(url(), sent(None, {"timeout": "9"}))
    assert response.status_code == 500
    assert "saving failed" in response.content.decode()
    assert not {SAVED, FIXED} & set(tells(response.content))


# --- keep, replace, forget ---


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ({}, SAVED),
        ({"password": ""}, SAVED),
        ({"password": TYPED}, TYPED),
        ({"password": TYPED, "clear_password": "on"}, TYPED),
        ({"clear_password": "on", "auth_method": "none"}, ""),
        ({"clear_password": "on", "username": ""}, ""),
    ],
    ids=str,
)
def test_an_empty_field_keeps_it_and_the_box_clears_it(
    alice_client: Client, row: MailServer, typed: dict[str, str], kept: str
) -> None:
    assert saved(alice_client, **typed).errors == {}  # type: ignore[arg-type]
    row.refresh_from_db()
    assert row.password == kept


# --- one that can't be decrypted --- S-3


@pytest.fixture
def undecryptable(row: MailServer) -> str:
    ciphertext = "enc:v1:gAAAAABnothing-opens-this"
    row.password = Undecryptable(ciphertext)
    row.save()
    return ciphertext


def stored_password() -> str | Undecryptable:
    return MailServer.objects.get().password


def test_the_page_works_and_says_what_to_enter_again(alice_client: Client, undecryptable: str) -> None:
    page = opened(alice_client)
    assert "The saved password can't be decrypted: the encryption key has changed. Enter it again." in page.text
    assert "Saved; leave empty to keep." not in page.text
    assert tells(page.html) == []


def test_other_settings_can_be_saved_meanwhile(alice_client: Client, undecryptable: str) -> None:
    assert saved(alice_client, timeout="60").errors == {}
    assert stored_password() == Undecryptable(undecryptable)


def test_it_can_be_entered_again(alice_client: Client, undecryptable: str) -> None:
    page = saved(alice_client, password=TYPED)
    assert "can't be decrypted" not in page.text
    assert stored_password() == TYPED


def test_it_can_be_forgotten(alice_client: Client, undecryptable: str) -> None:
    assert saved(alice_client, clear_password="on", auth_method="none").errors == {}
    assert stored_password() == ""


def test_another_server_needs_it_again_all_the_same(alice_client: Client, undecryptable: str) -> None:
    assert "Enter the password again" in saved(alice_client, host="evil.example.com").errors["password"]


def test_the_test_says_so_and_sends_nothing(
    alice_client: Client, undecryptable: str, smtp_server: SMTPServerFactory
) -> None:
    server = smtp_server()
    MailServer.objects.update(host=server.host, port=server.port, security="none")
    response = alice_client.post(url("test"), {"recipient": "me@example.com"})
    assert "can't be decrypted" in Page.of(response).text
    assert server.connections == 0


def test_a_viewer_is_told(client: Client, bob: User, undecryptable: str) -> None:
    client.force_login(bob)
    assert "Saved, but it can't be decrypted" in opened(client).text


def test_the_list_is_told(alice_client: Client, undecryptable: str, mail_server: MailServerFactory) -> None:
    mail_server(alias="second")
    response = alice_client.get(reverse("admin:mailconfig_mailserver_changelist"))
    assert "can't be decrypted" in Page.of(response).text
    assert tells(response.content) == []
