"""When delivery runs again as a task: for each time once, and not for what a person has to decide."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from mailconfig.outbox import handling
from mailconfig.outbox.models import QueuedMessage, ScheduledRun, ServerQueue
from mailconfig.outbox.scheduling import next_moment, run_at
from tests.conftest import MailServerFactory, SMTPServerFactory
from tests.queued_mail import Time, queue_one

Trouble = ServerQueue.Trouble
pytestmark = pytest.mark.django_db


def moment(**span: float) -> datetime:
    """So long after the beginning of a year to come."""
    return datetime(2060, 1, 1, tzinfo=UTC) + timedelta(**span)


def test_a_run_is_asked_for_once_for_what_is_due_together() -> None:
    asked: list[datetime] = []
    for seconds in (61, 63, 70, 68):
        run_at(moment(seconds=seconds), asked.append)
    assert asked == [moment(seconds=70)]


def test_an_earlier_run_is_asked_for_and_will_see_to_the_later_one() -> None:
    asked: list[datetime] = []
    for hours in (4, 3, 5, 4):
        run_at(moment(hours=hours), asked.append)
    assert asked == [moment(hours=4), moment(hours=3)]


def test_a_run_whose_time_has_passed_counts_no_longer() -> None:
    ScheduledRun.objects.create(at=timezone.now() - timedelta(seconds=1))
    asked: list[datetime] = []
    run_at(moment(hours=1), asked.append)
    assert [run.at for run in ScheduledRun.objects.all()] == asked


def test_a_run_that_the_engine_refused_is_asked_for_again() -> None:
    def fail(_at: datetime) -> None:
        raise ConnectionError("No Redis")

    with pytest.raises(ConnectionError):
        run_at(moment(hours=1), fail)
    asked: list[datetime] = []
    run_at(moment(hours=1), asked.append)
    assert asked == [moment(hours=1)]


def test_nothing_that_waits_needs_no_run(alice: User) -> None:
    assert next_moment(timezone.now()) is None
    handling.cancel(QueuedMessage.objects.filter(pk=queue_one().pk), alice)
    assert next_moment(timezone.now()) is None


def test_what_was_put_off_is_for_its_time(mail_server: MailServerFactory, smtp_server: SMTPServerFactory) -> None:
    mail_server(smtp_server(replies={"you@example.com": "451 4.7.1 Greylisted"}), auth_method="none")
    time, stored = Time(), queue_one()
    time.deliver()
    stored.refresh_from_db()
    assert next_moment(time.now) == stored.due_at > time.now


def test_mail_for_a_server_that_is_down_is_for_when_that_is_tried_again(mail_server: MailServerFactory) -> None:
    mail_server(host="127.0.0.1", port=1, auth_method="none", security="none")
    queue_one()
    time = Time()
    time.deliver()
    assert next_moment(time.now) == ServerQueue.objects.get().held_until
    ServerQueue.objects.update(second="backup")
    assert next_moment(time.now) == time.now + timedelta(minutes=1)


def test_what_a_limit_kept_back_is_tried_in_a_minute(
    mail_server: MailServerFactory, smtp_server: SMTPServerFactory
) -> None:
    mail_server(smtp_server(), auth_method="none")
    ServerQueue.objects.create(alias="default", per_minute=1)
    queue_one(), queue_one()
    time = Time()
    assert time.deliver().sent == 1
    assert next_moment(time.now) == time.now + timedelta(minutes=1)


def test_what_a_person_has_paused_waits_for_that_person() -> None:
    queue_one()
    ServerQueue.objects.create(alias="default", trouble=Trouble.BY_HAND)
    assert next_moment(timezone.now()) is None
