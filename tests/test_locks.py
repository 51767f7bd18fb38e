"""Values that MAILCONFIG fixes: in force, shown with their source, changed by nobody, stored nowhere."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings
from pytest_django import Settings

from mailconfig.exceptions import MailconfigError
from mailconfig.locks import LOCKABLE, UnusableLocks
from mailconfig.models import MailServer
from oauthconnections.fields import Secret
from tests.conftest import MailServerFactory, SMTPServerFactory
from tests.settings_page import Page, opened, saved, sent, url

FIXED: dict[str, Any] = {
    "host": "fixed.example.com",
    "port": 2525,
    "security": "ssl",
    "auth_method": "plain",
    "username": "fixed user",
    "password": "fixed-secret",
    "from_name": "Fixed name",
    "from_email": "fixed@example.com",
    "force_from": True,
    "ehlo_source": "custom",
    "ehlo_name": "fixed-ehlo.example.com",
    "timeout": 77,
    "ca_bundle": "",
    "pinned_certificate": "ab" * 32,
}


@pytest.fixture
def row(mail_server: MailServerFactory) -> MailServer:
    return mail_server(host="saved.example.com", username="me", password="saved-secret")


@pytest.fixture
def alice_client(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def stored(row: MailServer) -> dict[str, Any]:
    return dict(MailServer.objects.filter(pk=row.pk).values().get())


@pytest.mark.parametrize("configured", [FIXED, {"default": FIXED}], ids=["flat", "per mailer"])
def test_fixed_values_are_in_force(row: MailServer, configured: dict[str, Any]) -> None:
    with override_settings(MAILCONFIG=configured):
        server = MailServer.objects.for_alias("default")
    assert FIXED.keys() == set(LOCKABLE)
    assert {name: getattr(server, name) for name in FIXED} == FIXED
    assert isinstance(server.password, Secret)


def test_they_are_for_their_mailer_alone(mail_server: MailServerFactory, settings: Settings) -> None:
    mail_server(host="first.example.com")
    mail_server(alias="second", host="second.example.com")
    settings.MAILCONFIG = {"timeout": 7, "second": {"host": "fixed.example.com"}}
    first, second = (MailServer.objects.for_alias(alias) for alias in ("default", "second"))
    assert (first.host, first.timeout) == ("first.example.com", 7)
    assert (second.host, second.timeout) == ("fixed.example.com", 5)


def test_no_row_is_needed(db: None, settings: Settings) -> None:
    settings.MAILCONFIG = {"host": "fixed.example.com", "from_email": "fixed@example.com"}
    assert MailServer.objects.for_alias("default").connection_settings().host == "fixed.example.com"


def test_values_of_the_environment_are_text(row: MailServer, settings: Settings) -> None:
    settings.MAILCONFIG = {"port": "2525", "timeout": "7", "force_from": "True", "password": "enc:v1:as it is"}
    server = MailServer.objects.for_alias("default")
    assert (server.port, server.timeout, server.force_from) == (2525, 7, True)
    assert server.password == "enc:v1:as it is"


def test_an_empty_port_of_the_environment_is_the_usual_one(row: MailServer, settings: Settings) -> None:
    settings.MAILCONFIG = {"port": ""}
    assert MailServer.objects.for_alias("default").connection_settings().port == 25


# --- on the page ---


def test_the_page_shows_them_with_their_source(alice_client: Client, row: MailServer, settings: Settings) -> None:
    settings.MAILCONFIG = {"host": "fixed.example.com", "security": "ssl", "timeout": 77}
    settings.MAILCONFIG_SOURCES = {"host": "MAILCONFIG_HOST"}
    page = opened(alice_client)
    assert {"fixed.example.com", "SSL/TLS", "77"} <= set(page.text.split())
    assert page.text.count("Set by MAILCONFIG_HOST.") == 1
    assert page.text.count("Set by MAILCONFIG in the settings of this site.") == 2
    assert not {"host", "security", "timeout"} & page.values.keys()
    assert "saved.example.com" not in page.html


@pytest.mark.parametrize("name", LOCKABLE)
def test_each_field_can_be_fixed(alice_client: Client, row: MailServer, settings: Settings, name: str) -> None:
    settings.MAILCONFIG = {name: FIXED[name]}
    page = opened(alice_client)
    assert name not in page.values
    assert "Set by MAILCONFIG in the settings of this site." in page.text
    before = stored(row)
    saved(alice_client, page, **{name: "9"})
    assert stored(row)[name] == before[name]


def test_saving_stores_only_the_others(alice_client: Client, row: MailServer, settings: Settings) -> None:
    settings.MAILCONFIG = FIXED | {"timeout": 7}
    del settings.MAILCONFIG["from_name"]
    before = stored(row)
    page = saved(alice_client, from_name="New name", host="forged.example.com", clear_password="on", timeout="9")
    assert "Changed: Sender name." in page.text
    assert stored(row) == {**before, "from_name": "New name", "revision": 1}


def test_with_all_fixed_the_page_still_saves(alice_client: Client, row: MailServer, settings: Settings) -> None:
    settings.MAILCONFIG = FIXED
    before = stored(row)
    assert "Nothing was different." in saved(alice_client, opened(alice_client)).text
    assert stored(row) == before


def test_what_is_missing_beside_a_fixed_value_is_said(
    alice_client: Client, row: MailServer, settings: Settings
) -> None:
    MailServer.objects.update(password="")
    settings.MAILCONFIG = {"password": "", "auth_method": "plain"}
    page = saved(alice_client, opened(alice_client))
    assert "Password: Enter the password, or choose None as authentication method." in page.errors[""]


def test_the_test_uses_them_whatever_is_posted(
    alice_client: Client, row: MailServer, settings: Settings, smtp_server: SMTPServerFactory
) -> None:
    fixed, forged = smtp_server(), smtp_server()
    settings.MAILCONFIG = {"host": fixed.host, "port": fixed.port, "security": "none", "auth_method": "none"}
    data = sent(None, {"port": forged.port, "recipient": "me@example.com"})
    assert "Sent to me@example.com" in Page.of(alice_client.post(url("test"), data)).text
    assert (len(fixed.messages), len(forged.messages)) == (1, 0)


# --- values that can't be used ---


@pytest.mark.parametrize(
    "configured",
    [{"port": "s3cret"}, {"security": "s3cret"}, {"s3cret": 1}, {"host": "s3cret s3cret"}, {"revision": 7}],
    ids=str,
)
def test_nothing_is_sent_with_a_value_that_can_not_be_used(
    row: MailServer, settings: Settings, configured: dict[str, Any]
) -> None:
    settings.MAILCONFIG = configured
    with pytest.raises(UnusableLocks, match="MAILCONFIG") as failure:
        MailServer.objects.for_alias("default").connection_settings()
    assert isinstance(failure.value, MailconfigError)


def test_the_page_works_and_says_so(alice_client: Client, row: MailServer, settings: Settings) -> None:
    settings.MAILCONFIG = {"port": "s3cret", "security": "tls", "nonsense": 1}
    settings.MAILCONFIG_SOURCES = {"port": "MAILCONFIG_PORT"}
    page = opened(alice_client)
    assert "Mail can't be sent. MAILCONFIG_PORT: the value of 'port' is invalid." in page.text
    assert "It must be one of: none, starttls, ssl." in page.text
    assert "s3cret" not in page.html
    assert saved(alice_client, page, timeout="9").errors == {}
    assert "Mail can't be sent." in Page.of(alice_client.get("/admin/mailconfig/mailserver/", follow=True)).text


def test_the_test_says_so(
    alice_client: Client, row: MailServer, settings: Settings, smtp_server: SMTPServerFactory
) -> None:
    server = smtp_server()
    settings.MAILCONFIG = {"host": server.host, "port": server.port, "security": "tls"}
    response = alice_client.post(url("test"), {"recipient": "me@example.com"})
    assert "fix values of the mail server that can't be used" in Page.of(response).text
    assert server.connections == 0
