"""Each page in each look: nothing that axe finds, nothing wider than a phone, nothing the browser complains of."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import ConsoleMessage, Page, Response, expect

from mailconfig.catcher.models import CaughtMessage
from mailconfig.models import MailServer
from mailconfig.outbox.models import ServerQueue
from mailconfig.scheduling import running
from mailconfig.scheduling.models import ScheduledJob
from mailconfig.sending_record import SendingRecord
from oauthconnections.models import OAuthAccount, OAuthConnection
from tests import settings_in_browser as settings_page
from tests.conftest import MailServerFactory, SMTPServerFactory
from tests.connection_states import (
    account,
    account_of_application,
    accounts,
    choice_of_provider,
    connection_with_accounts,
    connection_with_errors,
    connections,
    disconnecting,
    failed_callback,
    new_connection,
    on_the_way_to_a_provider,
)
from tests.long_texts import LONG, LONG_ANSWER
from tests.notification_states import happening, happenings, notifications, notifications_with_errors
from tests.settings_in_browser import open_advanced, open_dialog, open_settings, recipient, save, send

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Look:
    """A window, and whether the system or a click on Django's own switch asks for dark pages."""

    width: int
    system: Literal["light", "dark"]
    switched: str = ""


LOOKS: Final = (
    Look(1280, "light"),
    Look(1280, "dark"),
    Look(1280, "light", switched="dark"),
    Look(375, "light"),
    Look(375, "dark"),
)


# --- the states of the pages ---


def settings(page: Page) -> None:
    open_settings(page)
    open_advanced(page)
    settings_page.field(page, "auth_method").select_option("plain")
    settings_page.field(page, "security").select_option("none")
    settings_page.field(page, "ehlo_source=custom").check()


def settings_with_errors(page: Page) -> None:
    settings(page)
    for name, value in {"host": "smtp://x", "port": "70000", "from_email": LONG * 5, "ehlo_name": "a_b"}.items():
        settings_page.field(page, name).fill(value)
    save(page)


def settings_saved(page: Page) -> None:
    open_settings(page)
    settings_page.field(page, "from_name").fill("Example shop")
    save(page)


def settings_with_oauth(page: Page) -> None:
    connection = OAuthConnection.objects.create(name="Contoso", provider="microsoft", tenant="contoso.com")
    accounts = [
        OAuthAccount.objects.create(connection=connection, username=name, access_token="a token")
        for name in (LONG, "other@example.com")
    ]
    MailServer.objects.update(oauth_connection=connection, oauth_account=accounts[0])
    open_settings(page)
    expect(page.get_by_text(f"Authenticated as {LONG}")).to_be_visible()


def settings_without_account(page: Page) -> None:
    settings_with_oauth(page)
    OAuthAccount.objects.update(needs_authentication=True, last_error="invalid_grant: AADSTS700082: " + "x" * 80)
    open_settings(page)
    expect(page.get_by_text("Mail can't be sent until the account")).to_be_visible()


def dialog_empty(page: Page) -> None:
    open_settings(page)
    open_dialog(page)


def dialog_waiting(page: Page) -> None:
    dialog_empty(page)
    page.route("**/test/", lambda route: None)
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Send test email").click()
    expect(dialog.get_by_role("status")).to_contain_text("Sending…")


def dialog_success(page: Page) -> None:
    dialog_empty(page)
    send(page.get_by_role("dialog")).get_by_text("Details").click()


def dialog_failure(page: Page) -> None:
    dialog_empty(page)
    recipient(page.get_by_role("dialog")).fill(LONG)
    send(page.get_by_role("dialog")).get_by_text("Details").click()


def dialog_bad_recipient(page: Page) -> None:
    dialog_empty(page)
    recipient(page.get_by_role("dialog")).fill("nobody")
    send(page.get_by_role("dialog"))


def settings_failing(page: Page) -> None:
    server = MailServer.objects.get()
    SendingRecord.objects.create(
        server=server,
        failing_since=timezone.now(),
        failed_step="recipient",
        error=LONG_ANSWER,
        working=json.dumps({"host": "former.example.com", "password": ""}),
        working_revision=server.revision + 1,
        worked_at=timezone.now(),
    )
    open_settings(page)
    page.get_by_text("What to do").click()
    expect(page.get_by_role("button", name="Bring back the settings")).to_be_visible()


def page_with_banner(page: Page) -> None:
    error = f"{LONG_ANSWER} {'x' * 300}"
    SendingRecord.objects.create(server=MailServer.objects.get(), failing_since=timezone.now(), error=error)
    ServerQueue.objects.create(alias="news", trouble=ServerQueue.Trouble.BY_HAND)
    page.goto(reverse("admin:index"))
    expect(page.get_by_role("link", name="Open queues of mail servers")).to_be_visible()


def dialog_detect(page: Page) -> None:
    open_settings(page)
    settings_page.field(page, "from_email").fill("me@gmail.com")
    page.get_by_role("button", name="Detect settings").click()
    expect(page.get_by_role("dialog").get_by_text("None of the servers answered")).to_be_visible(timeout=20_000)
    page.get_by_text("What did not answer").click()


def page_of_checked_domain(page: Page) -> None:
    open_settings(page)
    settings_page.field(page, "from_email").fill("me@gmail")  # a name that nobody has to be asked about
    button = page.get_by_role("button", name="Check sender domain")
    button.evaluate("button => button.replaceWith(Object.assign(button.cloneNode(true), { type: 'submit' }))")
    button.click()
    expect(page.get_by_role("heading", name="Answers and bounces")).to_be_visible(timeout=15_000)


