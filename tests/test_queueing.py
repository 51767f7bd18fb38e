"""QueuedEmailBackend: what is accepted is stored, with the caller's transaction or not at all."""

from typing import Any

import django
import pytest
from django.core import mail
from django.core.mail import EmailMessage, send_mail
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from mailconfig.mailers import our_aliases
from mailconfig.outbox.backends import QueuedEmailBackend
from mailconfig.outbox.models import MessageContent, Priority, QueuedMessage, State
from tests.conftest import MailServerFactory

BACKEND = "mailconfig.outbox.backends.QueuedEmailBackend"


@pytest.fixture
def queue_mail(db: None, settings: Settings) -> None:
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": {"BACKEND": BACKEND}}
    else:
        settings.EMAIL_BACKEND = BACKEND


def message(number: int = 1, **fields: Any) -> EmailMessage:
    values = {"subject": f"Number {number}", "body": "Hi", "from_email": "me@example.com", "to": ["you@example.com"]}
    return EmailMessage(**values | fields)


def queue(*messages: EmailMessage, **options: Any) -> int:
    return QueuedEmailBackend(alias="default", **options).send_messages(messages)


@pytest.mark.usefixtures("queue_mail")
def test_a_mail_is_stored_with_its_bytes_and_not_sent() -> None:
    assert send_mail("Grüße", "Hi", "Me <me@example.com>", ["you@example.com", "other@example.com"]) == 1
    [stored] = QueuedMessage.objects.all()
    assert (stored.alias, stored.state, stored.attempts, stored.priority) == ("default", State.QUEUED, 0, 1)
    assert (stored.sender, stored.addresses) == ("me@example.com", ["you@example.com", "other@example.com"])
    assert stored.subject == "Grüße"
    data = bytes(stored.content.data)
    assert b"From: Me <me@example.com>\r\n" in data
    assert f"Message-ID: {stored.message_id}\r\n".encode() in data
    assert stored.message_id.startswith("<")
    assert stored.size == len(data)
    assert mail.outbox == []


def test_a_batch_counts_those_with_recipients(db: None) -> None:
    assert queue(message(1), message(2, to=[]), message(3, to=[], bcc=["a@example.com"])) == 2
    assert list(QueuedMessage.objects.values_list("recipients", flat=True)) == ["a@example.com", "you@example.com"]
    assert b"a@example.com" not in bytes(QueuedMessage.objects.get(subject="Number 3").content.data)
    assert queue() == 0


def test_a_thousand_are_stored_by_few_statements(db: None) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert queue(*(message(number) for number in range(1000))) == 1000
    assert QueuedMessage.objects.count() == MessageContent.objects.count() == 1000
    if connection.features.can_return_rows_from_bulk_insert:
        assert len(queries) < 60


def test_a_single_one_is_stored_by_as_few(db: None) -> None:
    queue(message())  # what is prepared once
    with CaptureQueriesContext(connection) as queries:
        queue(message())
    assert len(queries) <= {"postgresql": 2, "sqlite": 3}.get(connection.vendor, 6)  # the settings, then the message
    assert MessageContent.objects.count() == 2


def test_a_rolled_back_transaction_sends_nothing(transactional_db: None) -> None:  # S-27
    with transaction.atomic():
        queue(message())
        transaction.set_rollback(True)
    assert not QueuedMessage.objects.exists()


def test_a_message_that_cant_be_sent_to_any_server_lets_none_of_its_batch_in(db: None) -> None:  # S-19
    with pytest.raises(ValueError, match="Invalid address"):
        queue(message(1), message(2, to=["a@example.com\r\nRCPT TO:<b@example.com>"]))
    with pytest.raises(ValueError, match="line"):
        queue(message(1), message(2, subject="one\r\nBcc: two@example.com"))
    assert not QueuedMessage.objects.exists()


def test_the_sender_is_the_one_that_a_direct_mail_would_have(
    mail_server: MailServerFactory, settings: Settings
) -> None:
    mail_server(host="smtp.example.com", from_name="Shop")
    queue(message(from_email=settings.DEFAULT_FROM_EMAIL))
    stored = QueuedMessage.objects.get()
    assert stored.sender == "site@example.com"
    assert b"From: Shop <site@example.com>\r\n" in bytes(stored.content.data)


def test_mail_is_accepted_before_a_server_is_configured(db: None) -> None:
    assert queue(message()) == 1


def test_newsletters_go_after_other_mail_and_a_mailer_may_go_before(db: None) -> None:
    queue(message(1, headers={"Precedence": "bulk"}))
    queue(message(2), priority="high")
    queue(message(3), priority="low")
    assert [m.priority for m in QueuedMessage.objects.order_by("pk")] == [Priority.LOW, Priority.HIGH, Priority.LOW]
    with pytest.raises(ValueError, match="urgent"):
        QueuedEmailBackend(alias="default", priority="urgent")


@pytest.mark.django_db(transaction=True)
def test_a_database_that_fails_is_told_or_silent_and_the_callers_transaction_lives() -> None:  # S-27
    with connection.schema_editor() as editor:
        editor.execute("ALTER TABLE outbox_messagecontent RENAME TO elsewhere")
    try:
        with pytest.raises(DatabaseError):
            queue(message())
        with transaction.atomic():
            assert queue(message(), fail_silently=True) == 0
            assert not QueuedMessage.objects.exists()
    finally:
        with connection.schema_editor() as editor:
            editor.execute("ALTER TABLE elsewhere RENAME TO outbox_messagecontent")


def test_it_opens_and_closes_as_others_do(db: None) -> None:
    backend = QueuedEmailBackend(alias="default")
    assert backend.open() is True
    assert backend.open() is False
    backend.close()
    with backend as entered:
        assert entered.send_messages([message(), message()]) == 2


if django.VERSION >= (6, 1):  # MAILERS came with it

    def test_an_unknown_option_is_refused(settings: Settings) -> None:
        settings.MAILERS = {"default": {"BACKEND": BACKEND, "OPTIONS": {"host": "smtp.example.com"}}}
        with pytest.raises(mail.InvalidMailer, match="host"):
            mail.mailers["default"]


@pytest.mark.usefixtures("queue_mail")
def test_its_mailer_is_one_of_ours() -> None:
    assert our_aliases() == ["default"]
