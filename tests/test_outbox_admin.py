"""The outbox in the admin: who may see and do what, and that a message shown does no harm."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import pytest
from django.contrib.auth.models import Permission, User
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page as BrowserPage
from playwright.sync_api import expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from mailconfig.models import MailServer
from mailconfig.outbox.chart import last_day
from mailconfig.outbox.models import QueuedMessage, ServerQueue, State
from mailconfig.outbox.retention import tidy_up
from tests.conftest import MailServerFactory, SMTPServerFactory
from tests.queued_mail import Time, message, queue, queue_one

LIST = "/admin/outbox/queuedmessage/"
QUEUES = "/admin/outbox/serverqueue/"


def staff(name: str, *permissions: str) -> User:
    user = User.objects.create_user(name, f"{name}@example.com", "password", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


@pytest.fixture
def viewer(db: None) -> User:
    return staff("viewer", "view_queuedmessage", "view_serverqueue")


@pytest.fixture
def operator(db: None) -> User:
    permissions = ("view_queuedmessage", "resend_queuedmessage", "view_serverqueue", "change_serverqueue")
    return staff("operator", *permissions)


@pytest.fixture
def stored(db: None) -> QueuedMessage:
    mail = EmailMultiAlternatives("Grüße", "Plain words", "me@example.com", ["you@example.com"])
    mail.attach_alternative(
        '<p>Rich words</p><img src="https://tracker.example/x.png"><script>boom()</script>', "text/html"
    )
    queue(mail)
    return QueuedMessage.objects.get()


def text_of(answer: Any) -> str:
    """What a person reads of a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", answer.text)).split())


def url(name: str, stored: QueuedMessage | ServerQueue) -> str:
    return reverse(f"admin:outbox_{stored._meta.model_name}_{name}", args=[stored.pk])


# --- who may (S-22) ---


ANSWERS: Final = {
    #         charlie, viewer, operator
    "list": (403, 200, 200),
    "change": (403, 200, 200),
    "resend": (403, 403, 302),
    "cancel": (403, 403, 302),
    "queue": (403, 200, 200),
    "pause": (403, 403, 302),
    "retry": (403, 403, 302),
    "second": (403, 403, 403),
    "discard": (403, 403, 403),
}


@pytest.mark.parametrize(("number", "person"), list(enumerate(["charlie", "viewer", "operator"])))
def test_each_address_lets_in_whom_it_should(  # S-22
    client: Client, request: pytest.FixtureRequest, stored: QueuedMessage, number: int, person: str
) -> None:
    waiting = ServerQueue.objects.create(alias="default")
    client.force_login(request.getfixturevalue(person))
    answers = {
        "list": client.get(LIST),
        "change": client.get(url("change", stored)),
        "resend": client.post(url("resend", stored)),
        "cancel": client.post(url("cancel", stored)),
        "queue": client.get(url("change", waiting)),
        "pause": client.post(url("pause", waiting)),
        "retry": client.post(url("retry", waiting)),
        "second": client.post(url("second", waiting)),
        "discard": client.post(url("discard", waiting)),
    }
    assert {name: answer.status_code for name, answer in answers.items()} == {
        name: expected[number] for name, expected in ANSWERS.items()
    }
    assert client.get(url("resend", stored)).status_code == 405


def test_nobody_signed_out_sees_anything(client: Client, stored: QueuedMessage) -> None:  # S-22
    for address in (LIST, url("change", stored), QUEUES):
        assert client.get(address).status_code == 302


def test_a_viewer_gets_no_buttons_and_nothing_can_be_edited(
    client: Client, viewer: User, stored: QueuedMessage
) -> None:
    client.force_login(viewer)
    page = client.get(url("change", stored)).text
    assert not [button for button in ("Try now", "Don't send", 'name="_save"') if button in page]
    assert client.post(url("change", stored), {"state": "sent"}).status_code == 403
    assert client.post(LIST, {"action": "resend", "_selected_action": [stored.pk]}, follow=True).status_code == 200
    assert QueuedMessage.objects.get().history.count() == 0


