"""Another program is told, too: signed, in its own format, only where that is safe, and whatever mail does."""

import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django import Settings

from mailconfig.notifications.models import Happening, Notifications
from tests.conftest import MailServerFactory
from tests.notifying import after, chosen, happens
from tests.servers.certificates import Authority
from tests.servers.hostname_service import HostnameService, redirect, text

pytestmark = pytest.mark.django_db

SECRET = "shared-s3cr3t"


@pytest.fixture
def hook(ca: Authority, trusts_ca: None) -> Iterator[HostnameService]:
    with HostnameService(text("ok"), ca.server_context()) as running:
        yield running


def use(hook: HostnameService, **fields: Any) -> None:
    values = {"recipients": "", "webhook_format": "plain", "webhook_url": f"{hook.url}T0/B0/key", **fields}
    chosen(**{"webhook_secret": SECRET, **values})


def test_what_happened_is_posted_and_signed(hook: HostnameService) -> None:
    use(hook)
    happens(3, body="A traceback, which is nobody's business there", url="/shop/")
    assert after().webhook == 3
    (posted,) = hook.posted
    expected = hmac.new(SECRET.encode(), posted.content, hashlib.sha256).hexdigest()
    assert posted.headers["X-Mailconfig-Signature"] == f"sha256={expected}"
    assert posted.headers["Content-Type"] == "application/json"
    told = posted.json
    assert (told["occasion"], told["count"]) == ("job_failed", 3)
    assert told["subject"] == "[Django] Scheduled job failed: It broke (3 times)"
    assert told["text"].startswith("Scheduled job failed: It broke\n3 times, first")
    assert told["at"] == Happening.objects.get().last_at.isoformat()
    assert told["happenings"][0]["count"] == 3
    assert "traceback" not in posted.content.decode()


def test_several_occasions_are_one_request_and_the_next_waits_for_the_pause(hook: HostnameService) -> None:
    use(hook)
    happens(2)
    happens(1, "Other", key="other")
    assert after().webhook == 3
    happens(4)
    assert [after(minutes).webhook for minutes in (5, 10, 20)] == [0, 4, 0]
    assert [posted.json["count"] for posted in hook.posted] == [3, 4]


def test_slack_gets_what_it_reads(hook: HostnameService) -> None:
    use(hook, webhook_format="slack", webhook_secret="")
    happens(1, "<!channel> & co")
    after()
    (posted,) = hook.posted
    assert list(posted.json) == ["text"]
    assert "&lt;!channel&gt; &amp; co" in posted.json["text"]
    assert "X-Mailconfig-Signature" not in posted.headers


def test_teams_gets_what_it_reads(hook: HostnameService) -> None:
    use(hook, webhook_format="teams")
    happens(1, "It's <b>broken</b>")
    after()
    (attachment,) = hook.posted[0].json["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    texts = [block["text"] for block in attachment["content"]["body"]]
    assert texts[0] == "[Django] Scheduled job failed: It's &lt;b&gt;broken&lt;/b&gt;"


def test_it_does_not_need_the_mail_that_is_broken(
    hook: HostnameService, mail_server: MailServerFactory
) -> None:  # S-30
    mail_server(host="127.0.0.1", port=1, security="none", auth_method="none")
    use(hook, recipients="ops@example.com")
    happens()
    told = after()
    assert (told.mail, told.webhook) == (0, 1)
    assert Notifications.objects.get().mail_error
    assert Notifications.objects.get().webhook_error == ""


def test_a_webhook_that_fails_is_tried_again_after_the_pause_and_says_why(hook: HostnameService) -> None:
    use(hook)
    hook.answer = text("no", 404)
    happens(2)
    assert [after(minutes).webhook for minutes in (0, 5, 10)] == [0, 0, 0]
    assert len(hook.posted) == 2
    error = Notifications.objects.get().webhook_error
    assert "404" in error
    assert "key" not in error  # the path may be as good as a password
    hook.answer = text("ok", 204)
    happens()
    assert after(20).webhook == 3
    assert Notifications.objects.get().webhook_error == ""
    assert Happening.objects.count() == 1  # nobody is told of a webhook that failed


@pytest.mark.parametrize(
    ("url", "debug", "reason"),
    [
        ("http://127.0.0.1:1/hook", False, "https"),
        ("https://169.254.169.254/latest/", True, "surroundings"),
        ("http://example.com/hook", True, "https"),
    ],
)
def test_an_unsafe_address_is_told_nothing(settings: Settings, url: str, debug: bool, reason: str) -> None:  # S-13
    settings.DEBUG = debug
    chosen(recipients="", webhook_format="plain", webhook_url=url, webhook_secret=SECRET)
    happens()
    assert after().webhook == 0
    assert reason in Notifications.objects.get().webhook_error


def test_it_may_be_open_on_this_machine_while_debugging(settings: Settings) -> None:  # S-13
    settings.DEBUG = True
    with HostnameService(text("ok")) as hook:
        use(hook)
        happens()
        assert after().webhook == 1


def test_it_follows_no_redirect(hook: HostnameService) -> None:  # S-13
    use(hook)
    hook.answer = redirect("http://127.0.0.1:1/")
    happens()
    assert after().webhook == 0
    assert "It points to http://127.0.0.1:1/" in Notifications.objects.get().webhook_error


def test_what_can_not_be_decrypted_is_said(hook: HostnameService, settings: Settings) -> None:  # S-3
    use(hook)
    settings.SECRET_KEY = "another"
    happens()
    assert after().webhook == 0
    assert "Enter it again." in Notifications.objects.get().webhook_error
    assert hook.posted == []
