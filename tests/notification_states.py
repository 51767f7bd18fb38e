"""The states of the notifications page, for the tests that look at every page."""

from django.urls import reverse
from playwright.sync_api import Page, expect

from mailconfig.notifications.recording import flush
from tests.long_texts import LONG, LONG_ANSWER
from tests.notifying import chosen, happens


def notifications(page: Page) -> None:
    broken = f"SMTPRecipientsRefused: {LONG_ANSWER}"
    chosen(recipients=f"{LONG}\nops@example.com", mail_error=LONG_ANSWER, webhook_error=LONG_ANSWER)
    for number in range(3):
        happens(number + 1, f"{broken} {number}", body=f"Traceback:\n  {broken * 3}", key=str(number))
    flush()
    page.goto(reverse("admin:mailconfig_notifications_notifications_changelist"))
    expect(page.get_by_role("button", name="Send a sample")).to_be_visible()


def notifications_with_errors(page: Page) -> None:
    notifications(page)
    page.get_by_label("Recipients").fill(LONG * 3)
    page.locator("[name=webhook_format]").select_option("plain")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Enter the address, or choose None")).to_be_visible()


def happening(page: Page) -> None:
    notifications(page)
    page.get_by_role("link", name="Scheduled job failed").first.click()
    expect(page.get_by_text("Traceback:")).to_be_visible()


def happenings(page: Page) -> None:
    notifications(page)
    page.get_by_role("link", name="All that happened").click()
    expect(page.get_by_role("link", name="SMTPRecipientsRefused").first).to_be_visible()