# --- the list ---


def test_the_list_counts_by_state_and_finds_by_recipient_and_subject(client: Client, viewer: User) -> None:
    queue(*(message(number, to=[f"to{number}@example.com"]) for number in range(4)))
    QueuedMessage.objects.filter(subject="Number 3").update(state=State.FAILED, finished_at=timezone.now())
    client.force_login(viewer)
    page = text_of(client.get(LIST))
    assert "Waiting: 3" in page
    assert "Failed: 1" in page
    assert "The last 24 hours: 0 sent, 1 failed." in page
    assert "Number 0" in page
    for search in ("to2@example", '"Number 2"'):
        found = text_of(client.get(LIST, {"q": search}))
        assert "Number 2" in found
        assert "Number 1" not in found
    assert "Number 1" not in text_of(client.get(LIST, {"state__exact": "failed"}))


def test_the_list_reads_no_content(
    client: Client, viewer: User, django_assert_max_num_queries: Callable[..., object]
) -> None:
    queue(*(message(number) for number in range(100)))
    client.force_login(viewer)
    with django_assert_max_num_queries(25) as queries:  # type: ignore[attr-defined]
        client.get(LIST)
    assert not [one for one in queries.captured_queries if "outbox_messagecontent" in one["sql"]]


def test_the_chart_has_a_bar_for_each_hour(db: None) -> None:
    now = timezone.now()
    queue(*(message(number) for number in range(3)))
    QueuedMessage.objects.update(state=State.SENT, finished_at=now)
    QueuedMessage.objects.filter(subject="Number 1").update(finished_at=now - timedelta(hours=3))
    QueuedMessage.objects.filter(subject="Number 2").update(state=State.FAILED)
    chart = last_day(now)
    assert len(chart.bars) == 24
    assert (chart.sent, chart.failed) == (2, 1)
    assert [bar.sent for bar in chart.bars[-4:]] == [1, 0, 0, 1]
    last = chart.bars[-1]
    assert (last.sent_height, last.failed_height, last.failed_y) == (50, 50, 0)


# --- one message ---


def test_a_message_shows_its_attempts_and_what_is_in_it(
    client: Client, viewer: User, mail_server: MailServerFactory, smtp_server: SMTPServerFactory, stored: QueuedMessage
) -> None:
    mail_server(smtp_server(replies={"you@example.com": "550 5.1.1 No such user"}), auth_method="none")
    Time().deliver()
    client.force_login(viewer)
    page = text_of(client.get(url("change", stored)))
    for words in ("Grüße", "Plain words", "550 5.1.1 No such user", "Failed", "Refused", stored.message_id):
        assert words in page


def test_html_is_shown_where_it_can_do_nothing(client: Client, viewer: User, stored: QueuedMessage) -> None:  # S-24
    client.force_login(viewer)
    page = client.get(url("change", stored)).text
    assert 'sandbox=""' in page
    assert "default-src &#x27;none&#x27;" in page
    assert "&lt;script&gt;boom()" in page
    assert "<script>boom()" not in page


@pytest.mark.parametrize("bodies", ["hide", "drop"])
def test_a_site_may_hide_contents(
    client: Client, viewer: User, stored: QueuedMessage, settings: Settings, bodies: str
) -> None:
    settings.MAILCONFIG_OUTBOX = {"bodies": bodies}
    client.force_login(viewer)
    text = client.get(url("change", stored)).text
    assert "Plain words" not in text
    assert "Not shown on this site." in text


def test_dropped_contents_are_gone_once_they_are_delivered(
    stored: QueuedMessage, mail_server: MailServerFactory, smtp_server: SMTPServerFactory, settings: Settings
) -> None:
    settings.MAILCONFIG_OUTBOX = {"bodies": "drop"}
    server = smtp_server(replies={"bad@example.com": "550 No"})
    mail_server(server, auth_method="none")
    failed = queue_one(to=["bad@example.com"])
    Time().deliver()
    assert not hasattr(QueuedMessage.objects.get(pk=stored.pk), "content")
    assert QueuedMessage.objects.get(pk=failed.pk).content  # else it could not be sent again


