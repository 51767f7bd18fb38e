"""Who is told about what: the first at once, the rest in digests, nothing lost, and never more mail than was wanted."""

from datetime import timedelta
from typing import Final

import pytest
from django.conf import settings as project
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import send_mail
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.utils import timezone
from django.utils.translation import gettext_lazy
from pytest_django import Settings

from mailconfig.models import MailServer
from mailconfig.notifications import occasions, pending, recording
from mailconfig.notifications.models import Happening, Notifications
from mailconfig.notifications.occasions import Occasion, notify, register
from mailconfig.notifications.recording import flush
from oauthconnections.models import WebServer
from tests.conftest import MailServerFactory, SMTPServerFactory
from tests.notifying import RECIPIENT, after, chosen, happens, raised, text_of
from tests.servers.smtp import SMTPServer

pytestmark = pytest.mark.django_db

OWN: Final = Occasion("backup", gettext_lazy("Server"), default_on=False)


@pytest.fixture
def server(smtp_server: SMTPServerFactory, mail_server: MailServerFactory) -> SMTPServer:
    """That mail goes to; all are told by mail."""
    server = smtp_server()
    mail_server(server, auth_method="none")
    chosen()
    return server


@pytest.fixture
def own_occasion(monkeypatch: pytest.MonkeyPatch) -> Occasion:
    monkeypatch.setattr(occasions, "_known", dict(occasions._known))
    register(OWN)
    return OWN


def subjects(server: SMTPServer) -> list[str]:
    return [str(received.message["Subject"]).strip() for received in server.messages]


# --- the first, and the digest ---


def test_the_first_is_told_at_once_and_the_rest_in_one_digest(server: SMTPServer) -> None:
    happens(body="Disk full")
    assert (after(0).mail, len(server.messages)) == (1, 1)
    happens(5)
    happens(2, "Another thing", key="other")
    assert (after(9).mail, len(server.messages)) == (0, 1)
    assert (after(10).mail, len(server.messages)) == (7, 2)
    assert (after(30).mail, len(server.messages)) == (0, 2)
    first, digest = server.messages
    assert first.recipients == [RECIPIENT]
    assert subjects(server) == [
        "[Django] Scheduled job failed: It broke",
        "[Django] Scheduled job failed: It broke, and 1 other kind, 7 in all",
    ]
    assert "Disk full" in text_of(first)
    assert "5 more times, last" in text_of(digest)
    assert "6 in all since" in text_of(digest)
    assert "Another thing\n2 times, first" in text_of(digest)
    assert "at most one such mail every 10 minutes" in text_of(digest)


def test_a_mail_says_that_a_program_sent_it(server: SMTPServer) -> None:
    happens()
    after()
    assert server.messages[0].message["Auto-Submitted"] == "auto-generated"
    assert server.messages[0].sender == "site@example.com"


def test_the_pause_is_the_one_that_was_chosen(server: SMTPServer) -> None:
    chosen(every_minutes=2)
    for minute in range(7):
        happens()
        after(minute)
    assert len(server.messages) == 4


def test_links_lead_to_the_external_visible_url(server: SMTPServer) -> None:
    WebServer.objects.create(external_url="https://www.example.com/app")
    happens()
    happens(1, "Elsewhere", key="elsewhere", url="https://elsewhere.example.com/")
    after()
    page = f"https://www.example.com/app/admin/mailconfig_notifications/happening/{Happening.objects.earliest('pk').pk}"
    assert page in text_of(server.messages[0])
    assert "https://elsewhere.example.com/" in text_of(server.messages[0])
    assert "https://www.example.com/app/admin/mailconfig_notifications/notifications/1/" in text_of(server.messages[0])


def test_as_many_kinds_as_fit_are_in_a_digest_and_the_others_in_the_next(
    server: SMTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailconfig.notifications.delivery.MOST", 3)
    for number in range(5):
        happens(2, key=str(number))
    assert [after(minutes).mail for minutes in (0, 10, 20)] == [6, 4, 0]


# --- who, what, in which language ---


def test_without_recipients_the_admins_of_the_project_are_told(server: SMTPServer, settings: Settings) -> None:
    settings.ADMINS = [("Ada", "ada@example.com")] if isinstance(project.ADMINS, tuple) else ["ada@example.com"]
    chosen(recipients="")
    happens()
    after()
    assert server.messages[0].recipients == ["ada@example.com"]


def test_without_anybody_to_tell_nothing_is_sent_and_all_is_kept(server: SMTPServer) -> None:
    chosen(recipients="")
    happens(3)
    assert after().mail == 0
    assert Happening.objects.get().count == 3


def test_an_occasion_that_is_switched_off_is_not_even_counted(server: SMTPServer) -> None:
    chosen(switched={"job_failed": False})
    happens()
    after()
    assert (server.messages, Happening.objects.count()) == ([], 0)


def test_a_project_tells_of_its_own_occasions(server: SMTPServer, own_occasion: Occasion) -> None:
    notify("backup", "Not yet")
    after()
    assert server.messages == []
    chosen(switched={"backup": True})
    notify("backup", "Backup failed", "Disk full")
    after()
    assert subjects(server) == ["[Django] Server: Backup failed"]


def test_an_occasion_needs_a_plain_id_of_its_own(own_occasion: Occasion) -> None:
    for wrong in (Occasion("Two words", "x"), Occasion("backup", "Another label")):
        with pytest.raises(ImproperlyConfigured):
            register(wrong)
    register(OWN)  # the same again: an app that is loaded twice


def test_the_language_is_that_of_those_who_are_told(server: SMTPServer) -> None:
    chosen(language="de")
    notify("job_failed", gettext_lazy("Save"), lambda: gettext_lazy("Delete"))
    after()
    assert "Sichern" in subjects(server)[0]
    assert "Löschen" in text_of(server.messages[0])


# --- nothing is lost, nobody is held up ---


def test_who_tells_never_fails_and_asks_no_database(caplog: pytest.LogCaptureFixture) -> None:
    with connection.execute_wrapper(lambda *_arguments: pytest.fail("The database was asked")):
        happens(3, key="x" * 500)
        notify("nobody registered this", "Lost")
    assert "no such occasion" in caplog.text
    assert flush()
    assert Happening.objects.get().count == 3


def test_a_text_that_fails_is_told_without_it(server: SMTPServer) -> None:
    notify("job_failed", "It broke", lambda: 1 / 0)
    after()
    assert "(ZeroDivisionError)" in text_of(server.messages[0])


def test_line_breaks_make_no_header(server: SMTPServer) -> None:  # S-19
    happens(1, "It\r\nBcc: everybody@example.com" + "\0" * 3 + "x" * 300)
    after()
    assert subjects(server)[0].startswith("[Django] Scheduled job failed: It Bcc: everybody@example.com")
    assert server.messages[0].recipients == [RECIPIENT]


def test_what_no_database_takes_waits_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    record = recording._record

    def fail_at_b(group: pending.Group) -> None:
        if group.key == "b":
            raise DatabaseError("gone")
        record(group)

    for key in "abc":
        happens(2, key=key)
    monkeypatch.setattr(recording, "_record", fail_at_b)
    assert not flush()
    monkeypatch.setattr(recording, "_record", record)
    happens(1, key="b")
    assert flush()
    assert dict(Happening.objects.values_list("key", "count")) == {"a": 2, "b": 3, "c": 2}


def test_more_kinds_than_memory_should_hold_are_counted_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending, "MOST", 2)
    for number in range(10):
        happens(key=f"key {number}")
    flush()
    assert dict(Happening.objects.values_list("key", "count")) == {"key 0": 1, "key 1": 1, "": 8}


