"""Scheduled jobs in the admin: what is shown, changed, and run by hand. Who may is in test_access.py."""

import html
import re
from datetime import time, timedelta
from typing import Any

import django
import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from mailconfig.scheduling.interval_text import interval_text
from mailconfig.scheduling.models import Outcome, ScheduledJob
from tests.scheduled_jobs import add_job

LIST = "/admin/scheduling/scheduledjob/"


@pytest.fixture(autouse=True)
def alice_client(client: Client, alice: User) -> Client:
    alice.user_permissions.add(Permission.objects.get(codename="run_scheduledjob"))
    client.force_login(alice)
    return client


def url(row: ScheduledJob, name: str = "change") -> str:
    return reverse(f"admin:scheduling_scheduledjob_{name}", args=[row.pk])


def text_of(answer: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", answer.text)).split())


def fail() -> None:
    raise ValueError("password=s3cret")


@pytest.mark.parametrize(
    ("minutes", "at", "text"),
    [
        (1, None, "every minute"),
        (90, None, "every 90 minutes"),
        (60, None, "every hour"),
        (360, None, "every 6 hours"),
        (1440, None, "every day"),
        (1440, time(18, 30), "every day at 6:30 p.m."),
        (10080, None, "every 7 days"),
    ],
)
def test_an_interval_is_said_in_words(minutes: int, at: time | None, text: str) -> None:
    assert interval_text(minutes, at) == text


def test_the_list_has_each_job_also_one_that_was_never_looked_at(client: Client) -> None:
    text = text_of(client.get(LIST))
    assert "Check the mail server without sending Never run every day at 6 a.m. -" in text
    assert "Renew idle OAuth accounts" in text
    assert "Nobody runs" not in text


def test_a_job_of_an_app_that_is_gone_is_not_shown(client: Client) -> None:
    row = ScheduledJob.objects.create(name="gone", every=60, next_run=timezone.now() - timedelta(days=1))
    assert "gone" not in text_of(client.get(LIST))
    assert client.post(url(row, "run")).status_code == 404


def test_the_list_says_when_nobody_runs_the_jobs(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:  # S-30
    add_job(monkeypatch, fail, next_run=timezone.now() - timedelta(minutes=6))
    assert "Nobody runs what is due: Job job. Start “manage.py deliver_mail”" in text_of(client.get(LIST))
    ScheduledJob.objects.filter(name="job").update(enabled=False)
    assert "Nobody runs" not in text_of(client.get(LIST))


def test_a_job_is_run_by_hand_before_its_time(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = timezone.now() + timedelta(minutes=20)
    row = add_job(monkeypatch, lambda: "Did it.", next_run=planned)
    answer = client.post(url(row, "run"), follow=True)
    assert "“Job job” was run. Did it." in text_of(answer)
    row.refresh_from_db()
    assert (row.outcome, row.next_run) == (Outcome.OK, planned)
    assert "“Job job” was run. Did it." in text_of(client.get(url(row, "history")))


def test_a_failed_job_shows_its_error_and_no_secret(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:  # S-2
    row = add_job(monkeypatch, fail)
    pages = [client.post(url(row, "run"), follow=True), client.get(LIST), client.get(url(row, "history"))]
    for page in pages:
        assert "It was stopped by an error: ValueError." in text_of(page)
        assert "s3cret" not in page.text


def test_several_are_run_by_the_action_for_who_may(
    client: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [add_job(monkeypatch, lambda: "Did it.", name) for name in ("a", "b")]
    chosen = {"action": "run_now", "_selected_action": [row.pk for row in rows]}
    alice.user_permissions.remove(Permission.objects.get(codename="run_scheduledjob"))
    client.post(LIST, chosen)
    assert not ScheduledJob.objects.filter(outcome=Outcome.OK).exists()
    assert "Run now" not in text_of(client.get(url(rows[0])))
    alice.user_permissions.add(Permission.objects.get(codename="run_scheduledjob"))
    text = text_of(client.post(LIST, chosen, follow=True))
    assert "“Job a” was run." in text
    assert "“Job b” was run." in text


def test_what_runs_already_is_not_run_again(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    until = timezone.now() + timedelta(minutes=5)
    row = add_job(monkeypatch, fail, lease="other", leased_until=until, outcome=Outcome.RUNNING)
    assert "“Job job” runs already." in text_of(client.post(url(row, "run"), follow=True))


def test_what_an_engine_has_taken_is_said(client: Client, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    module = "django.tasks" if django.VERSION >= (6, 0) else "django_tasks"
    settings.TASKS = {"default": {"BACKEND": f"{module}.backends.dummy.DummyBackend"}}
    row = add_job(monkeypatch, fail)
    assert "“Job job” was handed to the task engine." in text_of(client.post(url(row, "run"), follow=True))


def change(client: Client, row: ScheduledJob, **typed: str) -> Any:
    return client.post(url(row), {"enabled": "on", "every": "60", "at": "", **typed}, follow=True)


def test_a_new_interval_counts_from_now(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    row = add_job(monkeypatch, fail, next_run=timezone.now() + timedelta(days=5))
    before = timezone.now()
    change(client, row, every="5")
    row.refresh_from_db()
    assert before + timedelta(minutes=5) <= row.next_run <= timezone.now() + timedelta(minutes=5)
    assert "Changed Interval in minutes" in text_of(client.get(url(row, "history")))


def test_saving_what_a_host_runs_leaves_it_to_that_host(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    row = add_job(monkeypatch, fail)
    original = ScheduledJob.save

    def meanwhile(self: ScheduledJob, **fields: Any) -> None:
        ScheduledJob.objects.update(lease="host", outcome=Outcome.RUNNING)  # between reading and writing the row
        original(self, **fields)

    monkeypatch.setattr(ScheduledJob, "save", meanwhile)
    change(client, row, every="5")
    row.refresh_from_db()
    assert (row.every, row.lease, row.outcome) == (5, "host", Outcome.RUNNING)


@pytest.mark.parametrize(
    ("typed", "error"), [({"every": "0"}, "greater than or equal to 1"), ({"at": "06:00"}, "1440")]
)
def test_what_can_not_be_is_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch, typed: dict[str, str], error: str
) -> None:
    row = add_job(monkeypatch, fail)
    assert error in text_of(change(client, row, **typed))
    assert ScheduledJob.objects.get(pk=row.pk).every == 60
