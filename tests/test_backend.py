"""The backend keeps the contract of Django's own: open, close, counts, failures, and silence where it is asked for."""

import logging
import smtplib
from collections.abc import Iterator
from typing import Any

import django
import pytest
from django.core import mail
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.db import DatabaseError, connection, transaction
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from mailconfig.backends import EmailBackend
from mailconfig.models import MailServer
from oauthconnections.models import WebServer
from tests.conftest import MailServerFactory, ScriptedServerFactory, SMTPServerFactory
from tests.servers import scripted
from tests.sessions import RECIPIENT

REFUSED = {"nobody@example.com": "550 5.1.1 Unknown"}


def message(subject: str = "Hello", to: str = RECIPIENT) -> EmailMessage:
    return EmailMessage(subject, "Hello", to=[to])


@pytest.fixture
def backend() -> EmailBackend:
    return EmailBackend(alias="default")


@pytest.fixture
def silent() -> EmailBackend:
    return EmailBackend(alias="default", fail_silently=True)


# --- open and close ---


def test_open_tells_whether_it_opened(
    backend: EmailBackend, smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> None:
    mail_server(smtp_server())
    assert backend.open() is True
    assert backend.open() is False
    backend.close()
    backend.close()
    assert backend.open() is True
    backend.close()


def test_a_context_sends_over_one_connection(smtp_server: SMTPServerFactory, mail_server: MailServerFactory) -> None:
    server = smtp_server()
    mail_server(server)
    with EmailBackend(alias="default", keep_alive=0) as backend:
        backend.send_messages([message("One")])
        backend.send_messages([message("Two")])
    assert [received.connection for received in server.messages] == [1, 1]


@pytest.mark.parametrize("url", ["https://www.example.com", None])
def test_reading_the_settings_takes_one_query(
    backend: EmailBackend,
    smtp_server: SMTPServerFactory,
    mail_server: MailServerFactory,
    django_assert_num_queries: DjangoAssertNumQueries,
    url: str | None,
) -> None:
    mail_server(smtp_server(), ehlo_source="external_url")
    if url:
        WebServer.objects.update_or_create(defaults={"external_url": url})
    for _time in range(2):
        with django_assert_num_queries(1):
            backend.send_messages([message(), message()])


# --- counts ---


def test_it_counts_what_was_sent(
    backend: EmailBackend, smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> None:
    mail_server(smtp_server())
    assert backend.send_messages([]) == 0
    assert backend.send_messages([message(), EmailMessage("To nobody"), message()]) == 2


def test_it_takes_what_can_be_iterated_over_once(
    backend: EmailBackend, smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> None:
    server = smtp_server()
    mail_server(server)
    assert backend.send_messages(message(str(number)) for number in range(3)) == 3
    assert backend.send_messages(iter(())) == 0
    assert {received.connection for received in server.messages} == {1}


def test_an_iterator_that_fails_leaves_the_connection_fit_for_the_next(
    backend: EmailBackend, smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> None:
    def failing() -> Iterator[EmailMessage]:
        yield message("One")
        raise LookupError

    server = smtp_server()
    mail_server(server)
    with pytest.raises(LookupError):
        backend.send_messages(failing())
    assert backend.send_messages([message("Two")]) == 1
    assert [received.connection for received in server.messages] == [1, 1]


def test_a_message_arrives_as_it_was_written(
    backend: EmailBackend, smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> None:
    server = smtp_server()
    mail_server(server)
    written = EmailMultiAlternatives("Grüße €", "Grüße\n.\n" + "x" * 2000, to=[RECIPIENT])
    written.attach_alternative("<p>Grüße</p>", "text/html")
    written.attach("data.bin", bytes(range(256)), "application/octet-stream")
    assert backend.send_messages([written]) == 1
    received = server.messages[0].message
    text = received.get_body(("plain",))
    assert received["Subject"] == "Grüße €"
    assert text
    assert text.get_content().splitlines() == ["Grüße", ".", "x" * 2000]
    assert [part.get_content() for part in received.iter_attachments()] == [bytes(range(256))]


# --- failures ---


def test_a_failure_ends_a_batch_at_its_message(
    backend: EmailBackend, smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> None:
    server = smtp_server(replies=REFUSED)
    mail_server(server)
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        backend.send_messages([message("One"), message("Two", "nobody@example.com"), message("Three")])
    assert [received.message["Subject"] for received in server.messages] == ["One"]
    assert backend.connection is None


@pytest.mark.parametrize("bad_one", [0, 1, 2])
def test_a_silent_failure_lets_the_rest_of_a_batch_go_out(
    silent: EmailBackend, smtp_server: SMTPServerFactory, mail_server: MailServerFactory, bad_one: int
) -> None:
    server = smtp_server(replies=REFUSED)
    mail_server(server)
    messages = [message(str(number), "nobody@example.com" if number == bad_one else RECIPIENT) for number in range(3)]
    assert silent.send_messages(messages) == 2
    assert len(server.messages) == 2


# S-21
def test_a_server_that_hangs_costs_a_silent_batch_its_time_out_once(
    silent: EmailBackend, scripted_server: ScriptedServerFactory, mail_server: MailServerFactory
) -> None:
    server = scripted_server({"MAIL": scripted.stall})
    mail_server(server, timeout=1)
    assert silent.send_messages([message() for _number in range(5)]) == 0
    assert server.connections == 1


@pytest.mark.parametrize("stage", ["banner", "EHLO", "MAIL", "RCPT", "DATA", "message"])
@pytest.mark.parametrize("fault", ["451 4.3.0 Later", "554 5.7.1 No", scripted.close, scripted.garbage], ids=range(4))
def test_a_failure_at_any_stage_may_be_silent(
    silent: EmailBackend,
    scripted_server: ScriptedServerFactory,
    mail_server: MailServerFactory,
    caplog: pytest.LogCaptureFixture,
    stage: str,
    fault: scripted.Says,
) -> None:
    mail_server(scripted_server({stage: fault, "HELO": fault}))
    assert silent.send_messages([message()]) == 0
    assert [record.getMessage()[:22] for record in caplog.records] == ["Mail could not be sent"]


def test_a_connection_that_cannot_be_opened_may_be_silent(silent: EmailBackend, mail_server: MailServerFactory) -> None:
    mail_server(host="127.0.0.1", port=1)
    assert silent.open() is None
    assert silent.send_messages([message()]) == 0
    with silent as connection:
        assert connection.send_messages([message()]) == 0


@pytest.fixture
def no_table(db: None) -> Iterator[None]:
    """A database to which our migrations have not come yet; restored with the transaction of the test."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {MailServer._meta.db_table} RENAME TO gone")
    with transaction.atomic():
        yield
        transaction.set_rollback(True)  # PostgreSQL does nothing more after an error, until that is taken back
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE gone RENAME TO {MailServer._meta.db_table}")


@pytest.mark.usefixtures("no_table")
def test_a_database_that_fails_is_an_error(backend: EmailBackend, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(DatabaseError):
        backend.send_messages([message()])
    assert MailServer._meta.db_table in caplog.text


@pytest.mark.usefixtures("no_table")
def test_a_database_that_fails_may_be_silent(silent: EmailBackend) -> None:
    assert silent.send_messages([message()]) == 0


def test_a_failure_is_logged_once(
    backend: EmailBackend,
    smtp_server: SMTPServerFactory,
    mail_server: MailServerFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    mail_server(smtp_server(replies=REFUSED))
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        backend.send_messages([message(to="nobody@example.com")])
    assert caplog.record_tuples == [
        ("mailconfig", logging.WARNING, "Mail could not be sent: nobody@example.com: 550 5.1.1 Unknown")
    ]


# --- options ---


if django.VERSION >= (6, 1):  # Django 5.2 takes any option

    @pytest.mark.parametrize("options", [{"host": "mail.example.com"}, {"keep_alive": 5, "use_tls": True}], ids=str)
    def test_an_unknown_option_is_an_error(settings: Settings, options: dict[str, Any]) -> None:
        settings.MAILERS = {"default": {"BACKEND": "mailconfig.backends.EmailBackend", "OPTIONS": options}}
        with pytest.raises(mail.InvalidMailer, match=r"Unknown options '(host|use_tls)'"):
            mail.mailers["default"]


def test_without_an_alias_it_is_the_default_mailer(
    smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> None:
    server = smtp_server()
    mail_server(server)
    assert EmailBackend().send_messages([message()]) == 1
    assert len(server.messages) == 1