def test_what_was_told_long_ago_is_forgotten(server: SMTPServer) -> None:
    happens(key="old")
    after()
    Happening.objects.update(last_at=timezone.now() - timedelta(days=31))
    happens(key="new")
    after(10)
    assert [row.key for row in Happening.objects.all()] == ["new"]


# --- broken mail ---


def attempts(caplog: pytest.LogCaptureFixture) -> int:
    return sum("notification by mail could not" in record.message for record in caplog.records)


@pytest.mark.django_db(transaction=True)
def test_when_mail_returns_one_digest_has_all(
    server: SMTPServer,
    mail_server: MailServerFactory,
    smtp_server: SMTPServerFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    refusing = smtp_server(replies={"site@example.com": "451 4.3.0 Not now"})
    mail_server(refusing, auth_method="none")
    for minutes in range(0, 200, 5):
        happens(25, key=str(minutes))
        assert after(minutes).mail == 0
    assert attempts(caplog) == 20  # one attempt each pause
    assert "451 4.3.0 Not now" in Notifications.objects.get().mail_error
    mail_server(server, auth_method="none")
    assert after(200).mail == 1001  # and that sending had stopped
    assert after(210).mail == 1  # it works again: told once, and that is the end of it
    assert [after(minutes).mail for minutes in (220, 230)] == [0, 0]
    assert len(server.messages) == 2
    assert Notifications.objects.get().mail_error == ""


@pytest.mark.django_db(transaction=True)
def test_a_failing_notification_about_failing_mail_makes_no_further_mail(
    server: SMTPServer,
    mail_server: MailServerFactory,
    smtp_server: SMTPServerFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    refusing = smtp_server(replies={"site@example.com": "550 5.7.1 Go away"})
    mail_server(refusing, auth_method="none")
    for _time in range(3):
        raised(lambda: send_mail("Hello", "Hello", None, ["reader@example.com"]))
    assert [after(minutes).mail for minutes in (0, 10, 20)] == [0, 0, 0]
    assert attempts(caplog) == 3
    assert dict(Happening.objects.values_list("key", "count")) == {"server default: stopped": 1}


def test_somebody_who_is_killed_while_telling_is_replaced(server: SMTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    happens()
    with monkeypatch.context() as patch:
        patch.setattr("mailconfig.notifications.delivery._send", lambda *_arguments: exit())
        with pytest.raises(SystemExit):
            after()
    assert after(5).mail == 0
    assert after(10).mail == 1


def test_a_queue_that_does_not_move_gathers_no_notifications(
    server: SMTPServer, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = "mailconfig.outbox.backends.QueuedEmailBackend"
    if hasattr(project, "MAILERS"):
        settings.MAILERS = {"default": {"BACKEND": backend}}
    else:
        settings.EMAIL_BACKEND = backend
    happens()
    assert after().mail == 1
    assert len(server.messages) == 1


def test_a_project_that_sends_otherwise_is_told_through_its_own_mailer(settings: Settings) -> None:
    chosen()
    happens()
    after()
    assert [message.to for message in mail.outbox] == [[RECIPIENT]]


# --- the command ---


def test_the_command_tells_what_is_due(server: SMTPServer, capsys: pytest.CaptureFixture[str]) -> None:
    happens(3)
    call_command("send_notifications")
    call_command("send_notifications", "--json")
    out = capsys.readouterr().out
    assert out.startswith("Told by mail: 3, by webhook: 0.\n")
    assert '"mail": 0, "webhook": 0, "mail_error": ""' in out


def test_the_command_fails_when_mail_does(server: SMTPServer, capsys: pytest.CaptureFixture[str]) -> None:
    MailServer.objects.update(host="")
    happens()
    with pytest.raises(SystemExit) as ended:
        call_command("send_notifications")
    assert ended.value.code == 1
    assert capsys.readouterr().err
