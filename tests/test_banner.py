"""The banner on pages of the admin that mail does not go out, and the system checks that say the same (S-30)."""

import re
from collections.abc import Callable
from datetime import timedelta
from smtplib import SMTPException
from typing import Any, Final

import pytest
from django.contrib.auth.models import Permission, User
from django.core.checks import CheckMessage, run_checks
from django.core.mail import send_mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from mailconfig.models import MailServer
from mailconfig.outbox.models import QueuedMessage, ServerQueue, Worker
from mailconfig.sending_record import SendingRecord
from oauthconnections.models import OAuthAccount, OAuthConnection
from tests.conftest import MailServerFactory, SMTPServerFactory
from tests.queued_mail import Time, message, queue

INDEX: Final = "/admin/"
BANNER: Final = "Outgoing mail:"
Trouble = ServerQueue.Trouble


def banners(client: Client, path: str = INDEX, **headers: str) -> list[str]:
    """What is said of outgoing mail, as it is read, each with the level before and the address of its link after it."""
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200
    items = re.findall(r'<li class="(\w+)">(<strong>Outgoing mail.*?)</li>', answer.text, re.DOTALL)
    links = [re.findall(r'href="([^"]*)"', html) for _level, html in items]
    return [
        f"{level}: {re.sub('<[^>]*>', '', html).strip()} {''.join(link)}"
        for (level, html), link in zip(items, links, strict=True)
    ]


def may(name: str, *permissions: str) -> User:
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


@pytest.fixture
def failing(mail_server: MailServerFactory) -> MailServer:
    server = mail_server(host="mail.example.com")
    SendingRecord.objects.create(
        server=server, failing_since=timezone.now(), failed_step="connect", error="Refused <b>"
    )
    return server


# --- from a failure to its repair (S-30) ---


@pytest.mark.django_db(transaction=True)
def test_a_broken_server_is_on_every_page_of_the_admin_until_it_is_repaired(  # S-30
    client: Client, alice: User, smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> None:
    client.force_login(alice)
    server = smtp_server()
    mail_server(server)
    send_mail("Hello", "Hello", None, ["reader@example.com"])
    assert banners(client) == []
    server.stop()
    with pytest.raises((SMTPException, OSError)):
        send_mail("Hello", "Hello", None, ["reader@example.com"])
    for path in (INDEX, "/admin/oauthconnections/", reverse("admin:password_change")):
        [banner] = banners(client, path)
        assert banner.startswith("error: Outgoing mail: Sending has failed since ")
        assert banner.endswith("Open outgoing mail server /admin/mailconfig/mailserver/")
    server.start()
    send_mail("Hello", "Hello", None, ["reader@example.com"])
    assert banners(client) == []


def test_mail_that_waits_is_on_every_page_until_it_is_delivered(  # S-30
    client: Client, alice: User, smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> None:
    client.force_login(alice)
    server, time = smtp_server(security="starttls", users={"me": "secret"}), Time()
    row = mail_server(server, auth_method="plain", username="me", password="wrong")
    queue(message())
    time.deliver()
    [banner] = banners(client)
    assert "The server refuses the login" in banner
    assert banner.endswith("/admin/mailconfig/mailserver/")
    row.password, row.revision = "secret", row.revision + 1
    row.save()
    assert time.deliver().sent == 1
    assert banners(client) == []


# --- who sees it, and where ---


@pytest.mark.parametrize(
    ("permissions", "link"),
    [
        (["change_mailserver", "view_mailserver"], "Open outgoing mail server /admin/mailconfig/mailserver/"),
        (["authenticate_oauthaccount"], "Open OAuth accounts /admin/oauthconnections/oauthaccount/"),
        (["view_mailserver", "send_test_email", "change_serverqueue", "view_oauthaccount"], None),
    ],
    ids=str,
)
def test_who_can_do_something_about_an_account_is_told_where(  # S-22
    client: Client, mail_server: MailServerFactory, contoso: OAuthConnection, permissions: list[str], link: str | None
) -> None:
    account = OAuthAccount.objects.create(connection=contoso, email="jane@example.com", needs_authentication=True)
    mail_server(oauth_connection=contoso, oauth_account=account)
    client.force_login(may("somebody", *permissions))
    expected = f"until the account jane@example.com is authenticated again. {link}"
    assert [banner.partition("sent ")[2] for banner in banners(client)] == ([expected] if link else [])


@pytest.mark.parametrize(
    ("permission", "trouble", "told"),
    [
        ("change_serverqueue", Trouble.CONNECTION, "error: Outgoing mail: Mail of “default” waits"),
        ("change_serverqueue", Trouble.BY_HAND, "warning: Outgoing mail: Mail of “default” waits: Paused by a person."),
        ("change_mailserver", Trouble.SETTINGS, "error: Outgoing mail: Mail of “default” waits"),
        ("change_mailserver", Trouble.BY_HAND, ""),
        ("resend_queuedmessage", Trouble.NONE, "error: Outgoing mail: Mail waits and nobody delivers it."),
        ("view_queuedmessage", Trouble.NONE, ""),
    ],
)
def test_who_can_do_something_about_a_queue_is_told(  # S-22
    client: Client, mail_server: MailServerFactory, permission: str, trouble: str, told: str
) -> None:
    mail_server(host="mail.example.com")
    ServerQueue.objects.create(alias="default", trouble=trouble)
    queue(message())
    QueuedMessage.objects.update(due_at=timezone.now() - timedelta(minutes=6))
    client.force_login(may("somebody", permission))
    found = banners(client)
    assert len(found) == bool(told)
    assert "".join(found).startswith(told)


def test_what_fails_for_one_reason_is_said_once(client: Client, alice: User, failing: MailServer) -> None:
    ServerQueue.objects.create(alias="default", trouble=Trouble.CONNECTION, problem="Refused")
    client.force_login(alice)
    assert len(banners(client)) == 1


@pytest.mark.parametrize("person", ["bob", "charlie"])
def test_who_can_do_nothing_is_not_told_and_nothing_is_asked(
    client: Client, request: pytest.FixtureRequest, failing: MailServer, person: str
) -> None:
    client.force_login(request.getfixturevalue(person))
    with CaptureQueriesContext(connection) as queries:
        assert banners(client) == []
    assert not [one for one in queries if "mailconfig_" in one["sql"]]


def test_what_an_answer_of_a_server_holds_is_no_html(client: Client, alice: User, failing: MailServer) -> None:
    client.force_login(alice)
    assert "Refused &lt;b&gt;" in banners(client)[0]
    SendingRecord.objects.update(error="x" * 5000)
    assert len(banners(client)[0]) < 500


def test_it_is_not_on_the_page_that_says_it_anyway(client: Client, alice: User, failing: MailServer) -> None:
    client.force_login(alice)
    page = client.get(reverse("admin:mailconfig_mailserver_change", args=[failing.pk])).text
    assert BANNER not in page
    assert page.count("Sending has failed since") == 1


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (f"{INDEX}?_popup=1", {}),
        (INDEX, {"X-Requested-With": "fetch"}),
        (INDEX, {"X-Requested-With": "XMLHttpRequest"}),
        ("/admin/password_reset/", {}),
        ("/admin/jsi18n/", {}),
        ("/healthz/live", {}),
    ],
    ids=str,
)
def test_it_is_on_nothing_but_whole_pages_of_the_admin(
    client: Client, alice: User, failing: MailServer, path: str, headers: dict[str, str]
) -> None:
    client.force_login(alice)
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200
    assert BANNER not in answer.text