# --- what to do about it ---


def test_a_failed_message_is_sent_again_to_those_who_do_not_have_it(  # S-26
    client: Client, operator: User, mail_server: MailServerFactory, smtp_server: SMTPServerFactory
) -> None:
    server = smtp_server(replies={"bad@example.com": "550 5.1.1 No such user"})
    mail_server(server, auth_method="none")
    stored = queue_one(to=["bad@example.com"])
    time = Time()
    time.deliver()
    server.replies = {}
    client.force_login(operator)
    page = text_of(client.post(url("resend", stored), follow=True))
    assert "1 message will be sent again." in page
    assert "Sent again by operator." in page
    assert "Sent again by operator." in text_of(client.get(url("history", stored)))
    time.passes(seconds=30)
    assert time.deliver().sent == 1
    assert [attempt.outcome for attempt in stored.history.all()] == ["refused", "by_hand", "sent"]


def test_a_cancelled_message_is_not_sent_and_one_on_the_wire_is_not_cancelled(
    client: Client, operator: User, mail_server: MailServerFactory, smtp_server: SMTPServerFactory
) -> None:
    server = smtp_server()
    mail_server(server, auth_method="none")
    waiting, on_the_wire = queue_one(), queue_one()
    QueuedMessage.objects.filter(pk=on_the_wire.pk).update(lease="x", due_at=timezone.now() + timedelta(minutes=5))
    client.force_login(operator)
    assert "1 message was cancelled." in text_of(client.post(url("cancel", waiting), follow=True))
    assert "0 messages were cancelled." in text_of(client.post(url("cancel", on_the_wire), follow=True))
    Time().deliver()
    assert server.messages == []
    waiting.refresh_from_db()
    assert waiting.state == State.CANCELLED
    assert "Cancelled by operator." in text_of(client.get(url("history", waiting)))
    assert "Cancelled" not in text_of(client.get(url("history", on_the_wire)))


def test_all_that_failed_of_a_server_is_sent_again(client: Client, operator: User) -> None:
    queue(*(message(number) for number in range(5)))
    queue(message(), alias="other")
    QueuedMessage.objects.update(
        state=State.FAILED, finished_at=timezone.now(), outcomes={"you@example.com": [550, "No"]}
    )
    waiting = ServerQueue.objects.create(alias="default")
    client.force_login(operator)
    assert "Send 5 failed messages again" in text_of(client.get(url("change", waiting)))
    assert "5 messages will be sent again." in text_of(client.post(url("retry", waiting), follow=True))
    assert QueuedMessage.objects.filter(state=State.QUEUED, alias="default", outcomes={}).count() == 5
    assert QueuedMessage.objects.get(alias="other").state == State.FAILED


def test_a_queue_is_paused_and_resumed(client: Client, operator: User) -> None:
    client.force_login(operator)
    client.get(QUEUES)
    waiting = ServerQueue.objects.get()
    assert "Held back since" in text_of(client.post(url("pause", waiting), follow=True))
    assert "Paused by a person" in text_of(client.get(LIST))
    assert "Held back" not in text_of(client.post(url("resume", waiting), follow=True))
    answer = client.post(url("change", waiting), {"connections": 2, "per_minute": "", "per_day": ""}, follow=True)
    assert "connections: 2, per minute: unlimited" in text_of(answer)


