"""The test email's dialog, in a browser: what it sends, what it says, and that it is never silent."""

import socket
from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from playwright.sync_api import Page, Route, expect

from mailconfig.models import MailServer
from tests.conftest import MailServerFactory, SMTPServerFactory
from tests.servers.certificates import Authority
from tests.servers.smtp import Login
from tests.settings_in_browser import field, open_advanced, open_dialog, open_settings, recipient, save, send

pytestmark = pytest.mark.browser

SignIn = Callable[[User], None]


def close_by_button(page: Page) -> None:
    page.get_by_role("dialog").get_by_role("button", name="Close").click()


def close_by_escape(page: Page) -> None:
    page.keyboard.press("Escape")


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def hold_requests(page: Page) -> list[Route]:
    """The test emails that the browser asks for, which the site does not get to see until they are continued."""
    held: list[Route] = []
    page.route("**/test/", lambda route: held.append(route))
    return held


# --- what is sent ---


def test_a_server_saved_in_the_browser_sends_the_test_email(
    page: Page, sign_in: SignIn, alice: User, smtp_server: SMTPServerFactory, ca: Authority, our_backend: None
) -> None:
    server = smtp_server(security="starttls", users={"me@example.com": "S3cret, ü"}, mechanisms=("LOGIN",))
    sign_in(alice)
    open_settings(page)
    page.get_by_label("Server:", exact=True).fill(server.host)
    page.get_by_label("Port").fill(str(server.port))
    page.get_by_label("Sender address").fill("alerts@example.com")
    page.get_by_label("Sender name").fill("Example shop")
    page.get_by_label("Connection security").select_option("STARTTLS")
    page.get_by_label("Authentication method").select_option("LOGIN")
    page.get_by_label("User name").fill("me@example.com")
    page.get_by_label("Password:", exact=True).fill("S3cret, ü")
    open_advanced(page)
    page.get_by_label("Custom", exact=True).check()
    page.get_by_label("Custom EHLO name").fill("shop.example.com")
    page.get_by_label("Own certificate authority").fill(ca.pem)
    save(page)
    expect(page.get_by_text("Saved and in force now")).to_be_visible()

    outcome = send(open_dialog(page))

    expect(outcome).to_contain_text("Sent to alerts@example.com. Look in the inbox and in the spam folder.")
    (received,) = server.messages
    assert received.sender == "alerts@example.com"
    assert received.recipients == ["alerts@example.com"]
    assert received.message["From"] == "Example shop <alerts@example.com>"
    assert received.ehlo_name == "shop.example.com"
    assert (received.tls, received.login) == (True, Login("LOGIN", "me@example.com", True))
    expect(outcome).to_contain_text(str(received.message["Message-ID"]))
    expect(outcome).to_contain_text("250 2.0.0 Accepted as 1")


