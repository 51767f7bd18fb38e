"""The admin's history of the mail server: each change with its old and new value, each test with its outcome."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from mailconfig.history import TEST_EMAIL
from mailconfig.models import MailServer
from oauthconnections.models import WebServer
from tests.conftest import MailServerFactory, ScriptedServerFactory, SMTPServerFactory
from tests.servers.certificates import Authority
from tests.settings_page import Page, saved, url


@pytest.fixture
def row(mail_server: MailServerFactory) -> MailServer:
    return mail_server(host="old.example.com", username="me", password="saved-secret")


@pytest.fixture(autouse=True)
def alice_client(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def history(client: Client) -> str:
    return Page.of(client.get(url("history"))).text


CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"host": "new.example.com", "password": "x"}, "Server: old.example.com → new.example.com"),
    ({"port": "25"}, "Port: empty → 25"),
    ({"from_email": "new@example.com"}, "Sender address: site@example.com → new@example.com"),
    ({"from_name": "Shop"}, "Sender name: empty → Shop"),
    ({"from_name": "<b>Shop</b>"}, "Sender name: empty → <b>Shop</b>"),
    ({"force_from": "on"}, "Always send as this address: no → yes"),
    ({"security": "ssl", "password": "x"}, "Connection security: STARTTLS → SSL/TLS"),
    ({"auth_method": "cram-md5"}, "Authentication method: Automatic → CRAM-MD5"),
    ({"username": "you"}, "User name: me → you"),
    ({"password": "new-secret"}, "Password (not shown)"),
    ({"clear_password": "on", "auth_method": "none"}, "Password (forgotten)"),
    ({"ehlo_name": "192.0.2.1"}, "Custom EHLO name: site.example.com → [192.0.2.1]"),
    ({"timeout": "60"}, "Time-out: 5 → 60"),
]


@pytest.mark.parametrize(("typed", "told"), CHANGES, ids=lambda value: str(value)[:50])
def test_a_change_is_told_with_old_and_new_value(
    client: Client, row: MailServer, typed: dict[str, Any], told: str
) -> None:
    assert saved(client, **typed).errors == {}
    text = history(client)
    assert told in text
    assert "alice" in text
    assert "secret" not in text  # S-2


def test_a_choice_is_told_as_the_page_names_it(client: Client, row: MailServer) -> None:
    WebServer.objects.create(external_url="https://www.example.com")
    saved(client, ehlo_source="external_url")
    assert "EHLO name: Custom → External visible URL (www.example.com)" in history(client)


def test_of_a_certificate_only_that_it_changed(client: Client, row: MailServer, ca: Authority) -> None:
    saved(client, ca_bundle=ca.pem)
    assert "Own certificate authority (not shown)" in history(client)
    assert "BEGIN" not in history(client)


def test_several_changes_are_one_entry(client: Client, row: MailServer) -> None:
    saved(client, timeout="60", from_name="Shop")
    assert LogEntry.objects.get().get_change_message() == "Changed Sender name: empty → Shop and Time-out: 5 → 60."


def test_what_was_refused_is_not_told(client: Client, row: MailServer) -> None:
    saved(client, timeout="60", port="x")
    assert not LogEntry.objects.exists()


# --- test emails --- S-23


def test_a_test_is_told_with_recipient_and_outcome(
    client: Client, mail_server: MailServerFactory, smtp_server: SMTPServerFactory
) -> None:
    mail_server(smtp_server())
    client.post(url("test"), {"recipient": "me@example.com"})
    assert LogEntry.objects.get().action_flag == TEST_EMAIL
    assert "Test email to me@example.com: sent" in history(client)


def test_a_failed_test_is_told_with_its_reason(
    client: Client, mail_server: MailServerFactory, scripted_server: ScriptedServerFactory
) -> None:
    mail_server(scripted_server({"DATA": "554 5.2.0 <b>Not</b> today"}))
    client.post(url("test"), {"recipient": "me@example.com"})
    assert "Test email to me@example.com: 554 5.2.0 <b>Not</b> today" in history(client)


def test_the_front_page_of_the_admin_lists_tests_too(
    client: Client, mail_server: MailServerFactory, smtp_server: SMTPServerFactory
) -> None:
    mail_server(smtp_server())
    client.post(url("test"), {"recipient": "me@example.com"})
    assert client.get("/admin/").status_code == 200
