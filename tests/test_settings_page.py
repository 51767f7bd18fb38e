"""The settings page as a person meets it: its words, its hints, what saving says, and the way there."""

from typing import Any

import django
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from mailconfig.models import MailServer
from oauthconnections.models import WebServer
from tests.conftest import MailServerFactory
from tests.settings_page import Page, opened, saved, url

LIST = "/admin/mailconfig/mailserver/"
OURS = {"BACKEND": "mailconfig.backends.EmailBackend"}


@pytest.fixture(autouse=True)
def alice_client(client: Client, alice: User, our_backend: None) -> Client:
    client.force_login(alice)
    return client


# --- the way there ---


def test_the_entry_opens_the_form_and_makes_the_row(client: Client) -> None:
    response = client.get(LIST)
    assert (response.status_code, response["Location"]) == (302, url())
    page = opened(client)
    assert "Not configured yet." in page.text
    assert (page.values["security"], page.values["auth_method"], page.values["port"]) == ("starttls", "auto", "")
    assert 'name="_addanother"' not in page.html
    assert 'name="_continue"' not in page.html


def test_several_mailers_are_a_list(client: Client, settings: Settings, mail_server: MailServerFactory) -> None:
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": OURS, "news": OURS}
    mail_server(alias="news", host="news.example.com", port=587)
    mail_server(host="saved.example.com")
    settings.MAILCONFIG = {"host": "fixed.example.com"}
    text = Page.of(client.get(LIST)).text
    for shown in ("default", "fixed.example.com:25", "news", "news.example.com:587", "Not tested yet."):
        assert shown in text
    assert "saved.example.com" not in text
    page = opened(client, MailServer.objects.get(alias="news"))
    assert page.values["host"] == "news.example.com"
    assert "news" in page.text


def test_each_of_our_mailers_has_its_row(client: Client, settings: Settings) -> None:
    console = {"BACKEND": "django.core.mail.backends.console.EmailBackend"}
    if django.VERSION >= (6, 1):
        settings.MAILERS = {"default": OURS, "news": OURS, "console": console}
    client.get(LIST)
    expected = ["default", "news"] if django.VERSION >= (6, 1) else ["default"]
    assert sorted(row.alias for row in MailServer.objects.all()) == expected


# --- its words ---

WORDS = [
    "Leave empty for the usual port. No encryption: 25 or 587. STARTTLS: 25 or 587. SSL/TLS: 465. "
    "Your firewall must allow it.",
    "The password is sent in clear text.",
    "Servers inside your network often accept mail without a password. If you don't know, try None for both first.",
    "Always send as this address",
    "Send test email",
    "Recipient:",
    "Server:",
    "Port:",
    "Sender address:",
    "Sender name:",
    "Connection security:",
    "Authentication method:",
    "User name:",
    "Password:",
    "EHLO name:",
    "Custom EHLO name:",
    "Time-out:",
    "Spam filters look it up",
    "that address should not be a dynamic one",
    "None STARTTLS SSL/TLS",
    "None Automatic PLAIN LOGIN CRAM-MD5",
]


@pytest.mark.parametrize("words", WORDS, ids=lambda words: words[:40])
def test_it_says(client: Client, mail_server: MailServerFactory, words: str) -> None:
    mail_server()
    assert words in opened(client).text


@pytest.mark.parametrize(("security", "usual"), [("none", 25), ("starttls", 25), ("ssl", 465)])
def test_an_empty_port_shows_the_usual_one(
    client: Client, mail_server: MailServerFactory, security: str, usual: int
) -> None:
    mail_server(security=security)
    html = opened(client).html
    assert f'placeholder="{usual}"' in html
    assert [f'<option value="{port}"></option>' in html for port in (25, 587, 465)] == [True] * 3


# --- what saving says ---


def test_it_says_what_changed_and_that_it_is_in_force(client: Client, mail_server: MailServerFactory) -> None:
    mail_server(host="saved.example.com")
    page = saved(client, timeout="60", from_name="Shop", port="587")
    assert "Saved and in force now. Changed: Port, Sender name, Time-out." in page.text


def test_it_says_when_nothing_did(client: Client, mail_server: MailServerFactory) -> None:
    mail_server(host="saved.example.com")
    assert "Saved and in force now. Nothing was different." in saved(client).text


def test_the_very_next_connection_has_it(client: Client, mail_server: MailServerFactory) -> None:
    mail_server(host="saved.example.com")
    saved(client, port="2525")
    assert MailServer.objects.for_alias("default").connection_settings().port == 2525


@pytest.mark.parametrize(
    ("typed", "warned"),
    [
        ({"port": "465", "security": "starttls"}, "Port 465 usually wants SSL/TLS, not STARTTLS."),
        ({"port": "587", "security": "ssl"}, "Port 587 usually wants STARTTLS, not SSL/TLS."),
        ({"port": "25", "security": "ssl"}, "Port 25 usually wants STARTTLS, not SSL/TLS."),
        ({"port": "", "security": "ssl"}, ""),
        ({"port": "465", "security": "ssl"}, ""),
        ({"port": "587", "security": "starttls"}, ""),
        ({"port": "2525", "security": "ssl"}, ""),
        ({"port": "25", "security": "none"}, ""),
    ],
    ids=str,
)
def test_a_port_that_seldom_goes_with_the_security_is_warned_about(
    client: Client, mail_server: MailServerFactory, typed: dict[str, Any], warned: str
) -> None:
    mail_server(host="saved.example.com", auth_method="none")
    page = saved(client, **typed)
    assert page.errors == {}
    assert "Saved and in force now." in page.text
    assert ("usually wants" in page.text) is bool(warned)
    assert warned in page.text


# --- what it costs ---


def queries_of(client: Client, row: MailServer) -> int:
    client.get(url(row=row))  # content types and the like are remembered from now on
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url(row=row)).status_code == 200
    return len(queries)


def test_the_number_of_queries_is_constant(client: Client, mail_server: MailServerFactory, settings: Settings) -> None:
    row = mail_server()
    bare = queries_of(client, row)
    row = mail_server(host="saved.example.com", username="me", password="secret", ehlo_source="external_url")
    WebServer.objects.create(external_url="https://www.example.com")
    for number in range(5):
        mail_server(alias=f"mailer {number}")
        saved_again = client.post(url("test", row), {"recipient": "nobody"})
        assert saved_again.status_code == 200
    settings.MAILCONFIG = {"host": "fixed.example.com", "timeout": 7}
    assert queries_of(client, row) <= bare + 1  # the name made of the external URL
    assert bare <= 11  # four of them are of the banner
