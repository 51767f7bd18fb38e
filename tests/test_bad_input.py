"""What people enter by mistake: a message at the very field, the focus there, and nothing lost."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from mailconfig.models import MailServer
from tests.conftest import MailServerFactory
from tests.servers.certificates import Authority
from tests.settings_page import opened, saved, url

SECRET = "typed-and-secret"
PRIVATE_KEY = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEG\n-----END PRIVATE KEY-----"
GARBAGE = "-----BEGIN CERTIFICATE-----\nnot at all\n-----END CERTIFICATE-----"
BROKEN = "-----BEGIN CERTIFICATE-----\nMIIByTCCAW+gAwIBAgIUAxy0B1Ec\n-----END CERTIFICATE-----"

NAME = "not a valid server name"
NUMBER = "Enter a whole number."
ADDRESS = "Enter one e-mail address"
EHLO = "not a host name such as"
NULL = "Null characters are not allowed."
ONE_LINE = "on one line"

REFUSED: list[tuple[dict[str, Any], str, str]] = [
    # server
    ({"host": "smtp://smtp.example.com:25"}, "host", "without “smtp://”"),
    ({"host": "https://mail.example.com/"}, "host", "without “https://”"),
    ({"host": "smtp.example.com:25"}, "host", "Enter the port 25 in its own field"),
    ({"host": "192.0.2.1:587"}, "host", "Enter the port 587 in its own field"),
    ({"host": "[2001:db8::1]:465"}, "host", "Enter the port 465 in its own field"),
    ({"host": "alerts@example.com"}, "host", "This is an e-mail address"),
    ({"host": "smtp.example.com\x00"}, "host", NULL),
    ({"host": "smtp.example.com\x07"}, "host", NAME),
    ({"host": "fe80::1%eth\x070"}, "host", NAME),
    ({"host": "smtp.example.com/mail"}, "host", NAME),
    ({"host": "smtp..example.com"}, "host", NAME),
    ({"host": "-smtp.example.com"}, "host", NAME),
    ({"host": "smtp,example,com"}, "host", NAME),
    ({"host": "smtp1.example.com;smtp2.example.com"}, "host", NAME),
    ({"host": "a" * 64 + ".example.com"}, "host", NAME),
    ({"host": "a." * 126 + "example"}, "host", "at most 253 characters"),
    ({"host": "2001:db8:::1"}, "host", NAME),
    ({"host": "192.0.2.300"}, "host", "not a valid IP address"),
    ({"host": "192.0.2"}, "host", "not a valid IP address"),
    ({"host": "."}, "host", NAME),
    ({"host": "<script>alert(1)</script>"}, "host", NAME),
    # port
    ({"port": "0"}, "port", "greater than or equal to 1"),
    ({"port": "-25"}, "port", "greater than or equal to"),
    ({"port": "70000"}, "port", "less than or equal to 65535"),
    ({"port": "99999999999999999999"}, "port", "less than or equal to"),
    ({"port": "smtp"}, "port", NUMBER),
    ({"port": "25,587"}, "port", NUMBER),
    ({"port": "25.5"}, "port", NUMBER),
    # sender
    ({"from_email": ""}, "from_email", "Enter the address that this site sends from."),
    ({"from_email": "alerts"}, "from_email", ADDRESS),
    ({"from_email": "alerts@"}, "from_email", ADDRESS),
    ({"from_email": "a@example.com, b@example.com"}, "from_email", ADDRESS),
    ({"from_email": "a@example.com;b@example.com"}, "from_email", ADDRESS),
    ({"from_email": "Example shop <shop@example.com>"}, "from_email", ADDRESS),
    ({"from_email": "shop@example.com\r\nBcc: all@example.com"}, "from_email", ADDRESS),
    ({"from_email": "shop@example.com\x00"}, "from_email", NULL),
    ({"from_email": "shop@@example.com"}, "from_email", ADDRESS),
    ({"from_email": "a" * 250 + "@example.com"}, "from_email", "at most 254 characters"),
    ({"from_name": "Example shop\r\nBcc: all@example.com"}, "from_name", ONE_LINE),
    ({"from_name": "Shop\x1b"}, "from_name", ONE_LINE),
    ({"from_name": "Shop\x00"}, "from_name", NULL),
    ({"from_name": "x" * 201}, "from_name", "at most 200 characters"),
    # security and authentication
    ({"security": "tls"}, "security", "Select a valid choice."),
    ({"security": ""}, "security", "required"),
    ({"auth_method": "ntlm"}, "auth_method", "Select a valid choice."),
    ({"auth_method": "plain", "username": ""}, "username", "Enter the user name"),
    ({"username": ""}, "username", "belongs to the password"),
    ({"username": "me\r\nAUTH"}, "username", ONE_LINE),
    ({"username": "me\x00"}, "username", NULL),
    ({"username": "x" * 321}, "username", "at most 320 characters"),
    ({"password": f"{SECRET}\r\nQUIT"}, "password", ONE_LINE),
    ({"password": f"{SECRET}\x00"}, "password", NULL),
    ({"password": f"{SECRET}\x7f"}, "password", ONE_LINE),
    ({"password": f"enc:v1:{SECRET}"}, "password", "This is an encrypted value"),
    ({"clear_password": "on"}, "password", "Enter the password, or choose None"),
    ({"security": "none", "auth_method": "plain", "password": SECRET}, "confirm_clear_text", "sent in clear text"),
    ({"security": "none", "auth_method": "login", "password": SECRET}, "confirm_clear_text", "sent in clear text"),
    # EHLO
    ({"ehlo_source": "hostname"}, "ehlo_source", "Select a valid choice."),
    ({"ehlo_name": ""}, "ehlo_name", "Enter the name to say"),
    ({"ehlo_name": "mail example com"}, "ehlo_name", EHLO),
    ({"ehlo_name": "https://mail.example.com"}, "ehlo_name", "without “https://”"),
    ({"ehlo_name": "mail.example.com/x"}, "ehlo_name", "without a path"),
    ({"ehlo_name": "mail_1.example.com"}, "ehlo_name", "underscore"),
    ({"ehlo_name": "me@example.com"}, "ehlo_name", "This is an e-mail address."),
    ({"ehlo_name": "mail.example.com\r\nMAIL FROM:<>"}, "ehlo_name", EHLO),
    ({"ehlo_name": "mail\x00"}, "ehlo_name", NULL),
    ({"ehlo_name": "[192.0.2.300]"}, "ehlo_name", EHLO),
    ({"ehlo_name": "[IPv6:fe80::1%eth0]"}, "ehlo_name", EHLO),
    ({"ehlo_name": "a." * 130}, "ehlo_name", "at most 255 characters"),
    # time-out
    ({"timeout": "0"}, "timeout", "greater than or equal to 1"),
    ({"timeout": "601"}, "timeout", "less than or equal to 600"),
    ({"timeout": "-1"}, "timeout", "greater than or equal to"),
    ({"timeout": "half a minute"}, "timeout", NUMBER),
    ({"timeout": ""}, "timeout", "required"),
    # own certificate authority
    ({"ca_bundle": PRIVATE_KEY}, "ca_bundle", "This is a private key."),
    ({"ca_bundle": "garbage"}, "ca_bundle", "begins with -----BEGIN CERTIFICATE-----"),
    ({"ca_bundle": GARBAGE}, "ca_bundle", "can't be read"),
    ({"ca_bundle": BROKEN}, "ca_bundle", "can't be read"),
    ({"ca_bundle": GARBAGE.replace("not", "nöt")}, "ca_bundle", "can't be read"),
    ({"ca_bundle": GARBAGE + "\x00"}, "ca_bundle", NULL),
    ({"ca_bundle": "/etc/ssl/certs/ca.pem"}, "ca_bundle", "begins with -----BEGIN CERTIFICATE-----"),
]


@pytest.fixture
def row(mail_server: MailServerFactory) -> MailServer:
    return mail_server(host="saved.example.com", username="me", password="saved-secret")


@pytest.fixture
def alice_client(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def stored(row: MailServer) -> dict[str, Any]:
    return dict(MailServer.objects.filter(pk=row.pk).values().get())


@pytest.mark.parametrize(("typed", "field", "message"), REFUSED, ids=lambda value: str(value)[:50])
def test_it_is_refused_at_its_field_and_nothing_is_lost(
    alice_client: Client, row: MailServer, typed: dict[str, Any], field: str, message: str
) -> None:
    before = stored(row)
    typed = {"from_name": "Kept entry", **typed}
    page = saved(alice_client, **typed)
    assert message in page.errors[field]
    assert page.focus == field
    assert stored(row) == before
    shown = typed.keys() - NOT_SHOWN
    assert {name: page.values[name].split() for name in shown} == {name: typed[name].split() for name in shown}
    assert SECRET not in page.html  # S-2


NOT_SHOWN = {"password", "security", "auth_method", "ehlo_source"}
"""The secret, and choices: of one that does not exist a page has no option to select."""


def test_all_mistakes_of_a_page_are_told_at_once_and_the_focus_is_on_the_first(
    alice_client: Client, row: MailServer
) -> None:
    page = saved(alice_client, timeout="x", from_email="x", port="x", clear_password="on")
    assert {"timeout", "from_email", "port"} <= page.errors.keys()
    assert page.focus == "port"


ACCEPTED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"host": "  smtp.example.com\t"}, {"host": "smtp.example.com"}),
    ({"host": "smtp.exa mple.com\r\n"}, {"host": "smtp.example.com"}),
    ({"host": "smtp.example.com."}, {"host": "smtp.example.com"}),
    ({"host": "smtp_1"}, {"host": "smtp_1"}),
    ({"host": "bücher.example"}, {"host": "bücher.example"}),
    ({"host": "192.0.2.1"}, {"host": "192.0.2.1"}),
    ({"host": "2001:db8::1"}, {"host": "2001:db8::1"}),
    ({"host": "[2001:db8::1]"}, {"host": "2001:db8::1"}),
    ({"host": "[IPv6:2001:db8::1]"}, {"host": "2001:db8::1"}),
    ({"host": "[192.0.2.1]"}, {"host": "192.0.2.1"}),
    ({"host": "fe80::1%eth0"}, {"host": "fe80::1%eth0"}),
    ({"host": "", "from_email": ""}, {"host": "", "from_email": ""}),
    ({"port": ""}, {"port": None}),
    ({"port": "25 "}, {"port": 25}),
    ({"port": "65535"}, {"port": 65535}),
    ({"from_email": " shop@example.com "}, {"from_email": "shop@example.com"}),
    ({"from_email": "shop@bücher.example"}, {"from_email": "shop@bücher.example"}),
    ({"from_name": 'Büro "Nord", Köln'}, {"from_name": 'Büro "Nord", Köln'}),
    ({"username": " me "}, {"username": "me"}),
    ({"username": "jürgen"}, {"username": "jürgen"}),
    ({"password": "x" * 10_000}, {"password": "x" * 10_000}),
    ({"password": "pässwörd 漢字 🔑"}, {"password": "pässwörd 漢字 🔑"}),
    ({"password": " pasted with line end \r\n"}, {"password": "pasted with line end"}),
    ({"password": "   "}, {"password": "saved-secret"}),
    ({"password": "********"}, {"password": "********"}),
    ({"ehlo_name": "192.0.2.1"}, {"ehlo_name": "[192.0.2.1]"}),
    ({"ehlo_name": "[2001:db8::1]"}, {"ehlo_name": "[IPv6:2001:db8::1]"}),
    ({"ehlo_name": " bücher.example. "}, {"ehlo_name": "xn--bcher-kva.example"}),
    ({"timeout": "600"}, {"timeout": 600}),
]


@pytest.mark.parametrize(("typed", "kept"), ACCEPTED, ids=lambda value: str(value)[:50])
def test_an_accident_of_pasting_is_mended(
    alice_client: Client, row: MailServer, typed: dict[str, Any], kept: dict[str, Any]
) -> None:
    page = saved(alice_client, **{"password": "typed for another server", **typed})
    assert page.errors == {}
    row.refresh_from_db()
    assert {name: getattr(row, name) for name in kept} == kept


# --- certificates that are uploaded ---


def upload(client: Client, content: bytes) -> Any:
    file = SimpleUploadedFile("ca.pem", content)
    return saved(client, ca_file=file)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"0\x82\x01\xc90\x82\x01o\xa0\x03\x02\x01", "Convert a DER or PFX file first."),
        (PRIVATE_KEY.encode(), "This is a private key."),
        (GARBAGE.encode(), "can't be read"),
        (b"hello", "begins with -----BEGIN CERTIFICATE-----"),
        (b"", "The submitted file is empty."),
        (b"x" * (512 * 1024 + 1), "too large to be a certificate"),
    ],
    ids=["DER", "private key", "garbage", "text", "empty", "too large"],
)
def test_a_file_that_is_no_certificate_is_refused(
    alice_client: Client, row: MailServer, content: bytes, message: str
) -> None:
    before = stored(row)
    page = upload(alice_client, content)
    assert message in page.errors["ca_file"]
    assert page.focus == "ca_file"
    assert stored(row) == before


def test_a_certificate_file_fills_the_field(alice_client: Client, row: MailServer, ca: Authority) -> None:
    assert upload(alice_client, ca.pem.encode()).errors == {}
    row.refresh_from_db()
    assert row.ca_bundle == ca.pem.strip()


def test_opening_and_saving_changes_nothing(alice_client: Client, row: MailServer, ca: Authority) -> None:
    MailServer.objects.update(ca_bundle=ca.pem, port=587)
    page = saved(alice_client, opened(alice_client))
    assert "Nothing was different." in page.text
    assert stored(row)["revision"] == 0


def test_a_request_that_is_too_large_is_refused(alice_client: Client, row: MailServer) -> None:
    response = alice_client.post(url(), {**opened(alice_client).values, "password": "x" * 3_000_000})
    assert response.status_code == 400
    assert b"xxxx" not in response.content
