"""What became of real mail is on the page, costs next to nothing, and what worked can be brought back."""

from smtplib import SMTPException
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.core.signals import request_finished
from django.db import connection, transaction
from django.test import Client
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from mailconfig.models import MailServer
from mailconfig.outcomes import notes
from mailconfig.sending_record import SendingRecord
from tests.conftest import MailServerFactory, ScriptedServerFactory, SMTPServerFactory
from tests.settings_page import Page, opened, saved, url

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def alice_client(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def send() -> None:
    send_mail("Hello", "Hello", None, ["reader@example.com"])


def fail() -> None:
    with pytest.raises(SMTPException):
        send()


# --- the status line ---


def test_a_sent_mail_is_on_the_page(
    client: Client, mail_server: MailServerFactory, smtp_server: SMTPServerFactory
) -> None:
    mail_server(smtp_server())
    send()
    assert "Mail works: last sent 0 minutes ago." in opened(client).text


def test_a_failure_is_on_the_page_with_what_to_do_until_mail_is_sent(
    client: Client, mail_server: MailServerFactory, scripted_server: ScriptedServerFactory
) -> None:
    server = scripted_server({"MAIL": ["550 5.7.60 Not you", "550 5.7.60 Not you", "250 Fine"]})
    mail_server(server)
    send_and_fail = [fail, fail]
    for one in send_and_fail:
        one()
    page = opened(client)
    assert "Sending has failed since" in page.text
    assert "550 5.7.60 Not you What to do" in page.text
    assert "Use the address of the account that logs in as sender" in page.text
    send()
    assert "Mail works: last sent" in opened(client).text


def test_a_recipient_that_is_refused_is_no_fault_of_the_server(
    client: Client, mail_server: MailServerFactory, scripted_server: ScriptedServerFactory
) -> None:
    mail_server(scripted_server({"RCPT": "550 5.1.1 Unknown"}))
    fail()
    assert "Not tested yet" in opened(client).text


def test_other_settings_have_to_prove_themselves(
    client: Client, mail_server: MailServerFactory, smtp_server: SMTPServerFactory
) -> None:
    mail_server(smtp_server())
    send()
    saved(client, timeout="9")
    assert "Not tested yet" in opened(client).text


# --- what it costs ---


def test_the_next_mails_cost_nothing_more(
    mail_server: MailServerFactory, smtp_server: SMTPServerFactory, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    mail_server(smtp_server())
    send()
    with django_assert_num_queries(3):  # one each, to read the settings
        for _mail in range(3):
            send()


def test_nothing_is_written_in_a_transaction_of_the_caller(
    mail_server: MailServerFactory, smtp_server: SMTPServerFactory, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    mail_server(smtp_server())
    with transaction.atomic():
        with django_assert_num_queries(1):
            send()
        assert not SendingRecord.objects.exists()
    assert SendingRecord.objects.get().sent_at


def test_a_failure_outlives_the_transaction_that_it_undid(
    mail_server: MailServerFactory, scripted_server: ScriptedServerFactory
) -> None:
    mail_server(scripted_server({"AUTH": "535 5.7.8 No"}), username="me", password="secret", auth_method="plain",
                security="none")  # fmt: skip
    with pytest.raises(SMTPException), transaction.atomic():
        send()
    assert not SendingRecord.objects.exists()
    request_finished.send(sender=None)
    record = SendingRecord.objects.get()
    assert record.failed_step == "authenticate"
    assert "535 5.7.8 No" in record.error
    assert "secret" not in record.error  # S-2


def test_a_mail_is_sent_also_if_nothing_can_be_noted(
    mail_server: MailServerFactory, smtp_server: SMTPServerFactory
) -> None:
    server = smtp_server()
    mail_server(server)

    def refuse(execute: Any, sql: str, *arguments: Any) -> Any:
        if not sql.startswith("SELECT"):
            raise RuntimeError("The disk is full")
        return execute(sql, *arguments)

    with connection.execute_wrapper(refuse):
        send()
        send()
    assert len(server.messages) == 2
    assert not SendingRecord.objects.exists()


def test_a_project_without_a_row_notes_nothing(
    mail_server: MailServerFactory, smtp_server: SMTPServerFactory, settings: Settings
) -> None:
    server = smtp_server()
    settings.MAILCONFIG = {"host": server.host, "port": server.port, "security": "none", "auth_method": "none",
                           "from_email": "site@example.com"}  # fmt: skip
    mail_server()
    MailServer.objects.all().delete()
    send()
    assert notes._waiting == {}


# --- what worked ---

BUTTON = "Bring back the settings that worked on"


def worked_then_changed(client: Client, mail_server: MailServerFactory, server: Any) -> None:
    mail_server(server, username="me", password="good-secret", auth_method="plain")
    send()
    page = saved(client, port="1", password="bad-secret", confirm_clear_text="on")
    assert page.errors == {}


def test_the_settings_that_worked_are_brought_back_with_their_secret(
    client: Client, mail_server: MailServerFactory, smtp_server: SMTPServerFactory
) -> None:
    server = smtp_server(security="starttls", users={"me": "good-secret"})
    worked_then_changed(client, mail_server, server)
    page = opened(client)
    assert BUTTON in page.text
    revision = MailServer.objects.get().revision
    answer = Page.of(client.post(url("restore"), follow=True))
    assert "The settings that worked are in force again." in answer.text
    assert BUTTON not in answer.text
    row = MailServer.objects.get()
    assert (row.port, row.password, row.revision) == (server.port, "good-secret", revision + 1)
    told = LogEntry.objects.order_by("-pk")[0].get_change_message()
    assert f"Port: 1 → {server.port}" in told
    assert "Password (not shown)" in told
    for shown in (page.html, answer.html, told):  # S-2
        assert "-secret" not in shown
    send()
    assert len(server.messages) == 2


def test_it_is_encrypted_where_it_is_kept(  # S-1
    client: Client, mail_server: MailServerFactory, smtp_server: SMTPServerFactory
) -> None:
    mail_server(smtp_server(users={"me": "good-secret"}), username="me", password="good-secret", auth_method="plain")
    send()
    with connection.cursor() as cursor:
        cursor.execute("SELECT working FROM mailconfig_sendingrecord")
        (stored,) = cursor.fetchone()
    assert stored.startswith("enc:v1:")
    assert "good-secret" not in repr(SendingRecord.objects.get().working)


def test_a_test_of_what_is_saved_counts_as_well(
    client: Client, mail_server: MailServerFactory, smtp_server: SMTPServerFactory
) -> None:
    mail_server(smtp_server())
    client.post(url("test"), {"recipient": "me@example.com"})
    assert SendingRecord.objects.get().working_revision == MailServer.objects.get().revision
    saved(client, port="1")
    assert BUTTON in opened(client).text


def test_there_is_no_button_while_mail_works(
    client: Client, mail_server: MailServerFactory, smtp_server: SMTPServerFactory
) -> None:
    mail_server(smtp_server())
    send()
    assert BUTTON not in opened(client).text
    saved(client, from_name="Shop")
    send()
    assert BUTTON not in opened(client).text
    assert "There are no other settings" in Page.of(client.post(url("restore"), follow=True)).text


def test_a_secret_is_brought_back_for_no_other_server(  # S-2
    client: Client, mail_server: MailServerFactory, smtp_server: SMTPServerFactory, settings: Settings
) -> None:
    worked_then_changed(client, mail_server, smtp_server(users={"me": "good-secret"}))
    settings.MAILCONFIG = {"host": "evil.example.com"}
    before = MailServer.objects.values().get()
    assert "fix another server" in Page.of(client.post(url("restore"), follow=True)).text
    assert MailServer.objects.values().get() == before


def test_who_may_only_view_has_no_button(
    client: Client, bob: User, mail_server: MailServerFactory, smtp_server: SMTPServerFactory
) -> None:
    worked_then_changed(client, mail_server, smtp_server(users={"me": "good-secret"}))
    client.force_login(bob)
    assert BUTTON not in opened(client).text
