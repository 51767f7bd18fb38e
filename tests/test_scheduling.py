"""Scheduled jobs: which there are, what becomes of them, who runs them, who is told."""

import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from typing import Any

import django
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.dispatch import Signal
from django.utils import timezone
from django.utils.module_loading import import_string
from pytest_django import Settings

from mailconfig.outbox.working import Delivering
from mailconfig.scheduling import jobs, running
from mailconfig.scheduling.jobs import Job, JobFailed, register
from mailconfig.scheduling.models import Outcome, ScheduledJob
from mailconfig.scheduling.running import run, run_due, start
from mailconfig.scheduling.signals import job_failed, job_late
from tests.scheduled_jobs import add_job

OWN = [
    *("mailconfig.check_expiries", "mailconfig.check_mail_servers", "mailconfig.renew_accounts"),
    *("mailconfig.send_digests", "mailconfig.tidy_outbox"),
]
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

Add = Callable[..., ScheduledJob]


@pytest.fixture
def add(db: None, monkeypatch: pytest.MonkeyPatch) -> Add:
    """`add(task, "name", enabled=False)`: a job that is due."""
    return lambda task, name="job", **fields: add_job(monkeypatch, task, name, **fields)


@contextmanager
def told(signal: Signal) -> Iterator[list[dict[str, Any]]]:
    """What the signal has said."""
    heard: list[dict[str, Any]] = []

    def listen(**said: Any) -> None:
        heard.append(said)

    signal.connect(listen)
    yield heard
    signal.disconnect(listen)


def fail() -> None:
    raise ValueError("password=s3cret")


# --- which ---


def test_a_job_needs_a_name_of_its_own_and_an_interval_that_can_be() -> None:
    for refused in (
        Job(OWN[0], "Another", fail, HOUR),
        Job("daily", "Daily", fail, HOUR, at=time(6)),
        Job("always", "Always", fail, timedelta(seconds=30)),
    ):
        with pytest.raises(ImproperlyConfigured):
            register(refused)
    assert sorted(jobs.REGISTERED) == OWN


def test_a_job_is_a_function_a_task_or_the_path_to_either(db: None) -> None:
    path = "oauthconnections.tasks.renew_idle_accounts"
    tasks = (lambda: "Did it", "mailconfig.scheduling.own_jobs.tidy_outbox", path, import_string(path))
    found = [Job("job", "Job", task, HOUR).run() for task in tasks]
    assert found == ["Did it", "Deleted: 0 sent, 0 failed, 0 cancelled.", "", ""]  # only a text is for people


# --- running ---


def test_each_own_job_gets_a_row_and_waits_for_its_time(db: None) -> None:
    now = timezone.now()
    assert [row.name for row in running.rows()] == OWN
    assert all(now < row.next_run <= now + DAY for row in running.rows())
    assert run_due() == []


def test_a_due_job_is_run_and_its_outcome_noted(add: Add) -> None:
    row = add(lambda: "Did it")
    planned = row.next_run
    assert run_due() == ["job"]
    row.refresh_from_db()
    assert (row.outcome, row.detail, row.lease) == (Outcome.OK, "Did it", "")
    assert row.next_run == planned + HOUR
    assert row.last_run
    assert row.last_finished
    assert row.last_run <= row.last_finished
    assert row.host
    assert run_due() == []


def test_what_was_missed_for_days_is_run_once(add: Add) -> None:
    runs: list[int] = []
    add(lambda: runs.append(1), next_run=timezone.now() - 5 * DAY)
    for _tick in range(3):
        run_due()
    assert runs == [1]


def test_a_job_that_is_switched_off_does_not_run(add: Add) -> None:
    add(fail, enabled=False)
    assert run_due() == []


def test_a_failed_job_tells_its_error_and_the_others_run(add: Add) -> None:
    def refuse() -> None:
        raise JobFailed("The server is asleep.")

    add(refuse, "a")
    add(lambda: "Fine", "b")
    with told(job_failed) as heard:
        assert run_due() == ["a", "b"]
    row = ScheduledJob.objects.get(name="a")
    assert (row.outcome, row.detail) == (Outcome.FAILED, "The server is asleep.")
    assert [(one["sender"], one["job"], one["error"]) for one in heard] == [(ScheduledJob, row, row.detail)]
    assert ScheduledJob.objects.get(name="b").outcome == Outcome.OK


def test_the_words_of_an_unforeseen_error_are_not_kept(add: Add) -> None:  # S-2
    row = add(fail)
    with told(job_failed) as heard:
        run_due()
    row.refresh_from_db()
    assert "ValueError" in row.detail
    assert "s3cret" not in row.detail
    assert "s3cret" not in str(heard)


def test_a_receiver_that_fails_keeps_no_job_from_ending(add: Add) -> None:
    def refuse(**_signal: Any) -> None:
        raise RuntimeError

    row = add(fail)
    job_failed.connect(refuse)
    try:
        run_due()
    finally:
        job_failed.disconnect(refuse)
    row.refresh_from_db()
    assert row.lease == ""


def test_of_two_who_read_the_same_row_one_runs_it(add: Add) -> None:
    runs: list[int] = []
    row = add(lambda: runs.append(1))
    same = ScheduledJob.objects.get(pk=row.pk)
    assert [start(row), start(same)] == [True, False]
    assert runs == [1]


