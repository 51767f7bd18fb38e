"""The test email as it is pressed in the browser: of what is in the form, with an answer that a person understands."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from mailconfig.history import TEST_EMAIL
from mailconfig.models import MailServer
from tests.conftest import MailServerFactory, ScriptedServerFactory, SMTPServerFactory
from tests.servers import scripted
from tests.servers.certificates import Authority
from tests.servers.smtp import SMTPServer
from tests.settings_page import Page, opened, saved, sent, url

SCRIPT = {"X-Requested-With": "fetch"}


@pytest.fixture
def server(smtp_server: SMTPServerFactory) -> SMTPServer:
    return smtp_server()


@pytest.fixture
def row(mail_server: MailServerFactory, server: SMTPServer) -> MailServer:
    return mail_server(server)


@pytest.fixture
def alice_client(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def tester(db: None) -> User:
    user = User.objects.create_user("tester", "tester@example.com", "password", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="send_test_email"))
    return user


Press = Callable[..., Page]


@pytest.fixture
def press(client: Client, row: MailServer) -> Press:
    """Press "Send test email" with what was typed into the page, as the dialog's script does, or without it."""

    def press(script: bool = True, **typed: Any) -> Page:
        data = sent(None, {"recipient": "me@example.com", **typed})
        response = client.post(url("test"), data, headers=SCRIPT if script else {})
        assert response.status_code == 200
        return Page.of(response)

    return press


def stored() -> dict[str, Any]:
    return dict(MailServer.objects.values().get())


# --- the recipient ---


def test_the_recipient_is_the_senders_address_at_first(alice_client: Client, row: MailServer) -> None:
    field = r'<input type="email" name="recipient" value="site@example.com"'
    assert re.search(field, opened(alice_client).html)
    assert re.search(field, alice_client.get(url("test")).content.decode())


def test_it_is_the_one_in_the_form_where_that_is_not_saved(alice_client: Client, row: MailServer) -> None:
    response = alice_client.post(url("test"), sent(None, {"from_email": "new@example.com"}))
    assert re.search(r'name="recipient" value="new@example.com"', response.content.decode())


@pytest.mark.parametrize(
    "recipient", ["", "me", "a@example.com, b@example.com", "me@example.com\r\nBcc: x@example.com"]
)
def test_it_has_to_be_one_address(alice_client: Client, press: Press, server: SMTPServer, recipient: str) -> None:
    page = press(recipient=recipient)
    assert "Recipient: " in page.text
    assert "Nothing was sent." in page.text
    assert server.connections == 0


# --- success ---


def test_success_shows_message_id_and_the_servers_answer(
    alice_client: Client, press: Press, server: SMTPServer
) -> None:
    page = press()
    (received,) = server.messages
    assert received.recipients == ["me@example.com"]
    assert received.sender == "site@example.com"
    assert received.ehlo_name == "site.example.com"
    assert "Sent to me@example.com. Look in the inbox and in the spam folder." in page.text
    assert received.message["Message-ID"] in page.text
    assert "250" in page.text
    assert MailServer.objects.get().tested_at is not None
    assert "Mail works: the test email was accepted" in opened(alice_client).text


def test_a_script_gets_a_part_of_a_page(alice_client: Client, press: Press) -> None:
    assert "<html" not in press().html
    assert "<html" in press(script=False).html


# --- what is in the form ---


def test_it_tests_what_is_in_the_form_and_saves_nothing(
    alice_client: Client, press: Press, server: SMTPServer, smtp_server: SMTPServerFactory, ca: Authority
) -> None:
    other = smtp_server(security="starttls", users={"me": "typed-secret"})
    before = stored()
    typed = {"port": other.port, "security": "starttls", "ca_bundle": ca.pem, "from_email": "new@example.com"}
    page = press(**typed, auth_method="plain", username="me", password="typed-secret", ehlo_name="new.example.com")
    assert "Sent to me@example.com" in page.text
    (received,) = other.messages
    assert (received.sender, received.ehlo_name, received.tls) == ("new@example.com", "new.example.com", True)
    assert [login.accepted for login in other.logins] == [True]
    assert server.messages == []
    assert stored() == before