def test_a_test_uses_what_is_entered_and_saves_nothing(
    page: Page, sign_in: SignIn, alice: User, smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> None:
    saved, entered = smtp_server(), smtp_server()
    mail_server(saved)
    before = MailServer.objects.values().get()
    sign_in(alice)
    open_settings(page)
    field(page, "port").fill(str(entered.port))
    field(page, "from_email").fill("new@example.com")
    dialog = open_dialog(page)
    recipient(dialog).fill("somebody@example.com")
    expect(send(dialog)).to_contain_text("Sent to somebody@example.com")
    assert [(one.sender, one.recipients) for one in entered.messages] == [("new@example.com", ["somebody@example.com"])]
    assert saved.messages == []
    assert MailServer.objects.values().get() == before


def test_who_may_only_test_sends_through_what_is_saved(
    page: Page, sign_in: SignIn, bob: User, smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> None:
    server = smtp_server()
    mail_server(server)
    bob.user_permissions.add(Permission.objects.get(codename="send_test_email"))
    sign_in(bob)
    open_settings(page)
    dialog = open_dialog(page)
    recipient(dialog).fill("somebody@example.com")
    close_by_button(page)
    open_dialog(page)
    expect(recipient(dialog)).to_have_value("site@example.com")
    expect(send(dialog)).to_contain_text("Sent to site@example.com")
    assert len(server.messages) == 1


def test_two_presses_in_a_row_send_once(
    page: Page, sign_in: SignIn, alice: User, smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> None:
    server = smtp_server()
    mail_server(server)
    sign_in(alice)
    open_settings(page)
    dialog = open_dialog(page)
    held = hold_requests(page)
    button = dialog.get_by_role("button", name="Send test email")
    button.dblclick()
    recipient(dialog).press("Enter")
    expect(button).to_be_disabled()
    expect(dialog.get_by_role("status")).to_contain_text("Sending…")  # what a screen reader says as it changes
    for route in held:
        route.continue_()
    expect(dialog.get_by_role("status")).to_contain_text("Sent to")
    expect(button).to_be_enabled()
    assert (len(held), len(server.messages)) == (1, 1)


# --- the recipient ---


@pytest.mark.parametrize("close", [close_by_button, close_by_escape])
def test_the_recipient_is_the_sender_again_at_each_opening(
    page: Page, sign_in: SignIn, alice: User, mail_server: MailServerFactory, close: Callable[[Page], None]
) -> None:
    mail_server(host="127.0.0.1", port=closed_port())
    sign_in(alice)
    open_settings(page)
    dialog = open_dialog(page)
    expect(recipient(dialog)).to_have_value("site@example.com")
    recipient(dialog).fill("somebody@example.com")
    send(dialog)
    close(page)
    expect(dialog).to_be_hidden()
    open_dialog(page)
    expect(recipient(dialog)).to_have_value("site@example.com")
    expect(dialog.get_by_role("status")).to_be_empty()


@pytest.mark.parametrize("close", [close_by_button, close_by_escape])
def test_the_recipient_is_the_new_sender_when_that_is_not_saved_yet(
    page: Page, sign_in: SignIn, alice: User, mail_server: MailServerFactory, close: Callable[[Page], None]
) -> None:
    mail_server(host="127.0.0.1")
    sign_in(alice)
    open_settings(page)
    dialog = open_dialog(page)
    close(page)
    field(page, "from_email").fill("new@example.com")
    open_dialog(page)
    expect(recipient(dialog)).to_have_value("new@example.com")


def test_no_answer_of_a_former_test_comes_into_a_dialog_opened_anew(
    page: Page, sign_in: SignIn, alice: User, mail_server: MailServerFactory
) -> None:
    mail_server(host="127.0.0.1", port=closed_port())
    sign_in(alice)
    open_settings(page)
    hold_requests(page)
    dialog = open_dialog(page)
    dialog.get_by_role("button", name="Send test email").click()
    expect(dialog.get_by_role("status")).to_contain_text("Sending…")
    close_by_button(page)
    open_dialog(page)
    expect(dialog.get_by_role("button", name="Send test email")).to_be_enabled()
    expect(dialog.get_by_role("status")).to_be_empty()


# --- what went wrong ---


def test_a_wrong_port_is_explained(page: Page, sign_in: SignIn, alice: User, mail_server: MailServerFactory) -> None:
    mail_server(host="127.0.0.1", port=closed_port(), security="none")
    sign_in(alice)
    open_settings(page)
    outcome = send(open_dialog(page))
    expect(outcome.get_by_role("listitem").last).to_contain_text("Connect")
    expect(outcome.get_by_role("listitem").last).to_contain_text("failed")
    error = outcome.locator(".mailconfig-error")
    expect(error).to_contain_text("no mail server answers on port")
    expect(error).to_contain_text("Start the mail server here")
    expect(error).not_to_contain_text("Errno")
    expect(outcome.get_by_text("Connection refused").first).to_be_hidden()
    outcome.get_by_text("Details").click()
    expect(outcome.get_by_text("Connection refused").first).to_be_visible()


def test_a_refused_password_is_explained(
    page: Page, sign_in: SignIn, alice: User, smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> None:
    server = smtp_server(security="ssl", users={"me": "right"})
    mail_server(server, auth_method="plain", username="me", password="wrong")
    sign_in(alice)
    open_settings(page)
    outcome = send(open_dialog(page))
    expect(outcome.get_by_role("listitem").last).to_contain_text("Authenticate")
    expect(outcome.get_by_role("listitem").last).to_contain_text("failed")
    error = outcome.locator(".mailconfig-error")
    expect(error).to_contain_text("The server refused the log-in as “me”.")
    expect(error).to_contain_text("Most servers want the full address")
    expect(error).to_contain_text("535 5.7.8 Authentication credentials invalid")
    outcome.get_by_text("Details").click()
    expect(outcome.get_by_text("TLSv1.3").first).to_be_visible()


def test_entries_that_cannot_work_are_named_in_the_dialog(
    page: Page, sign_in: SignIn, alice: User, mail_server: MailServerFactory
) -> None:
    mail_server(host="127.0.0.1")
    sign_in(alice)
    open_settings(page)
    field(page, "port").fill("70000")
    dialog = open_dialog(page)
    recipient(dialog).fill("nobody")
    outcome = send(dialog)
    expect(outcome).to_contain_text("Recipient: Enter one e-mail address")
    expect(outcome).to_contain_text("Port: ")
    expect(outcome).to_contain_text("Nothing was sent.")


def end_session(page: Page) -> None:
    page.context.clear_cookies(name="sessionid")


def break_site(page: Page) -> None:
    page.route("**/test/", lambda route: route.fulfill(status=500, body="<h1>Server Error (500)</h1>"))


def cut_network(page: Page) -> None:
    page.context.set_offline(True)


@pytest.mark.parametrize("happening", [end_session, break_site, cut_network])
def test_an_answer_that_does_not_come_is_said(
    page: Page, sign_in: SignIn, alice: User, mail_server: MailServerFactory, happening: Callable[[Page], None]
) -> None:
    mail_server(host="127.0.0.1", port=closed_port())
    sign_in(alice)
    open_settings(page)
    dialog = open_dialog(page)
    happening(page)
    outcome = send(dialog)
    expect(outcome).to_have_text(
        "The site did not answer as expected. Your session may have ended, or the network is down. "
        "Reload the page, then try again."
    )
    expect(dialog.get_by_role("button", name="Send test email")).to_be_enabled()


# --- the keyboard ---


def focused(page: Page) -> str:
    """What has the focus: a field by its name, anything else by its text."""
    return str(page.evaluate("(e => e.name && e.tagName != 'BUTTON' ? e.name : e.innerText)(document.activeElement)"))


def test_the_dialog_needs_no_mouse(
    page: Page, sign_in: SignIn, alice: User, smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> None:
    server = smtp_server()
    mail_server(server)
    sign_in(alice)
    open_settings(page)
    page.get_by_role("button", name="Send test email").focus()
    page.keyboard.press("Enter")
    assert focused(page) == "recipient"
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("keys@example.com")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("status")).to_contain_text("Sent to keys@example.com")
    assert [one.recipients for one in server.messages] == [["keys@example.com"]]
    order = [focused(page)]
    for _press in range(3):
        page.keyboard.press("Tab")
        order.append(focused(page))
    assert order == ["recipient", "Details", "Send test email", "Close"]
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert focused(page) == "Send test email"


def test_the_focus_stays_on_the_button_that_sent(
    page: Page, sign_in: SignIn, alice: User, mail_server: MailServerFactory
) -> None:
    mail_server(host="127.0.0.1", port=closed_port())
    sign_in(alice)
    open_settings(page)
    dialog = open_dialog(page)
    dialog.get_by_role("button", name="Send test email").focus()
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("status")).to_contain_text("Details")
    expect(dialog.get_by_role("button", name="Send test email")).to_be_focused()
    dialog.get_by_role("button", name="Close").press("Enter")
    assert focused(page) == "Send test email"
    expect(dialog).to_be_hidden()
