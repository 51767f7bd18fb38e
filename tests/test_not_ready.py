"""Mail that can't be sent for want of settings: an error that says where to go, and no connection to anybody."""

import logging
from typing import Any

import django
import pytest
from django.core.mail import EmailMessage, mail_admins
from django.db import connection
from pytest_django.fixtures import Settings

from mailconfig.backends import EmailBackend
from mailconfig.exceptions import NotConfigured, PasswordUnreadable
from mailconfig.models import MailServer
from tests.conftest import MailServerFactory, ScriptedServerFactory, SMTPServerFactory
from tests.sessions import RECIPIENT

SETTINGS_PAGE = "/admin/mailconfig/mailserver/"


@pytest.fixture
def nobody_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    def call(_socket: object, address: Any) -> None:
        raise AssertionError(f"connects to {address}")

    monkeypatch.setattr("socket.socket.connect", call)


def send() -> int:
    return EmailMessage("Hello", to=[RECIPIENT]).send()


# --- nothing configured ---


@pytest.mark.usefixtures("our_backend", "nobody_is_called")
@pytest.mark.parametrize("saved", [None, {"host": ""}, {"host": "", "username": "me", "password": "secret"}], ids=str)
@pytest.mark.django_db
def test_without_a_server_the_error_says_where_to_enter_one(
    saved: dict[str, str] | None, caplog: pytest.LogCaptureFixture
) -> None:
    if saved is not None:
        MailServer.objects.create(**saved)
    with pytest.raises(NotConfigured, match=SETTINGS_PAGE) as caught:
        send()
    assert isinstance(caught.value, OSError)  # as callers expect of Django's backend
    assert str(caught.value) in caplog.text


@pytest.mark.usefixtures("nobody_is_called")
@pytest.mark.django_db
def test_the_error_names_the_mailer(mail_server: MailServerFactory) -> None:
    mail_server(host="mail.example.com")
    with pytest.raises(NotConfigured, match="bulk"):
        EmailBackend(alias="bulk").send_messages([EmailMessage("Hello", to=[RECIPIENT])])


@pytest.mark.usefixtures("our_backend")
@pytest.mark.urls("django.contrib.auth.urls")
@pytest.mark.django_db
def test_without_the_admin_it_names_the_command() -> None:
    with pytest.raises(NotConfigured, match=r"manage\.py mailserver set"):
        send()


@pytest.mark.usefixtures("our_backend", "nobody_is_called")
@pytest.mark.django_db
def test_without_a_server_silence_is_kept() -> None:
    assert EmailBackend(fail_silently=True).send_messages([EmailMessage("Hello", to=[RECIPIENT])]) == 0


# --- a password that no key opens ---


# S-3
@pytest.mark.usefixtures("our_backend")
def test_a_password_that_cannot_be_decrypted_is_an_error_and_no_attempt(
    scripted_server: ScriptedServerFactory, mail_server: MailServerFactory, settings: Settings
) -> None:
    server = scripted_server(security="ssl")
    mail_server(server, auth_method="plain", username="me", password="secret")
    settings.SECRET_KEY = "another key than the one that encrypted the password"
    with pytest.raises(PasswordUnreadable, match=SETTINGS_PAGE) as caught:
        send()
    assert "enc:" not in str(caught.value)
    assert server.connections == 0


# S-3
def test_a_password_that_is_not_used_need_not_be_readable(
    scripted_server: ScriptedServerFactory, mail_server: MailServerFactory, settings: Settings
) -> None:
    server = scripted_server()
    mail_server(server, auth_method="none", username="me", password="secret")
    settings.SECRET_KEY = "another key than the one that encrypted the password"
    assert send() == 1


# S-3
def test_a_broken_ciphertext_is_an_error_and_no_attempt(
    scripted_server: ScriptedServerFactory, mail_server: MailServerFactory
) -> None:
    server = scripted_server(security="ssl")
    mail_server(server, auth_method="plain", username="me", password="secret")
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {MailServer._meta.db_table} SET password = 'enc:v1:broken'")
    with pytest.raises(PasswordUnreadable):
        send()
    assert server.connections == 0


# --- a log that goes out by mail ---


class MailingHandler(logging.Handler):
    """Mails what is logged, as AdminEmailHandler does, and counts."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.mails = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.mails += 1
        assert self.mails < 10, "it mails that it can't mail"
        mail_admins("Log", record.getMessage())


@pytest.fixture
def mailing_handler(settings: Settings) -> Any:
    admins = ["admin@example.com", "former-admin@example.com"]
    settings.ADMINS = admins if django.VERSION >= (6, 0) else [("Admin", address) for address in admins]
    handler = MailingHandler()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


@pytest.mark.usefixtures("our_backend")
@pytest.mark.django_db
def test_a_failure_that_is_logged_by_mail_is_still_the_first_failure(mailing_handler: MailingHandler) -> None:
    with pytest.raises(NotConfigured) as caught:
        send()
    assert mailing_handler.mails == 1
    assert caught.value.__context__ is None


@pytest.mark.usefixtures("our_backend")
@pytest.mark.django_db
def test_a_silent_failure_that_is_logged_by_mail_is_still_silent(mailing_handler: MailingHandler) -> None:
    assert EmailBackend(fail_silently=True).send_messages([EmailMessage("Hello", to=[RECIPIENT])]) == 0
    assert mailing_handler.mails == 1


def test_a_refused_recipient_that_is_logged_by_mail_to_a_refused_recipient_ends(
    smtp_server: SMTPServerFactory, mail_server: MailServerFactory, mailing_handler: MailingHandler
) -> None:
    server = smtp_server(replies={"former-admin@example.com": "550 5.1.1 Has left"})
    mail_server(server)
    assert EmailMessage("Hello", to=[RECIPIENT, "former-admin@example.com"]).send() == 1
    assert mailing_handler.mails == 1
    assert [received.message["Subject"] for received in server.messages] == ["Hello", "[Django] Log"]


def test_what_fails_after_a_failure_is_logged_again(
    smtp_server: SMTPServerFactory, mail_server: MailServerFactory, caplog: pytest.LogCaptureFixture
) -> None:
    mail_server(smtp_server(replies={RECIPIENT: "550 5.1.1 Unknown"}))
    for _time in range(2):
        with pytest.raises(OSError, match="Unknown"):
            send()
    assert len(caplog.records) == 2
