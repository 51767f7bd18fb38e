"""What this and other apps tell of: accounts, mail, tasks, jobs, and what expires."""

from datetime import timedelta
from typing import Final

import pytest
from django.core.mail import send_mail
from django.utils import timezone

from mailconfig.models import MailServer
from mailconfig.notifications.expiries import check_expiries
from mailconfig.notifications.models import Happening, Notifications
from mailconfig.notifications.receivers import tell_task_finished
from mailconfig.notifications.recording import flush
from mailconfig.outbox import signals as outbox
from mailconfig.outbox.models import ServerQueue
from mailconfig.outbox.working import Delivering
from mailconfig.outcomes import note_test
from mailconfig.scheduling.jobs import JobFailed
from mailconfig.scheduling.running import run_due
from oauthconnections.models import OAuthAccount, OAuthConnection
from oauthconnections.signals import account_lost
from tests.conftest import MailServerFactory, ScriptedServerFactory
from tests.notifying import chosen, raised
from tests.scheduled_jobs import add_job
from tests.servers.certificates import Authority

pytestmark = pytest.mark.django_db

HOUR: Final = timedelta(hours=1)


def told() -> list[tuple[str, str]]:
    """Occasion and subject of all that happened."""
    flush()
    return list(Happening.objects.order_by("pk").values_list("occasion", "subject"))


def only() -> Happening:
    flush()
    return Happening.objects.get()


def fail() -> None:
    raised(lambda: send_mail("Hello", "Hello", None, ["reader@example.com"]))


# --- accounts ---


def test_an_account_that_needs_a_person(contoso: OAuthConnection) -> None:  # S-11
    account = OAuthAccount.objects.create(connection=contoso, email="jane@contoso.com", last_error="invalid_grant")
    account_lost.send(OAuthAccount, account=account)
    assert told() == [("account_lost", "The account jane@contoso.com has to be authenticated again")]
    assert "invalid_grant" in only().body
    assert only().url == f"/admin/oauthconnections/oauthaccount/{account.pk}/change/"


# --- mail ---


@pytest.mark.django_db(transaction=True)
def test_that_sending_stops_and_works_again_is_told_once_each(
    scripted_server: ScriptedServerFactory, mail_server: MailServerFactory
) -> None:
    mail_server(scripted_server({"MAIL": ["550 5.7.60 Not you"] * 3 + ["250 Fine"]}), auth_method="none")
    for _time in range(3):
        fail()
    assert told() == [("sending", "Sending has stopped: 550 5.7.60 Not you")]
    assert only().count == 1
    send_mail("Hello", "Hello", None, ["reader@example.com"])
    send_mail("Hello", "Hello", None, ["reader@example.com"])
    assert told()[1:] == [("sending", "Sending works again")]
    assert set(Happening.objects.values_list("count", flat=True)) == {1}


@pytest.mark.django_db(transaction=True)
def test_a_test_email_that_is_accepted_ends_it_too(
    scripted_server: ScriptedServerFactory, mail_server: MailServerFactory
) -> None:
    server = mail_server(scripted_server({"MAIL": "550 5.7.60 Not you"}), auth_method="none")
    note_test(server, "")
    assert told() == []
    fail()
    note_test(server, "")
    assert [subject for _occasion, subject in told()] == [
        "Sending has stopped: 550 5.7.60 Not you",
        "Sending works again",
    ]


@pytest.mark.django_db(transaction=True)
def test_mail_that_works_again_brings_the_next_mail_forward(
    scripted_server: ScriptedServerFactory, mail_server: MailServerFactory
) -> None:
    server = mail_server(scripted_server({"MAIL": "550 5.7.60 Not you"}), auth_method="none")
    later = timezone.now() + timedelta(hours=5)
    chosen(mail_error="refused", mail_next_at=later, webhook_next_at=later)
    fail()
    note_test(server, "")
    row = Notifications.objects.get()
    assert row.mail_next_at < timezone.now()
    assert row.webhook_next_at == later


def test_a_queue_that_waits_for_a_person_and_goes_on(db: None) -> None:  # S-28
    queue = ServerQueue.objects.create(alias="default", trouble="login", problem="535 5.7.8 Bad credentials")
    outbox.queue_paused.send(ServerQueue, queue=queue)
    assert told() == [("sending", "Queued mail waits: The server refuses the login")]
    assert only().body.startswith("535 5.7.8 Bad credentials\n")
    assert only().url == f"/admin/outbox/serverqueue/{queue.pk}/change/"
    outbox.queue_resumed.send(ServerQueue, queue=queue)
    assert told()[1:] == [("sending", "Queued mail goes out again")]