def test_a_test_of_entries_says_nothing_of_what_is_saved(alice_client: Client, press: Press) -> None:
    press(timeout="9")
    assert "Not tested yet." in opened(alice_client).text


@pytest.mark.parametrize("script", [True, False])
def test_mistakes_in_the_form_are_said_and_nothing_is_sent(
    alice_client: Client, press: Press, server: SMTPServer, script: bool
) -> None:
    page = press(script=script, port="70000", host="smtp://x")
    assert "Port: Ensure this value is less than or equal to 65535." in page.text
    assert "Server: Enter only the name of the server" in page.text
    assert "Nothing was sent." in page.text
    assert server.connections == 0


def test_without_a_server_it_says_so(alice_client: Client, press: Press) -> None:
    assert "Nothing was sent. Enter a server first." in press(host="").text


def test_somebody_elses_save_does_not_stop_it(alice_client: Client, press: Press) -> None:
    MailServer.objects.update(revision=7)
    assert "Sent to" in press(opened_revision="0").text


# --- failure ---


@pytest.mark.parametrize("script", [True, False])
def test_failure_shows_the_step_what_it_means_and_what_to_do(
    alice_client: Client, press: Press, scripted_server: ScriptedServerFactory, script: bool
) -> None:
    refusing = scripted_server({"RCPT": "550 5.1.1 <script>No</script> such user"})
    page = press(script=script, port=refusing.port)
    assert "Recipient failed" in page.text
    assert "The server does not know this recipient." in page.text
    assert "Check the recipient's address." in page.text
    assert "550 5.1.1" in page.text
    assert "<script>No" not in page.html


def test_a_failure_of_what_is_saved_is_in_the_status(
    alice_client: Client, press: Press, scripted_server: ScriptedServerFactory
) -> None:
    MailServer.objects.update(port=scripted_server({"MAIL": "550 5.7.60 Not you"}).port)
    press()
    assert "The test email failed" in opened(alice_client).text
    assert "550 5.7.60 Not you" in opened(alice_client).text
    saved(alice_client, timeout="9")
    assert "Not tested yet." in opened(alice_client).text


@pytest.mark.parametrize("fault", [scripted.close, scripted.garbage, "220 \x00\x01 ready"])
def test_whatever_a_server_says_is_shown_and_stored(
    alice_client: Client, press: Press, scripted_server: ScriptedServerFactory, fault: scripted.Says
) -> None:
    MailServer.objects.update(port=scripted_server({"banner": fault, "EHLO": "500 \x00", "HELO": "500 \x00"}).port)
    assert "Greet (EHLO) failed" in press().text
    told = [MailServer.objects.get().test_error, LogEntry.objects.get().change_message]
    assert all(told)
    assert "\x00" not in "".join(told)  # PostgreSQL would not store it


# --- without a script ---


def hidden(page: Page) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.html))


def test_the_page_without_a_script_takes_the_entries_along(
    alice_client: Client, row: MailServer, smtp_server: SMTPServerFactory, ca: Authority
) -> None:
    other = smtp_server(security="starttls", users={"me": "typed-secret"})
    typed = {"port": other.port, "security": "starttls", "auth_method": "plain", "username": "me"}
    data = sent(None, {**typed, "password": "typed-secret", "ca_bundle": ca.pem, "_test": "1"})
    page = Page.of(alice_client.post(url("test"), data))
    assert "Enter the new password again: it is not saved yet." in page.text
    assert "typed-secret" not in page.html  # S-2
    assert other.connections == 0
    answer = {**hidden(page), "recipient": "me@example.com", "password": "typed-secret"}
    assert "Sent to me@example.com" in Page.of(alice_client.post(url("test"), answer)).text
    assert len(other.messages) == 1
    assert stored()["security"] == "none"


def test_it_asks_for_the_password_that_another_server_needs(alice_client: Client, row: MailServer) -> None:  # S-2
    MailServer.objects.update(auth_method="auto", username="me")
    row.refresh_from_db()
    row.password = "saved-secret"
    row.save()
    page = Page.of(alice_client.post(url("test"), sent(None, {"host": "new.example.com"})))
    assert "Password: Enter the password again" in page.text
    assert '<input type="password" name="password"' in page.html


