"""The EHLO name on the settings page: shown without asking anybody; its two buttons do ask."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from mailconfig.models import MailServer
from oauthconnections.models import WebServer
from tests.conftest import MailServerFactory
from tests.servers.hostname_service import HostnameService, text
from tests.settings_page import Page, opened, saved, sent, url

SCRIPT = {"X-Requested-With": "fetch"}
FOUND = "mail.found.example.com"


@pytest.fixture
def service(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostnameService]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # where workers share what one of them found
    with HostnameService(text(FOUND)) as service:
        settings.HOSTNAME_SERVICE_URL = service.url
        yield service


@pytest.fixture
def row(mail_server: MailServerFactory) -> MailServer:
    return mail_server(host="saved.example.com", ehlo_source="public_address")


@pytest.fixture(autouse=True)
def alice_client(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def press(client: Client, action: str, script: bool) -> Page:
    response = client.post(url("ehlo"), {"action": action}, follow=True, headers=SCRIPT if script else {})
    assert response.status_code == 200
    page = Page.of(response)
    assert ("<html" in page.html) is not script
    return page


# --- opening and saving asks nobody ---


@pytest.mark.parametrize("source", ["external_url", "public_address", "custom"])
def test_opening_and_saving_asks_nobody(client: Client, row: MailServer, service: HostnameService, source: str) -> None:
    for _time in range(2):
        assert opened(client).errors == {}
    assert saved(client, ehlo_source=source, ehlo_name="typed.example.com").errors == {}
    assert saved(client, port="x").errors.keys() == {"port"}
    client.post(url("test"), sent(None, {"ehlo_source": source}))  # the page without a script, which only asks
    assert service.asked == 0


def test_it_shows_which_name_each_choice_gives(client: Client, row: MailServer, service: HostnameService) -> None:
    page = opened(client)
    assert "External visible URL (not known yet) Publicly determined address (press Determine) Custom" in page.text
    assert "Not determined yet" in page.text
    assert page.values["ehlo_source"] == "public_address"
    WebServer.objects.create(external_url="https://mail.example.com:8443/path")
    press(client, "determine", script=False)
    text = opened(client).text
    assert f"External visible URL (mail.example.com) Publicly determined address ({FOUND}) Custom" in text
    assert service.asked == 1


@pytest.mark.parametrize(
    ("source", "shown"),
    [("external_url", "www.example.com"), ("custom", "site.example.com"), ("public_address", "Not determined yet")],
)
def test_it_shows_the_name_that_would_be_said_now(
    client: Client, row: MailServer, service: HostnameService, source: str, shown: str
) -> None:
    WebServer.objects.create(external_url="https://www.example.com")
    MailServer.objects.update(ehlo_source=source)
    assert f"Name said now: {shown}" in opened(client).text


# --- Determine ---


@pytest.mark.parametrize("script", [True, False])
def test_determine_asks_and_shows_the_answer(
    client: Client, row: MailServer, service: HostnameService, script: bool
) -> None:
    assert FOUND in press(client, "determine", script).text
    assert f"Name said now: {FOUND}" in opened(client).text
    assert service.asked == 1


def test_each_press_asks_anew(client: Client, row: MailServer, service: HostnameService) -> None:
    press(client, "determine", script=True)
    service.answer = text("other.example.com")
    assert "other.example.com" in press(client, "determine", script=True).text
    assert service.asked == 2


@pytest.mark.parametrize("script", [True, False])
def test_a_failure_is_said_on_the_page(client: Client, row: MailServer, service: HostnameService, script: bool) -> None:
    service.answer = text("no", status=500)
    page = press(client, "determine", script)
    assert "answered with an error. Press Determine again later, or choose another name." in page.text
    assert "answered with an error." in opened(client).text
    assert "Publicly determined address (press Determine)" in opened(client).text


def test_a_service_that_is_switched_off_is_said_on_the_page(
    client: Client, row: MailServer, settings: Settings
) -> None:
    settings.HOSTNAME_SERVICE_URL = ""
    assert "HOSTNAME_SERVICE_URL is empty" in press(client, "determine", script=False).text


# --- Check name ---


@pytest.mark.parametrize("script", [True, False])
def test_check_says_what_spam_filters_would_find(
    client: Client, row: MailServer, service: HostnameService, script: bool
) -> None:
    MailServer.objects.update(ehlo_source="custom", ehlo_name="container-7")
    page = press(client, "check", script)
    assert "container-7 has no domain, and many servers refuse that." in page.text
    assert "container-7 is not found in DNS" in page.text
    assert service.asked == 0


def test_check_looks_at_what_is_fixed(client: Client, row: MailServer, settings: Settings) -> None:
    settings.MAILCONFIG = {"ehlo_source": "custom", "ehlo_name": "[127.0.0.1]"}
    assert "is an address inside your network" in press(client, "check", script=True).text


@pytest.mark.parametrize("action", ["", "delete", "<script>"])
def test_another_button_does_nothing(client: Client, row: MailServer, service: HostnameService, action: str) -> None:
    before = MailServer.objects.values().get()
    press(client, action, script=True)
    assert MailServer.objects.values().get() == before
    assert service.asked == 0