def test_it_does_not_swallow_other_messages_nor_stays_as_one(
    client: Client, admin_user: User, failing: MailServer
) -> None:
    client.force_login(admin_user)
    answer = client.post("/admin/auth/group/add/", {"name": "Editors"})
    assert answer.status_code == 302
    said = [str(message) for message in client.get(answer["Location"]).context["messages"]]
    assert len(said) == 2
    assert BANNER in said[0]
    assert "was added successfully" in said[1]
    SendingRecord.objects.all().delete()
    assert banners(client) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("our_backend")
def test_a_page_opens_also_if_the_database_does_not_know_the_answer(client: Client, alice: User) -> None:
    client.force_login(alice)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE mailconfig_sendingrecord RENAME TO elsewhere")
        try:
            assert client.get(INDEX).status_code == 200
            assert client.get("/healthz").json() == {"status": "failing", "problems": ["database"]}
        finally:
            cursor.execute("ALTER TABLE elsewhere RENAME TO mailconfig_sendingrecord")


def test_it_costs_three_queries(
    client: Client, alice: User, mail_server: MailServerFactory, settings: Settings
) -> None:
    mail_server(host="mail.example.com")
    Worker.objects.create(token="1", host="here", pid=1)
    client.force_login(alice)

    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(INDEX)
        return len(queries)

    count()
    with_banner = count()
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not name.endswith("BannerMiddleware")]
    client.handler.load_middleware()
    assert with_banner - count() == 3


# --- system checks ---


def found(*databases: str) -> list[CheckMessage]:
    ours = ("mailconfig.W002", "mailconfig.E004", "outbox.W", "oauthconnections.W005")
    return [one for one in run_checks(databases=databases or None) if (one.id or "").startswith(ours)]


def test_check_with_a_database_says_what_is_broken(  # S-30
    failing: MailServer, contoso: OAuthConnection, django_assert_num_queries: Callable[..., Any]
) -> None:
    ServerQueue.objects.create(alias="other", trouble=Trouble.LOGIN, problem="535")
    queue(message())
    QueuedMessage.objects.update(due_at=timezone.now() - timedelta(minutes=6))
    OAuthAccount.objects.create(connection=contoso, email="jane@example.com", needs_authentication=True)
    said = {one.id: one.msg for one in found("default")}
    assert said.keys() == {"mailconfig.W002", "outbox.W001", "outbox.W002", "oauthconnections.W005"}
    assert "Refused <b>" in said["mailconfig.W002"]
    assert said["oauthconnections.W005"].startswith("The account jane@example.com of the OAuth connection “Contoso”")
    with django_assert_num_queries(0):
        assert found() == []


def test_check_with_a_database_has_nothing_to_say_of_what_is_not_set_up(mail_server: MailServerFactory) -> None:
    mail_server()
    ServerQueue.objects.create(alias="default", trouble=Trouble.BY_HAND)
    assert found("default") == []


@pytest.mark.parametrize(
    ("configured", "said"),
    [
        ({"addresses": ["ten"]}, "'ten' does not appear to be an IPv4 or IPv6 network"),
        ({"addresses": "10.0.0.0/8"}, '"addresses" a list'),
        ({"token": 1}, '"token" has to be a text'),
        ({"tokne": "x"}, 'a dictionary of "token" and "addresses"'),
        (["x"], 'a dictionary of "token" and "addresses"'),
    ],
    ids=str,
)
def test_a_setting_of_metrics_that_can_not_be_used_is_an_error(
    settings: Settings, configured: object, said: str, db: None
) -> None:
    settings.MAILCONFIG_METRICS = configured
    (error,) = found()
    assert error.id == "mailconfig.E004"
    assert said in error.msg