def test_nobody_takes_a_job_that_somebody_else_runs_until_its_lease_ends(add: Add) -> None:
    runs: list[int] = []
    row = add(lambda: runs.append(1), lease="other", leased_until=timezone.now() + HOUR, outcome=Outcome.RUNNING)
    assert run_due() == []
    ScheduledJob.objects.update(leased_until=timezone.now())
    assert run_due() == ["job"]
    row.refresh_from_db()
    assert (runs, row.outcome) == ([1], Outcome.OK)


def test_who_was_away_for_longer_than_its_lease_changes_nothing(add: Add) -> None:
    def overtaken() -> str:
        ScheduledJob.objects.update(lease="other", outcome=Outcome.RUNNING)
        return "Too late"

    row = add(overtaken)
    run_due()
    row.refresh_from_db()
    assert (row.lease, row.outcome, row.detail) == ("other", Outcome.RUNNING, "")


def test_a_token_runs_a_job_once_however_often_an_engine_delivers_it(add: Add) -> None:
    runs: list[int] = []
    add(lambda: runs.append(1), lease="token", leased_until=timezone.now() + HOUR)
    run("job", "token")
    run("job", "token")
    run("job", "another")
    assert runs == [1]


def test_a_worker_that_shall_end_begins_no_other_job(add: Add) -> None:
    stop = threading.Event()
    add(stop.set, "a")
    add(fail, "b")
    assert run_due(stop) == ["a"]


# --- engines ---


BACKENDS = "django.tasks.backends" if django.VERSION >= (6, 0) else "django_tasks.backends"


@pytest.fixture
def engine(settings: Settings) -> None:
    """One that takes tasks and runs none."""
    settings.TASKS = {"default": {"BACKEND": f"{BACKENDS}.dummy.DummyBackend"}}


@pytest.fixture
def broken_engine(settings: Settings) -> None:
    settings.TASKS = {"default": {"BACKEND": "no.such.Engine"}}


def test_what_an_engine_has_taken_waits_there_and_is_not_handed_over_again(add: Add, engine: None) -> None:
    row = add(fail)
    assert run_due() == ["job"]
    assert run_due() == []
    row.refresh_from_db()
    assert row.outcome == Outcome.WAITING


def test_an_engine_that_runs_nothing_is_noticed(add: Add, engine: None) -> None:
    row = add(fail)
    run_due()
    ScheduledJob.objects.filter(pk=row.pk).update(next_run=timezone.now() - 2 * HOUR)
    with told(job_late) as heard:
        run_due()
    assert len(heard) == 1


@pytest.mark.usefixtures("broken_engine")
def test_an_engine_that_takes_nothing_is_told_once_and_asked_again(add: Add, caplog: pytest.LogCaptureFixture) -> None:
    row = add(fail)
    with told(job_failed) as heard:
        for _minute in range(3):
            assert run_due() == ["job"]
            ScheduledJob.objects.filter(pk=row.pk).update(leased_until=timezone.now())
    row.refresh_from_db()
    assert row.outcome == Outcome.FAILED
    assert "did not take the job" in row.detail
    assert len(heard) == 1


# --- late ---


def test_a_job_that_missed_two_intervals_is_told_once_per_lateness(add: Add) -> None:
    row = add(lambda: "Did it", next_run=timezone.now() - HOUR - timedelta(minutes=1), enabled=True)
    with told(job_late) as heard:
        ScheduledJob.objects.update(lease="other", leased_until=timezone.now() + HOUR, outcome=Outcome.WAITING)
        for _tick in range(3):
            run_due()
        assert [one["job"] for one in heard] == [row]
        ScheduledJob.objects.filter(pk=row.pk).update(leased_until=timezone.now())
        assert run_due() == ["job"]
        ScheduledJob.objects.filter(pk=row.pk).update(next_run=timezone.now() - 2 * HOUR)
        run_due()
    assert len(heard) == 2


def test_a_job_that_runs_or_is_switched_off_is_not_late(add: Add) -> None:
    old = timezone.now() - 5 * HOUR
    add(fail, "a", next_run=old, enabled=False)
    add(fail, "b", next_run=old, lease="other", leased_until=timezone.now() + HOUR, outcome=Outcome.RUNNING)
    with told(job_late) as heard:
        assert run_due() == []
    assert heard == []


# --- who runs them ---


def test_a_worker_of_the_outbox_runs_them(add: Add) -> None:
    row = add(lambda: "Did it")
    Delivering().tick()
    row.refresh_from_db()
    assert row.outcome == Outcome.OK


def run_scheduled(*arguments: str) -> str:
    out = io.StringIO()
    call_command("run_scheduled", "--once", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_runs_them_once_and_tells_how_they_ended(add: Add) -> None:
    add(lambda: "Did it")
    [job] = json.loads(run_scheduled("--json"))["jobs"]
    assert (job["name"], job["outcome"], job["detail"]) == ("job", "ok", "Did it")
    assert datetime.fromisoformat(job["next_run"]) > timezone.now()
    assert run_scheduled().strip() == "No job was due."


def test_the_command_ends_with_1_if_a_job_failed(add: Add, capsys: pytest.CaptureFixture[str]) -> None:
    add(fail)
    with pytest.raises(SystemExit, match="1"):
        run_scheduled()
