"""Delivery as a task: woken when the caller's transaction commits, by whatever engine the project has."""

from datetime import timedelta
from typing import Any

import django
import pytest
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string
from pytest_django import Settings

from mailconfig.outbox import handling
from mailconfig.outbox.models import QueuedMessage, ScheduledRun, ServerQueue, State
from tests.conftest import MailServerFactory, SMTPServerFactory
from tests.queued_mail import Time, message, queue, queue_one

PACKAGE = "django.tasks" if django.VERSION >= (6, 0) else "django_tasks"


@pytest.fixture
def immediately(settings: Settings) -> None:
    settings.TASKS = {"default": {"BACKEND": f"{PACKAGE}.backends.immediate.ImmediateBackend"}}
    settings.MAILCONFIG_OUTBOX = {"task": True}


@pytest.fixture
def remembered(settings: Settings) -> list[Any]:
    """The tasks that an engine was given."""
    settings.TASKS = {"default": {"BACKEND": f"{PACKAGE}.backends.dummy.DummyBackend"}}
    settings.MAILCONFIG_OUTBOX = {"task": True}
    results: list[Any] = import_string(f"{PACKAGE}.default_task_backend").results
    return results


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


def test_an_engine_that_can_wait_is_asked_to_come_back_and_one_that_can_not_is_not(
    mail_server: MailServerFactory, settings: Settings, remembered: list[Any]
) -> None:
    mail_server(host="127.0.0.1", port=1, auth_method="none", security="none")
    queue_one()
    deliver = import_string("mailconfig.outbox.tasks.deliver")
    deliver.call()
    held = ServerQueue.objects.get().held_until
    assert held
    in_case_of_a_kill, retry = (result.task.run_after for result in remembered)
    assert in_case_of_a_kill > timezone.now() + timedelta(seconds=290)
    assert held <= retry < held + timedelta(seconds=10)
    ScheduledRun.objects.all().delete()
    settings.TASKS = {"default": {"BACKEND": f"{PACKAGE}.backends.immediate.ImmediateBackend"}}
    deliver.call()
    assert not ScheduledRun.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_new_settings_and_a_person_who_resumes_wake_what_waits(
    mail_server: MailServerFactory, smtp_server: SMTPServerFactory, remembered: list[Any]
) -> None:
    row = mail_server(host="127.0.0.1", port=1, auth_method="none", security="none")
    queue_one()
    Time().deliver()
    woken = len(remembered)
    row.save()
    assert len(remembered) == woken
    row.save_changed(["host"])
    assert len(remembered) == woken + 1
    handling.resume(ServerQueue.objects.get())
    assert len(remembered) == woken + 2