def test_a_second_server_is_entered_and_chosen(
    client: Client, mail_server: MailServerFactory, smtp_server: SMTPServerFactory, admin_user: User
) -> None:
    mail_server(smtp_server(), auth_method="none")
    client.force_login(admin_user)
    client.get(QUEUES, follow=True)
    waiting = ServerQueue.objects.get()
    fields = {"connections": "", "per_minute": "", "per_day": "", "second": "backup"}
    assert "Enter a second server" in client.get(url("change", waiting)).text
    entered = client.post(url("second", waiting), follow=True)
    assert "choose “backup” on the page of the queue “default”" in text_of(entered)
    assert "backup (no server entered yet)" in text_of(client.get(url("change", waiting)))
    assert "“backup” has no server yet." in text_of(client.post(url("change", waiting), fields))
    mail_server(host="two.example.com", alias="backup", auth_method="none")
    page = client.get(url("change", waiting))
    assert "backup (two.example.com:25)" in text_of(page)
    assert "Enter a second server" not in page.text
    client.post(url("change", waiting), fields)
    waiting.refresh_from_db()
    assert waiting.second == "backup"
    assert client.post(url("second", waiting)).status_code == 403
    client.get(QUEUES)
    assert set(ServerQueue.objects.values_list("alias", flat=True)) == {"default", "backup"}


def test_a_second_server_that_stands_in_for_nobody_is_deleted(
    client: Client, mail_server: MailServerFactory, admin_user: User
) -> None:
    mail_server(host="one.example.com")
    mail_server(host="two.example.com", alias="backup")
    first = ServerQueue.objects.create(alias="default", second="backup")
    second = ServerQueue.objects.create(alias="backup")
    client.force_login(admin_user)
    for one in (first, second):  # a mailer of the project needs its server, and the other one is chosen
        assert "Delete this server" not in client.get(url("change", one)).text
        assert client.post(url("discard", one)).status_code == 403
    ServerQueue.objects.update(second="")
    assert "Delete this server" in client.get(url("change", second)).text
    assert "The server “backup” was deleted." in text_of(client.post(url("discard", second), follow=True))
    assert list(MailServer.objects.values_list("alias", flat=True)) == ["default"]
    assert list(ServerQueue.objects.values_list("alias", flat=True)) == ["default"]


def test_the_list_says_when_nobody_delivers(client: Client, viewer: User, stored: QueuedMessage) -> None:  # S-30
    client.force_login(viewer)
    assert "nobody delivers" not in client.get(LIST).text
    QueuedMessage.objects.update(due_at=timezone.now() - timedelta(minutes=6))
    assert "nobody delivers" in client.get(LIST).text


def test_what_was_kept_long_enough_is_deleted(db: None, settings: Settings) -> None:
    settings.MAILCONFIG_OUTBOX = {"keep_days": {"sent": 1}}
    queue(*(message(number) for number in range(4)))
    ended = {"0": ("sent", 2), "1": ("sent", 0), "2": ("failed", 2), "3": ("queued", 200)}
    for number, (state, days) in ended.items():
        at = timezone.now() - timedelta(days=days)
        QueuedMessage.objects.filter(subject=f"Number {number}").update(state=state, finished_at=at)
    assert tidy_up() == {"sent": 1, "failed": 0, "cancelled": 0}
    assert QueuedMessage.objects.count() == 3


# --- in a browser ---


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_pages_work_under_the_strict_policy(
    page: BrowserPage,
    sign_in: Callable[[User], None],
    live_server: LiveServer,
    operator: User,
    axe: Callable[..., None],
) -> None:  # S-24
    mail = EmailMultiAlternatives("Hello", "Plain words", "me@example.com", ["you@example.com"])
    mail.attach_alternative("<p>Rich words</p>", "text/html")
    queue(mail)
    sign_in(operator)
    page.goto(LIST)
    axe(page)
    page.get_by_role("link", name="Hello").click()
    expect(page.frame_locator("iframe").get_by_text("Rich words")).to_be_visible()
    axe(page)
    page.get_by_role("button", name="Don't send").click()
    expect(page.get_by_text("1 message was cancelled.")).to_be_visible()
    assert QueuedMessage.objects.get().state == State.CANCELLED
