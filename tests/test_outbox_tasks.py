"""Delivery as a task: woken when the caller's transaction commits, by whatever engine the project has."""

import pytest
from django.db import transaction
from django.utils.module_loading import import_string
from pytest_django import Settings

from mailconfig.outbox.models import QueuedMessage, State
from tests.conftest import MailServerFactory, SMTPServerFactory
from tests.queued_mail import message, queue


@pytest.fixture
def immediately(settings: Settings) -> None:
    settings.TASKS = {"default": {"BACKEND": "django.tasks.backends.immediate.ImmediateBackend"}}
    settings.MAILCONFIG_OUTBOX = {"task": True}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("immediately")
def test_a_task_delivers_at_commit_and_not_before(
    smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> None:
    server = smtp_server()
    mail_server(server, auth_method="none")
    with transaction.atomic():
        queue(message(1), message(2))
        assert server.messages == []
    assert len(server.messages) == 2
    assert set(QueuedMessage.objects.values_list("state", flat=True)) == {State.SENT}


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("immediately")
def test_a_task_that_is_rolled_back_with_its_mail_does_not_run(smtp_server: SMTPServerFactory) -> None:  # S-27
    server = smtp_server()
    with transaction.atomic():
        queue(message())
        transaction.set_rollback(True)
    assert server.messages == []


def test_the_tasks_say_what_they_did(db: None, settings: Settings, immediately: None) -> None:
    deliver, tidy = (import_string(f"mailconfig.outbox.tasks.{name}") for name in ("deliver", "tidy"))
    assert deliver.enqueue().return_value == {"sent": 0, "failed": 0, "deferred": 0}
    assert tidy.enqueue().return_value == {"sent": 0, "failed": 0, "cancelled": 0}
