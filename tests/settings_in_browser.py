"""How tests find their way on the settings page in a browser."""

from playwright.sync_api import Locator, Page, expect

SETTINGS = "/admin/mailconfig/mailserver/"


def open_settings(page: Page) -> None:
    page.goto(SETTINGS)


def field(page: Page, name: str) -> Locator:
    """A field of the settings form, or the choice of that value: `ehlo_source=custom`."""
    name, _equals, value = name.partition("=")
    return page.locator(f"#mailserver_form [name={name}]" + (f"[value={value}]" if value else ""))


def row(page: Page, name: str) -> Locator:
    """A field with its label, help and errors, which are shown and hidden together."""
    return page.locator(f".form-row.field-{name}")


def open_advanced(page: Page) -> None:
    page.locator("summary", has_text="Advanced").click()


def save(page: Page) -> None:
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".messagelist, .errornote")).to_be_visible()


def open_dialog(page: Page) -> Locator:
    page.get_by_role("button", name="Send test email").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog


def recipient(dialog: Locator) -> Locator:
    return dialog.get_by_label("Recipient")


def send(dialog: Locator) -> Locator:
    """Press the button and wait for the outcome, which is returned."""
    dialog.get_by_role("button", name="Send test email").click()
    outcome = dialog.get_by_role("status")
    expect(outcome.locator(".mailconfig-success, .mailconfig-error")).to_be_visible()
    return outcome
