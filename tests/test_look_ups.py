"""Detect settings and check the sender's domain: on the page and on the command line, and nothing is saved."""

import io
import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from pytest_django.fixtures import Settings

from mailconfig.history import LOOK_UP
from mailconfig.models import MailServer
from oauthconnections.models import OAuthConnection
from tests.conftest import MailServerFactory, SMTPServerFactory
from tests.sender_domain import GOOD, HOST, SENDER, SERVER
from tests.servers.dns import DnsServer
from tests.servers.network import Network
from tests.settings_page import Page, sent, url

SCRIPT = {"X-Requested-With": "fetch"}
SERVICE = "_submission._tcp.example.test. SRV 5 1 587 mail.example.test.\n"
Zone = Callable[..., DnsServer]


@pytest.fixture(autouse=True)
def row(mail_server: MailServerFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MailServer:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return mail_server(host="saved.example.com", username="me", password="saved-secret", from_email=SENDER)


@pytest.fixture(autouse=True)
def alice_client(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def zone(dns_server: Zone, network: Network, settings: Settings) -> Callable[[str], DnsServer]:
    """Name servers that know it, asked by the site."""

    def start(text: str) -> DnsServer:
        server = dns_server(text)
        settings.DNS_RESOLVER = f"127.0.0.1:{server.port}"
        return server

    return start


@pytest.fixture
def found(zone: Callable[[str], DnsServer], network: Network, smtp_server: SMTPServerFactory) -> None:
    zone(SERVICE)
    network.connect("mail.example.test", 587, smtp_server(security="starttls", names=("mail.example.test",)))


def press(client: Client, name: str, script: bool = True, **typed: Any) -> Page:
    response = client.post(url(name), sent(None, typed), headers=SCRIPT if script else {})
    assert response.status_code == 200
    return Page.of(response)


def trusted(ca: Any) -> dict[str, Any]:
    return {"ca_bundle": ca.pem}


# --- detect settings ---


def test_a_server_that_answers_is_offered_with_its_reason(client: Client, ca: Any, found: None) -> None:
    MailServer.objects.update(ca_bundle=ca.pem)
    before = MailServer.objects.values().get()
    page = press(client, "detect")
    assert "mail.example.test, port 587 , STARTTLS" in page.text or "mail.example.test, port 587, STARTTLS" in page.text
    assert "example.test names this server in DNS (SRV record)." in page.text
    (values,) = re.findall('data-fill="([^"]*)"', page.html)
    assert json.loads(unescape(values)) == {
        "from_email": SENDER,
        "host": "mail.example.test",
        "port": 587,
        "security": "starttls",
        "username": SENDER,
    }
    assert MailServer.objects.values().get() == before
    assert "saved-secret" not in page.html  # S-2


def test_without_a_script_a_link_fills_the_form_and_saves_nothing(client: Client, ca: Any, found: None) -> None:
    MailServer.objects.update(ca_bundle=ca.pem)
    before = MailServer.objects.values().get()
    page = press(client, "detect", script=False, from_email="new@example.test")
    assert "<html" in page.html
    (link,) = re.findall(r'href="([^"]*\?use=[^"]*)"', page.html)
    filled = Page.of(client.get(unescape(link)))
    assert "Filled in, not saved yet." in filled.text
    shown = {name: filled.values[name] for name in ("host", "port", "security", "username", "from_email")}
    assert shown == {
        "host": "mail.example.test",
        "port": "587",
        "security": "starttls",
        "username": "new@example.test",
        "from_email": "new@example.test",
    }
    assert MailServer.objects.values().get() == before


def test_a_link_of_a_strangers_making_fills_in_nothing(client: Client) -> None:
    page = Page.of(client.get(url(), {"use": "eyJob3N0IjoiZXZpbCJ9:1x:abc"}))
    assert page.values["host"] == "saved.example.com"
    assert "Filled in" not in page.text


def test_oauth_is_said_where_it_is_the_way(client: Client, zone: Callable[[str], DnsServer], network: Network,
                                           smtp_server: SMTPServerFactory, ca: Any, alice: User) -> None:  # fmt: skip
    MailServer.objects.update(ca_bundle=ca.pem)
    zone("")
    network.connect("smtp.gmail.com", 587, smtp_server(security="starttls", names=("smtp.gmail.com",)))
    typed: dict[str, Any] = {"from_email": "me@gmail.com"}
    alice.is_superuser = True
    alice.save()
    page = press(client, "detect", **typed)
    assert "Authenticate with OAuth here" in page.text
    assert "/oauthconnections/oauthconnection/add/?provider=google" in page.html
    connection = OAuthConnection.objects.create(name="Our Google", provider="google", client_id="x")
    page = press(client, "detect", **typed)
    assert "Use the OAuth connection “Our Google”" in page.text
    values = json.loads(unescape(re.findall('data-fill="([^"]*)"', page.html)[0]))
    assert values == {"from_email": "me@gmail.com", "oauth_connection": connection.pk}


def test_what_did_not_answer_is_told_apart(client: Client, zone: Callable[[str], DnsServer]) -> None:
    zone(SERVICE)
    page = press(client, "detect")
    assert "What did not answer" in page.text
    assert "None of the servers answered" in page.text
    assert "Use these" not in page.text


@pytest.mark.parametrize("name", ["detect", "check"])
def test_without_an_address_nobody_is_asked(client: Client, name: str) -> None:
    assert "Enter the sender address first." in press(client, name, from_email="").text
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("name", ["detect", "check"])
def test_twenty_in_ten_minutes_are_enough(  # S-23
    client: Client, alice: User, zone: Callable[[str], DnsServer], name: str
) -> None:
    dns = zone("")
    for _number in range(20):
        LogEntry.objects.log_actions(alice.pk, [MailServer.objects.get()], LOOK_UP, "Asked", single_object=True)
    assert "Too many look-ups. Wait 10 minutes, then try again." in press(client, name).text
    assert dns.asked == []


@pytest.mark.parametrize("name", ["detect", "check", "restore"])
def test_a_post_from_another_site_is_refused(alice: User, name: str) -> None:  # S-23
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert strict.post(url(name), sent(None, {})).status_code == 403


# --- the sender's domain ---


def test_a_domain_is_checked_for_what_is_in_the_form(client: Client, zone: Callable[[str], DnsServer]) -> None:
    zone(GOOD)
    page = press(client, "check", host=HOST, password="typed-secret")
    assert "Who may send (SPF)" in page.text
    assert "Signatures (DKIM)" in page.text
    assert "-secret" not in page.html  # S-2
    assert f"Sender domain of {SENDER} checked" in LogEntry.objects.get().change_message
    assert MailServer.objects.get().host == "saved.example.com"


@pytest.mark.parametrize("script", [True, False])
def test_a_record_to_publish_can_be_copied(client: Client, zone: Callable[[str], DnsServer], script: bool) -> None:
    zone(SERVER)
    page = press(client, "check", script=script, host=HOST)
    assert "Publish this in DNS:" in page.text
    assert re.search(r'<code id="record-dmarc-1">v=DMARC1', page.html)
    assert 'data-copies="record-dmarc-1"' in page.html


# --- the command line ---


def run(*arguments: str) -> tuple[str, int]:
    out = io.StringIO()
    try:
        call_command("mailserver", *arguments, stdout=out, no_color=True)
    except SystemExit as end:
        return out.getvalue(), int(str(end.code))
    return out.getvalue(), 0


def test_the_command_detects(ca: Any, found: None) -> None:
    MailServer.objects.update(ca_bundle=ca.pem)
    text, status = run("detect", SENDER)
    assert "+ mail.example.test:587 starttls: example.test names this server in DNS (SRV record)." in text
    assert status == 0
    printed = json.loads(run("detect", SENDER, "--json")[0])
    assert printed["candidates"][0]["ok"] is True
    assert (printed["candidates"][0]["host"], printed["candidates"][0]["port"]) == ("mail.example.test", 587)


def test_the_command_says_by_its_status_that_nothing_works(zone: Callable[[str], DnsServer]) -> None:
    zone("")
    assert run("detect", SENDER)[1] == 1
    assert run("check-domain")[1] == 1


def test_the_command_checks_the_domain(zone: Callable[[str], DnsServer]) -> None:
    zone(SERVER)
    MailServer.objects.update(host=HOST)
    assert "Who may send (SPF)" in run("check-domain")[0]
    printed = json.loads(run("check-domain", "--json")[0])
    assert printed["domain"] == "example.test"
    assert {finding["topic"] for finding in printed["findings"]} >= {"spf", "dkim", "dmarc", "mx"}
    assert any(finding["record"] for finding in printed["findings"])