def test_it_takes_an_uploaded_certificate_along(
    alice_client: Client, row: MailServer, smtp_server: SMTPServerFactory, ca: Authority
) -> None:
    other = smtp_server(security="ssl")
    file = SimpleUploadedFile("ca.pem", ca.pem.encode())
    data = sent(None, {"port": other.port, "security": "ssl", "ca_bundle": "", "ca_file": file})
    page = Page.of(alice_client.post(url("test"), data))
    answer = {**hidden(page), "recipient": "me@example.com"}
    assert "Sent to me@example.com" in Page.of(alice_client.post(url("test"), answer)).text


# --- limits and access --- S-23


def test_a_get_sends_nothing(alice_client: Client, row: MailServer, server: SMTPServer) -> None:
    assert alice_client.get(url("test"), {"recipient": "me@example.com"}).status_code == 200
    assert server.connections == 0
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("name", ["test", "ehlo", "change"])
def test_a_post_from_another_site_is_refused(alice: User, row: MailServer, server: SMTPServer, name: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    before = stored()
    response = strict.post(url(name), sent(None, {"recipient": "me@example.com", "timeout": "9"}))
    assert response.status_code == 403
    assert server.connections == 0
    assert stored() == before


def noted(user: User, minutes_ago: float) -> None:
    entry = LogEntry.objects.log_actions(
        user.pk, [MailServer.objects.get()], TEST_EMAIL, "Test email", single_object=True
    )
    LogEntry.objects.filter(pk=entry.pk).update(action_time=timezone.now() - timedelta(minutes=minutes_ago))


def test_twenty_tests_in_ten_minutes_are_enough(
    alice_client: Client, alice: User, press: Press, server: SMTPServer
) -> None:
    for number in range(20):
        noted(alice, minutes_ago=number * 0.4)  # the first of them 7.6 minutes ago
    assert "Too many test emails. Wait 3 minutes, then try again." in press().text
    assert server.connections == 0


def test_it_is_minute_when_it_is_one(alice_client: Client, alice: User, press: Press) -> None:
    for _number in range(20):
        noted(alice, minutes_ago=9.5)
    assert "Wait 1 minute, then try again." in press().text


def test_after_ten_minutes_they_are_forgotten(alice_client: Client, alice: User, press: Press) -> None:
    for number in range(20):
        noted(alice, minutes_ago=number * 0.4 + 10 - 19 * 0.4 + 0.1)
    assert "Sent to" in press().text


def test_others_are_not_held_up(client: Client, alice: User, tester: User, press: Press) -> None:
    for _number in range(20):
        noted(alice, minutes_ago=1)
    client.force_login(tester)
    assert "Sent to" in press().text


def test_the_twentieth_goes_out_and_the_next_does_not(
    alice_client: Client, alice: User, press: Press, server: SMTPServer
) -> None:
    for _number in range(19):
        noted(alice, minutes_ago=1)
    assert "Sent to" in press().text
    assert "Too many test emails. Wait 9 minutes" in press().text
    assert len(server.messages) == 1


def test_what_was_refused_before_it_began_does_not_count(alice_client: Client, press: Press) -> None:
    for _number in range(21):
        assert "Nothing was sent." in press(recipient="nobody").text
    assert not LogEntry.objects.exists()


def test_who_may_only_test_tests_what_is_saved(
    client: Client, tester: User, press: Press, mail_server: MailServerFactory, smtp_server: SMTPServerFactory
) -> None:
    server, other = smtp_server(security="starttls", users={"me": "saved-secret"}), smtp_server()
    mail_server(server, username="me", password="saved-secret", auth_method="plain")
    client.force_login(tester)
    forged = {"port": other.port, "from_email": "forged@example.com", "ehlo_name": "forged.example.com"}
    assert "Sent to" in press(**forged, password="forged-secret", clear_password="on").text
    (received,) = server.messages
    assert (received.sender, received.ehlo_name) == ("site@example.com", "site.example.com")
    assert other.connections == 0