def test_messages_that_fail_for_good_are_one_group() -> None:  # S-26
    for number in range(3):
        outbox.message_failed.send(None, pk=number, reason=f"550 5.1.1 No user{number}")
    assert only().count == 3
    assert only().url == "/admin/outbox/queuedmessage/?state__exact=failed"
    assert told() == [("message_failed", "550 5.1.1 No user0")]


# --- tasks and jobs ---


class Task:
    def __init__(self, path: str) -> None:
        self.module_path = path


class Error:
    exception_class_path = "builtins.ValueError"
    traceback = "Traceback (most recent call last): ..."


class Result:
    def __init__(self, path: str, status: str) -> None:
        self.task, self.status, self.errors = Task(path), status, [Error()] * (status == "FAILED")


def test_a_task_that_failed_and_if_wanted_one_that_finished() -> None:
    tell_task_finished(Result("shop.tasks.bill", "FAILED"))
    tell_task_finished(Result("shop.tasks.bill", "SUCCESSFUL"))
    assert told() == [("task_failed", "shop.tasks.bill (ValueError)")]
    assert only().body == Error.traceback
    chosen(switched={"task_finished": True})
    tell_task_finished(Result("shop.tasks.bill", "SUCCESSFUL"))
    assert told()[1:] == [("task_finished", "shop.tasks.bill")]


def test_no_task_of_telling_is_told_of() -> None:
    tell_task_finished(Result("mailconfig.notifications.tasks.send_digests", "FAILED"))
    assert told() == []


def test_jobs_that_failed_or_did_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise JobFailed("no paper")

    add_job(monkeypatch, refuse, "bills")
    long_ago = timezone.now() - timedelta(days=1)
    late = add_job(monkeypatch, refuse, "report", next_run=long_ago, lease="lost", leased_until=timezone.now() + HOUR)
    run_due()
    assert sorted(told()) == [("job_failed", "Job bills"), ("job_late", "Job report")]
    assert Happening.objects.get(occasion="job_failed").body == "no paper"
    assert Happening.objects.get(occasion="job_late").url == f"/admin/scheduling/scheduledjob/{late.pk}/change/"


# --- what expires ---


def expiring(days: int) -> OAuthConnection:
    day = timezone.localdate() + timedelta(days=days)
    row, _created = OAuthConnection.objects.update_or_create(
        name="Contoso", defaults={"provider": "microsoft", "secret_expires_on": day}
    )
    return row


@pytest.mark.parametrize(("days", "new"), [(31, 0), (30, 1), (20, 1), (0, 1), (-5, 1)])
def test_a_client_secret_is_told_of_ahead(days: int, new: int) -> None:
    expiring(days)
    assert check_expiries() == new
    assert len(told()) == new


def test_each_reminder_is_sent_once() -> None:
    expiring(29)
    assert [(check_expiries(), flush())[0] for _day in range(3)] == [1, 0, 0]
    assert only().count == 1
    assert only().url.startswith("/admin/oauthconnections/oauthconnection/")
    OAuthConnection.objects.update(secret_expires_on=timezone.localdate() - timedelta(days=1))
    assert check_expiries() == 1
    assert "has ended on" in told()[1][1]


def test_an_account_that_nobody_uses(contoso: OAuthConnection) -> None:
    old, new = timezone.now() - timedelta(days=70), timezone.now() - timedelta(days=3)
    for moment, name in ((old, "old"), (new, "new")):
        OAuthAccount.objects.create(connection=contoso, email=f"{name}@contoso.com", last_refreshed_at=moment)
    check_expiries()
    assert told() == [("expiry", "old@contoso.com")]
    assert "Renew now" in only().body


def test_an_authority_entered_for_a_mail_server(
    ca: Authority, mail_server: MailServerFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail_server(host="smtp.example.com", ca_bundle=ca.pem)
    assert check_expiries() == 0
    monkeypatch.setattr("mailconfig.notifications.expiries.REMINDERS", (1_000_000,))
    assert check_expiries() == 1
    assert told()[0][1].startswith("The certificate authority entered for smtp.example.com:25 ends on ")
    MailServer.objects.update(ca_bundle="-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----")
    assert check_expiries() == 0


# --- workers ---


def test_a_worker_that_delivers_mail_sends_digests_too(monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[bool] = []
    monkeypatch.setattr("mailconfig.notifications.receivers.background.live", lambda: woken.append(True))
    Delivering().tick()
    assert woken == [True]
