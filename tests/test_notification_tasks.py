"""Tasks on an engine: that one failed is told, and telling itself is one, too."""

import django
import pytest
from django.utils.module_loading import import_string
from pytest_django import Settings

from mailconfig.notifications.models import Happening
from mailconfig.notifications.recording import flush
from oauthconnections.background import task
from tests.notifying import chosen, happens

PACKAGE = "django.tasks" if django.VERSION >= (6, 0) else "django_tasks"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def immediately(settings: Settings) -> None:
    settings.TASKS = {"default": {"BACKEND": f"{PACKAGE}.backends.immediate.ImmediateBackend"}}


@task()
def bill(password: str) -> None:
    raise ValueError("no paper")


def test_a_task_that_fails_is_told_with_its_traceback_and_without_what_it_was_given() -> None:  # S-2
    bill.enqueue(password="hunter2")
    flush()
    row = Happening.objects.get()
    assert row.subject == "tests.test_notification_tasks.bill (ValueError)"
    assert "ValueError: no paper" in row.body
    assert "hunter2" not in row.body


def test_the_tasks_tell_and_look_ahead() -> None:
    send, look = (
        import_string(f"mailconfig.notifications.tasks.{name}") for name in ("send_digests", "check_expiries")
    )
    chosen()
    happens(2)
    assert send.enqueue().return_value == {"mail": 2, "webhook": 0}
    assert look.enqueue().return_value == 0
