"""/healthz and /metrics say that mail is broken, to whom they may, without a word by mail (S-30)."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from smtplib import SMTPException
from typing import Any, Final

import pytest
from django.core.mail import send_mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries, Settings

from mailconfig.models import MailServer
from mailconfig.outbox.models import QueuedMessage, ServerQueue, State, Worker
from mailconfig.sending_record import SendingRecord
from oauthconnections.models import OAuthAccount, OAuthConnection
from tests.conftest import MailServerFactory, SMTPServerFactory
from tests.queued_mail import Time, message, queue
from tests.servers.hostname_service import HostnameService, text

HEALTH: Final = "/healthz"
METRICS: Final = "/metrics"
TOKEN: Final = "a-token-of-tests"
SHOWS_TOKEN: Final = {"Authorization": f"Bearer {TOKEN}"}
Figures = dict[tuple[str, ...], float]


@pytest.fixture
def metrics_on(settings: Settings) -> None:
    settings.MAILCONFIG_METRICS = {"token": TOKEN}


def health(client: Client, **headers: str) -> tuple[int, dict[str, Any]]:
    answer = client.get(HEALTH, headers=headers)
    return answer.status_code, answer.json()


def figures(client: Client) -> Figures:
    """By name without our prefix, and the values of labels in the order of their names."""
    answer = client.get(METRICS, headers=SHOWS_TOKEN)
    assert answer.status_code == 200
    return {
        (sample.name.removeprefix("mailconfig_"), *(value for _name, value in sorted(sample.labels.items()))): (
            sample.value
        )
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def send() -> None:
    send_mail("Hello", "Hello", None, ["reader@example.com"])


def fail() -> None:
    with pytest.raises((SMTPException, OSError)):
        send()


# --- from a failure to its repair (S-30) ---


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("metrics_on")
def test_a_broken_server_is_said_at_once_and_its_repair_too(  # S-30
    client: Client,
    smtp_server: SMTPServerFactory,
    mail_server: MailServerFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server = smtp_server()
    mail_server(server)
    send()
    status, said = health(client)
    assert (status, said["status"], said["problems"]) == (200, "ok", [])
    assert said["last_sent_seconds"] < 60
    assert "failing_seconds" not in said
    server.stop()
    fail()
    status, said = health(client)
    assert (status, said["status"], said["problems"]) == (503, "failing", ["failing"])
    assert [one for one in caplog.records if one.levelname == "ERROR"] == []  # they would be mailed to ADMINS
    assert said["failing_seconds"] < 60
    now = figures(client)
    assert now["sending_ok", "default"] == 0
    assert now["alarm", "failing", "error", "default"] == 1
    assert now["failing_since_timestamp_seconds", "default"] == pytest.approx(timezone.now().timestamp(), abs=60)
    server.start()
    send()
    assert health(client)[0] == 200
    now = figures(client)
    assert now["sending_ok", "default"] == 1
    assert now["last_sent_timestamp_seconds", "default"] == pytest.approx(timezone.now().timestamp(), abs=60)
    assert not [name for name, *_labels in now if name in ("alarm", "failing_since_timestamp_seconds")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("metrics_on")
def test_mail_that_waits_is_said_until_it_is_delivered_once(  # S-30
    client: Client, smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> None:
    server, time = smtp_server(), Time()
    mail_server(server, auth_method="none")
    server.stop()
    queue(*(message(number) for number in range(20)))
    QueuedMessage.objects.update(due_at=timezone.now() - timedelta(minutes=2))
    time.deliver()
    status, said = health(client)
    assert (status, said["problems"]) == (503, ["queue_connection"])
    assert 100 < said["oldest_due_seconds"] < 200
    now = figures(client)
    assert (now["queue_messages", "queued"], now["queue_paused", "default"]) == (20, 1)
    assert now["queue_oldest_due_seconds",] > 100
    server.start()
    time.passes(minutes=15)
    time.deliver()
    status, said = health(client)
    assert (status, said["problems"], said["oldest_due_seconds"]) == (200, [], 0)
    assert said["last_sent_seconds"] < 60
    now = figures(client)
    assert (now["queue_messages", "queued"], now["queue_messages", "sent"], now["queue_paused", "default"]) == (
        0,
        20,
        0,
    )
    assert len(server.messages) == 20  # and nobody got a mail for each time that it was said


@pytest.mark.django_db(transaction=True)
def test_a_failed_test_counts_until_the_outbox_has_delivered(
    client: Client, smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> None:
    mail_server(smtp_server(), auth_method="none").note_test("550 5.1.1 Unknown")
    assert health(client)[1]["problems"] == ["test_failed"]
    queue(message())
    assert Time().deliver().sent == 1
    assert health(client)[1]["problems"] == []


# --- what else is said ---


def test_mail_that_nobody_delivers_is_said(client: Client, mail_server: MailServerFactory) -> None:
    mail_server(host="mail.example.com")
    queue(message())
    assert health(client)[0] == 200
    QueuedMessage.objects.update(due_at=timezone.now() - timedelta(minutes=6))
    assert health(client)[1]["problems"] == ["nobody_delivers"]
    worker = Worker.objects.create(token="1", host="here", pid=1)
    assert health(client)[0] == 200
    Worker.objects.filter(pk=worker.pk).update(seen_at=timezone.now() - timedelta(minutes=6))
    assert health(client)[0] == 503


def test_what_somebody_decided_is_a_warning(client: Client, mail_server: MailServerFactory) -> None:
    mail_server()
    ServerQueue.objects.create(alias="default", trouble=ServerQueue.Trouble.BY_HAND)
    status, said = health(client)
    assert (status, said["status"]) == (200, "warning")
    assert said["problems"] == ["not_configured", "queue_by_hand"]


@pytest.mark.usefixtures("our_backend")
def test_settings_without_a_row_count(client: Client, settings: Settings, db: None) -> None:
    assert health(client)[1]["problems"] == ["not_configured"]
    settings.MAILCONFIG = {"host": "mail.example.com", "from_email": "site@example.com"}
    assert health(client)[1]["problems"] == []
    settings.MAILCONFIG = {"host": "mail.example.com", "port": "many"}
    assert health(client)[0] == 503


@pytest.mark.usefixtures("metrics_on")
def test_an_account_that_is_lost_is_said_without_its_name(
    client: Client, mail_server: MailServerFactory, contoso: OAuthConnection
) -> None:
    OAuthConnection.objects.update(secret_expires_on=date(2030, 1, 1))
    fields = {"connection": contoso, "email": "jane@example.com", "access_token": "t"}
    account = OAuthAccount.objects.create(**fields, last_refreshed_at=timezone.now())
    OAuthAccount.objects.create(**{**fields, "email": "other@example.com"}, last_error="invalid_grant")
    mail_server(oauth_connection=contoso, oauth_account=account)
    assert health(client)[1]["problems"] == []
    OAuthAccount.objects.filter(pk=account.pk).update(needs_authentication=True)
    status, said = health(client)
    assert (status, said["problems"]) == (503, ["needs_authentication"])
    now = figures(client)
    states = {state: now["oauth_accounts", state] for state in ("ok", "failing", "needs_authentication")}
    assert states == {"ok": 0, "failing": 1, "needs_authentication": 1}
    assert now["oauth_secret_expiry_timestamp_seconds", str(contoso.pk), "microsoft"] == 1893456000
    for shown in (json.dumps(said), client.get(METRICS, headers=SHOWS_TOKEN).text):
        assert "example.com" not in shown
        assert "Contoso" not in shown
    assert "jane@example.com" in health(client, **SHOWS_TOKEN)[1]["details"][0]["text"]


# --- who is told what ---


def broken(mail_server: MailServerFactory) -> None:
    server = mail_server(host="mail.example.com", username="me", password="secret")
    error = "535 5.7.8 me@example.com: no"
    now = timezone.now()
    SendingRecord.objects.create(server=server, failing_since=now, failed_step="authenticate", error=error)


@pytest.mark.usefixtures("metrics_on")
def test_details_are_for_those_who_may_read_the_metrics(client: Client, mail_server: MailServerFactory) -> None:  # S-2
    broken(mail_server)
    answer = client.get(HEALTH)
    assert (answer.status_code, answer.json()["problems"]) == (503, ["failing"])
    assert "example" not in answer.text
    assert client.get(HEALTH, headers={"Authorization": "Bearer x"}).text == answer.text
    shown = client.get(HEALTH, headers=SHOWS_TOKEN)
    [detail] = shown.json()["details"]
    assert detail["mailer"] == "default"
    assert detail["text"].endswith("535 5.7.8 me@example.com: no")
    for one in (shown, client.get(METRICS, headers=SHOWS_TOKEN)):
        assert "secret" not in one.text


def test_nobody_is_told_details_while_metrics_are_off(client: Client, mail_server: MailServerFactory) -> None:
    broken(mail_server)
    assert "details" not in health(client, Authorization="Bearer ")[1]


@pytest.mark.parametrize("path", [HEALTH, "/healthz/live", METRICS])
@pytest.mark.usefixtures("metrics_on", "db")
def test_an_answer_is_kept_nowhere_and_has_a_head(client: Client, path: str) -> None:
    answer = client.get(path, headers=SHOWS_TOKEN)
    assert answer["Cache-Control"] == "no-store"
    head = client.head(path, headers=SHOWS_TOKEN)
    assert (head.status_code, head.content) == (answer.status_code, b"")


@pytest.mark.parametrize(
    ("configured", "address", "shown", "expected"),
    [
        (None, "127.0.0.1", TOKEN, 404),
        ({}, "127.0.0.1", "", 404),
        ({"token": "", "addresses": []}, "127.0.0.1", "", 404),
        ({"token": TOKEN}, "192.0.2.1", TOKEN, 200),
        ({"token": TOKEN}, "192.0.2.1", "another", 401),
        ({"token": TOKEN}, "192.0.2.1", "ä", 401),
        ({"token": TOKEN}, "192.0.2.1", "", 401),
        ({"addresses": ["10.0.0.0/8", "2001:db8::1"]}, "10.1.2.3", "", 200),
        ({"addresses": ["10.0.0.0/8", "2001:db8::1"]}, "::ffff:10.1.2.3", "", 200),
        ({"addresses": ["10.0.0.0/8", "2001:db8::1"]}, "2001:db8::1", "", 200),
        ({"addresses": ["10.0.0.0/8", "2001:db8::1"]}, "192.0.2.1", "", 403),
        ({"addresses": ["10.0.0.0/8"]}, "", "", 403),  # a socket has no address
        ({"token": TOKEN, "addresses": ["10.0.0.0/8"]}, "10.1.2.3", TOKEN, 200),
        ({"token": TOKEN, "addresses": ["10.0.0.0/8"]}, "10.1.2.3", "", 401),
        ({"token": TOKEN, "addresses": ["10.0.0.0/8"]}, "192.0.2.1", TOKEN, 403),
        ({"addresses": ["ten"]}, "10.1.2.3", "", 404),
    ],
    ids=str,
)
@pytest.mark.usefixtures("db")
def test_metrics_are_for_whom_the_setting_lets_in(
    client: Client, settings: Settings, configured: Any, address: str, shown: str, expected: int
) -> None:
    settings.MAILCONFIG_METRICS = configured
    headers = {"Authorization": f"Bearer {shown}".encode().decode("latin-1"), "X-Forwarded-For": "10.1.2.3"}
    answer = client.get(METRICS, headers=headers, REMOTE_ADDR=address)
    assert answer.status_code == expected
    assert answer.get("WWW-Authenticate") == ("Bearer" if expected == 401 else None)


@pytest.mark.usefixtures("metrics_on", "db")
def test_prometheus_gets_the_format_that_it_asks_for(client: Client) -> None:
    def asked(accept: str) -> Any:
        return client.get(METRICS, headers={**SHOWS_TOKEN, "Accept": accept})

    assert asked("")["Content-Type"].startswith("text/plain; version=0.0.4")
    new = asked("application/openmetrics-text; version=1.0.0")
    assert new["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert new.content.endswith(b"# EOF\n")


# --- what it costs ---


@pytest.mark.usefixtures("metrics_on")
def test_however_much_there_is_the_database_is_asked_as_often(
    client: Client,
    mail_server: MailServerFactory,
    contoso: OAuthConnection,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    broken(mail_server)
    Worker.objects.create(token="1", host="here", pid=1)
    account = OAuthAccount.objects.create(connection=contoso, email="a@example.com", needs_authentication=True)
    mail_server(oauth_connection=contoso, oauth_account=account)
    for number in range(20):
        ServerQueue.objects.create(alias=f"mailer{number}", trouble=ServerQueue.Trouble.LOGIN, problem="535")
        OAuthAccount.objects.create(connection=contoso, email=f"{number}@example.com")
    queue(*(message(number) for number in range(20)))
    QueuedMessage.objects.filter(pk__gt=QueuedMessage.objects.latest("pk").pk - 5).update(state=State.SENT)
    with django_assert_num_queries(5):
        assert len(health(client)[1]["problems"]) == 21
    with django_assert_num_queries(10):
        figures(client)
    with django_assert_num_queries(0):
        assert client.get("/healthz/live").json() == {"status": "ok"}


@pytest.fixture
def hostname_service() -> Iterator[HostnameService]:
    with HostnameService(text("192.0.2.1")) as service:
        yield service


def test_nobody_outside_is_asked(
    client: Client, mail_server: MailServerFactory, settings: Settings, hostname_service: HostnameService
) -> None:
    settings.HOSTNAME_SERVICE_URL = hostname_service.url
    broken(mail_server)
    MailServer.objects.update(ehlo_source="public_address")
    assert health(client)[0] == 503
    assert hostname_service.asked == 0


def test_the_addresses_are_those_that_are_documented() -> None:
    names = {"healthz": HEALTH, "live": "/healthz/live", "metrics": METRICS}
    assert {name: reverse(f"mailconfig_monitoring:{name}") for name in names} == names
