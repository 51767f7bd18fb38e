"""The notifications page as a person meets it: who is told about what, a sample, and what happened."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from mailconfig.notifications.models import Happening, Notifications
from mailconfig.notifications.recording import flush
from tests.conftest import MailServerFactory, SMTPServerFactory
from tests.notifying import RECIPIENT, after, chosen, happens
from tests.servers.certificates import Authority
from tests.servers.hostname_service import HostnameService, text
from tests.settings_page import Page

pytestmark = pytest.mark.django_db

LIST: Final = "/admin/mailconfig_notifications/notifications/"
PAGE: Final = f"{LIST}1/change/"
FIELDS: Final = {
    "recipients": RECIPIENT,
    "every_minutes": "10",
    "language": "",
    "occasions": ["server_error", "job_failed"],
    "webhook_format": "",
    "webhook_url": "",
    "webhook_secret": "",
}


@pytest.fixture(autouse=True)
def alice_client(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def hook(ca: Authority, trusts_ca: None) -> Iterator[HostnameService]:
    with HostnameService(text("ok"), ca.server_context()) as running:
        yield running


def opened(client: Client) -> Page:
    return Page.of(client.get(PAGE))


def saved(client: Client, **fields: Any) -> Page:
    return Page.of(client.post(PAGE, {**FIELDS, **fields}, follow=True))


def sampled(client: Client) -> str:
    return Page.of(client.post(f"{LIST}1/sample/", follow=True)).text


# --- what is chosen ---


def test_the_entry_opens_the_form_and_makes_the_row(client: Client) -> None:
    response = client.get(LIST)
    assert (response.status_code, response["Location"]) == (302, PAGE)
    text = opened(client).text
    for shown in ("Recipients", "Server error", "Task finished", "That of this site (English)", "Send a sample"):
        assert shown in text
    assert "Nobody is told: there are no recipients" in text


def test_what_is_chosen_is_in_force_at_once(client: Client) -> None:
    chosen(recipients="", switched={"of an app that is not here": True})
    page = saved(client, recipients=" a@example.com \r\n\r\nb@example.com", every_minutes="60", language="de")
    assert "Saved and in force now." in page.text
    row = Notifications.objects.get()
    assert row.addresses == ["a@example.com", "b@example.com"]
    assert (row.every_minutes, row.language) == (60, "de")
    assert row.is_on("server_error")
    assert not row.is_on("sending")
    assert row.switched["of an app that is not here"] is True


def test_saving_keeps_what_a_sender_notes_meanwhile(client: Client) -> None:
    chosen()
    happens()
    assert after().mail == 1
    told_at = Notifications.objects.get().mail_last_at
    saved(client, recipients="other@example.com")
    assert told_at is not None
    assert Notifications.objects.get().mail_last_at == told_at


def test_an_address_that_is_none_is_named_at_its_field(client: Client) -> None:
    chosen()
    page = saved(client, recipients="a@example.com\nnobody", every_minutes="0")
    assert "“nobody” is no e-mail address." in page.errors["recipients"]
    assert "every_minutes" in page.errors
    assert page.focus == "recipients"
    assert Notifications.objects.get().recipients == RECIPIENT


def test_what_happened_before_anybody_wanted_to_know_is_no_news(client: Client) -> None:
    chosen(recipients="")
    happens(5)
    assert after().mail == 0
    saved(client)
    happens()
    assert after().mail == 1


def test_a_shorter_pause_holds_for_the_mail_that_waits_already(client: Client) -> None:
    chosen(every_minutes=600)
    happens()
    after()
    happens()
    saved(client, every_minutes="5")
    assert after(6).mail == 1


# --- the webhook and its secrets ---


def test_secrets_are_kept_and_never_shown(client: Client) -> None:  # S-2
    address = "https://hooks.example.com/services/T0/B0/key"
    chosen(webhook_format="plain", webhook_url=address, webhook_secret="shared-s3cr3t")
    page = opened(client)
    assert "Saved, of hooks.example.com; leave empty to keep." in page.text
    assert "B0/key" not in page.html
    assert "shared-s3cr3t" not in page.html
    saved(client, webhook_format="plain")
    row = Notifications.objects.get()
    assert (str(row.webhook_url), str(row.webhook_secret)) == (address, "shared-s3cr3t")
    saved(client, webhook_format="plain", webhook_url="https://other.example.com/key2", webhook_secret="n3w-s3cr3t")
    history = " ".join(LogEntry.objects.values_list("change_message", flat=True))
    assert "Secret" in history
    assert not {"key2", "n3w-s3cr3t"} & set(history.replace('"', " ").split())


def test_a_viewer_sees_the_host_and_no_secret(client: Client, bob: User) -> None:  # S-2
    chosen(webhook_format="slack", webhook_url="https://hooks.example.com/B0/key", webhook_secret="shared-s3cr3t")
    client.force_login(bob)
    page = opened(client)
    assert "hooks.example.com" in page.text
    assert "Server error" in page.text
    assert "That of this site (English)" in page.text
    assert not {"B0/key", "shared-s3cr3t"} & set(page.html.split('"'))
    assert "key" not in page.html.replace("keyword", "")
    assert "Send a sample" not in page.text


def test_choosing_none_forgets_the_webhook(client: Client) -> None:
    chosen(webhook_format="plain", webhook_url="https://hooks.example.com/key", webhook_secret="shared-s3cr3t")
    saved(client)
    row = Notifications.objects.get()
    assert (row.webhook_format, row.webhook_url, row.webhook_secret) == ("", "", "")


@pytest.mark.parametrize(
    ("fields", "name", "message"),
    [
        ({"webhook_format": "slack"}, "webhook_url", "Enter the address"),
        ({"webhook_format": "slack", "webhook_url": "http://hooks.example.com/"}, "webhook_url", "begin with https"),
        ({"webhook_format": "plain", "webhook_url": "https://hooks.example.com/"}, "webhook_secret", "Enter a secret"),
    ],
)
def test_what_can_not_work_is_refused_at_its_field(
    client: Client, fields: dict[str, str], name: str, message: str
) -> None:  # S-13
    chosen()
    assert message in saved(client, **fields).errors[name]
    assert Notifications.objects.get().webhook_format == ""


def test_a_page_with_secrets_that_can_not_be_decrypted_works(
    client: Client, settings: Settings, alice: User
) -> None:  # S-3
    chosen(webhook_format="plain", webhook_url="https://hooks.example.com/key", webhook_secret="shared-s3cr3t")
    settings.SECRET_KEY = "another"
    client.force_login(alice)
    assert opened(client).text.count("The saved one can't be decrypted") == 2
    assert "Saved and in force now." in saved(client, webhook_format="plain").text


# --- a sample ---


def test_a_sample_arrives(
    client: Client, hook: HostnameService, smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> None:
    server = smtp_server()
    mail_server(server, auth_method="none")
    chosen(webhook_format="slack", webhook_url=hook.url, language="de")
    text = sampled(client)
    assert "Mail: the sample was accepted." in text
    assert "Webhook: the sample was accepted." in text
    assert len(server.messages) == len(hook.posted) == 1
    assert LogEntry.objects.filter(change_message="Sample sent").count() == 1
    assert Happening.objects.count() == 0


def test_a_sample_that_arrives_brings_forward_what_failed_before(client: Client, hook: HostnameService) -> None:
    chosen(recipients="", webhook_format="slack", webhook_url=hook.url, every_minutes=600)
    hook.answer = text_of_status(503)
    happens()
    assert after().webhook == 0
    hook.answer = text("ok")
    sampled(client)
    assert after().webhook == 1


def test_a_sample_that_fails_says_why(client: Client, hook: HostnameService, mail_server: MailServerFactory) -> None:
    mail_server()
    hook.answer = text_of_status(410)
    chosen(webhook_format="slack", webhook_url=hook.url)
    text = sampled(client)
    assert "Mail: the sample could not be sent." in text
    assert "Webhook: the sample could not be sent." in text
    assert "410" in text


def text_of_status(status: int) -> Any:
    return text("gone", status)


def test_a_sample_for_nobody_says_so(client: Client) -> None:
    chosen(recipients="")
    assert "Nobody is told: enter recipients or a webhook" in sampled(client)


def test_samples_are_limited(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:  # S-23
    monkeypatch.setattr("mailconfig.history.TESTS_ALLOWED", 2)
    chosen(recipients="")
    assert ["Too many samples" in sampled(client) for _time in range(3)] == [False, False, True]


# --- what happened ---


def test_what_happened_is_on_the_page_with_how_often(client: Client) -> None:
    chosen(mail_error="451 Not now", webhook_error="It answered with status 404.")
    happens(7, "It broke <b>", body="Traceback <i>")
    flush()
    page = opened(client)
    assert "Scheduled job failed: It broke <b>" in page.text
    assert " 7 " in page.text
    assert "The last mail could not be sent: 451 Not now" in page.text
    assert "The webhook failed: It answered with status 404." in page.text
    row = reverse("admin:mailconfig_notifications_happening_change", args=[Happening.objects.get().pk])
    assert "Traceback <i>" in Page.of(client.get(row)).text


def test_who_may_not_see_reports_sees_none(client: Client, alice: User) -> None:
    alice.user_permissions.remove(*alice.user_permissions.filter(codename="view_happening"))
    chosen()
    happens()
    flush()
    assert "It broke" not in opened(client).text


@pytest.mark.parametrize(
    ("url", "is_link"), [("/shop/", True), ("https://example.com/", True), ("javascript:x()", False)]
)
def test_the_page_concerned_is_a_link_if_it_is_a_page(client: Client, url: str, is_link: bool) -> None:
    happens(url=url)
    flush()
    row = reverse("admin:mailconfig_notifications_happening_change", args=[Happening.objects.get().pk])
    html = Page.of(client.get(row)).html
    assert url in html
    assert (f'<a href="{url}">' in html) is is_link


def test_the_list_is_filtered_by_occasion(client: Client) -> None:
    happens()
    flush()
    url = reverse("admin:mailconfig_notifications_happening_changelist")
    assert "It broke" in Page.of(client.get(url, {"occasion": "job_failed"})).text
    assert "It broke" not in Page.of(client.get(url, {"occasion": "sending"})).text