def page_of_test_email(page: Page) -> None:
    page.goto(reverse("admin:mailconfig_mailserver_test", args=[MailServer.objects.get().pk]))


def page_of_failed_test(page: Page) -> None:
    page_of_test_email(page)
    page.get_by_label("Recipient").fill(LONG)
    page.get_by_role("button", name="Send test email").click()
    page.get_by_text("Details").click()


def history(page: Page) -> None:
    page_of_failed_test(page)
    page.goto(reverse("admin:mailconfig_mailserver_history", args=[MailServer.objects.get().pk]))
    expect(page.get_by_text(f"Test email to {LONG}")).to_be_visible()


def web_server(page: Page) -> None:
    page.goto(reverse("admin:oauthconnections_webserver_changelist"))
    expect(page.get_by_label("External visible URL")).to_be_visible()


def caught_messages(page: Page) -> None:
    CaughtMessage.objects.create(sender=LONG, recipients=LONG, subject="A test email " * 10, peer="127.0.0.1", raw=b"")
    page.goto(reverse("admin:catcher_caughtmessage_changelist"))
    expect(page.get_by_text("A test email")).to_be_visible()


def caught_message(page: Page) -> None:
    caught_messages(page)
    page.get_by_text("A test email").click()
    expect(page.get_by_label("Headers")).to_be_visible()


def contents_of_help(page: Page) -> None:
    page.goto(reverse("admin:mailconfig_help_changelist"))
    expect(page.get_by_role("link", name="Microsoft 365")).to_be_visible()


def page_of_help(page: Page) -> None:
    open_settings(page)
    page.get_by_role("link", name="Help", exact=True).click()
    page.get_by_role("link", name="Send test email →").click()
    page.get_by_role("link", name="The steps", exact=True).click()
    expect(page.get_by_role("heading", name="The steps")).to_be_in_viewport()


def search_of_help(page: Page) -> None:
    contents_of_help(page)
    page.get_by_label("Search the help").fill("certificate")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("mark").first).to_have_text("certificate")


def scheduled_jobs(page: Page) -> None:
    running.rows()
    long_ago = timezone.now() - timedelta(days=3)
    ScheduledJob.objects.update(outcome="failed", detail=LONG_ANSWER, host=LONG, last_run=long_ago, next_run=long_ago)
    page.goto(reverse("admin:scheduling_scheduledjob_changelist"))
    expect(page.get_by_text("Nobody runs what is due")).to_be_visible()


def scheduled_job(page: Page) -> None:
    scheduled_jobs(page)
    page.get_by_text("Check the mail server").last.click()
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_text("was run")).to_be_visible()


STATES: Final = [
    settings,
    settings_with_errors,
    settings_saved,
    settings_with_oauth,
    settings_without_account,
    dialog_empty,
    dialog_waiting,
    dialog_success,
    dialog_failure,
    dialog_bad_recipient,
    settings_failing,
    page_with_banner,
    dialog_detect,
    page_of_checked_domain,
    page_of_test_email,
    page_of_failed_test,
    history,
    web_server,
    notifications,
    notifications_with_errors,
    happening,
    happenings,
    caught_messages,
    caught_message,
    contents_of_help,
    page_of_help,
    search_of_help,
    scheduled_jobs,
    scheduled_job,
    choice_of_provider,
    new_connection,
    connection_with_errors,
    connection_with_accounts,
    connections,
    accounts,
    account,
    account_of_application,
    disconnecting,
    on_the_way_to_a_provider,
    failed_callback,
]


# --- what is looked at ---


@pytest.fixture
def site(
    page: Page,
    sign_in: Callable[[User], None],
    admin_user: User,
    smtp_server: SMTPServerFactory,
    mail_server: MailServerFactory,
) -> Page:
    """A page of somebody who may do all, on a site whose server refuses one long address."""
    mail_server(smtp_server(replies={LONG: LONG_ANSWER}))
    sign_in(admin_user)
    return page


@pytest.mark.parametrize("state", STATES)
def test_a_page_is_fine_in_every_look(site: Page, axe: Callable[[Page], None], state: Callable[[Page], None]) -> None:
    policies, said = policies_of(site), complaints_of(site)
    state(site)
    for look in LOOKS:
        dress(site, look)
        assert too_wide(site) == []
        axe(site)
    assert policies  # S-24
    assert [policy for policy in policies if "unsafe-inline" in policy or "default-src 'none'" not in policy] == []
    assert said == []


def policies_of(page: Page) -> set[str]:
    """Those of the pages that come from now on; static files carry none."""
    policies: set[str] = set()

    def note(response: Response) -> None:
        policies.update(filter(None, [response.headers.get("content-security-policy")]))

    page.on("response", note)
    return policies


def complaints_of(page: Page) -> list[str]:
    """What the browser says from now on. A sign-in that failed is answered with 400, which it says, too."""
    said: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "status of 400" not in message.text:
            said.append(message.text)

    page.on("console", note)
    return said


def dress(page: Page, look: Look) -> None:
    page.emulate_media(color_scheme=look.system)
    page.set_viewport_size({"width": look.width, "height": 800})
    # What Django's switch does, which can't be reached while a dialog is open.
    page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", look.switched or "auto")
    # Colours of the admin change gradually; to wait for that may take for ever where nothing is painted.
    page.evaluate("document.getAnimations().forEach(animation => animation.finish())")


def too_wide(page: Page) -> list[str]:
    """The parts of the page that would have to be scrolled sideways as a whole."""
    wide = "element => element.scrollWidth > element.clientWidth"
    parts = ["html", "dialog[open]"]
    return [part for part in parts if page.locator(part).count() and page.locator(part).evaluate(wide)]
