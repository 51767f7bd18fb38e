"""Who a message is from, in its header and on its envelope: the configured sender, unless somebody chose another."""

import copy
import re
from typing import Any

import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives
from pytest_django.fixtures import Settings

from tests.conftest import MailServerFactory, SMTPServerFactory
from tests.servers.smtp import Received, SMTPServer
from tests.sessions import RECIPIENT

CONFIGURED = "site@example.com"


@pytest.fixture
def server(smtp_server: SMTPServerFactory, settings: Settings) -> SMTPServer:
    settings.DEFAULT_FROM_EMAIL = "Nobody <webmaster@localhost>"
    settings.SERVER_EMAIL = "root@localhost"
    return smtp_server()


def send(server: SMTPServer, *, reply_to: Any = None, **fields: Any) -> Received:
    assert EmailMessage("Hello", "Hello", to=[RECIPIENT], reply_to=reply_to, **fields).send() == 1
    return server.messages[-1]


def shown(received: Received, header: str = "From") -> list[tuple[str, str]]:
    """Names and addresses as a reader sees them."""
    addresses = received.message[header].addresses if received.message[header] else ()
    return [(address.display_name, address.addr_spec) for address in addresses]


@pytest.mark.parametrize("given", [None, "Nobody <webmaster@localhost>", "root@localhost"])
@pytest.mark.parametrize("force", [False, True])
def test_mail_that_names_no_sender_goes_out_as_the_configured_one(
    server: SMTPServer, mail_server: MailServerFactory, given: str | None, force: bool
) -> None:
    mail_server(server, from_name="The site", force_from=force)
    received = send(server, from_email=given)
    assert received.sender == CONFIGURED
    assert shown(received) == [("The site", CONFIGURED)]
    assert received.message["Reply-To"] is None


def test_a_chosen_sender_is_kept(server: SMTPServer, mail_server: MailServerFactory) -> None:
    mail_server(server, from_name="The site")
    received = send(server, from_email="Shop <shop@example.org>")
    assert received.sender == "shop@example.org"
    assert shown(received) == [("Shop", "shop@example.org")]


def test_an_address_that_only_resembles_the_default_was_chosen(
    server: SMTPServer, mail_server: MailServerFactory
) -> None:
    mail_server(server)
    assert send(server, from_email="webmaster@localhost").sender == "webmaster@localhost"


def test_a_forced_sender_sends_answers_to_the_chosen_one(server: SMTPServer, mail_server: MailServerFactory) -> None:
    mail_server(server, force_from=True)
    received = send(server, from_email="Shop <shop@example.org>")
    assert received.sender == CONFIGURED
    assert shown(received) == [("", CONFIGURED)]
    assert shown(received, "Reply-To") == [("Shop", "shop@example.org")]


@pytest.mark.parametrize(
    "fields", [{"reply_to": ["help@example.org"]}, {"headers": {"Reply-To": "help@example.org"}}], ids=str
)
def test_a_forced_sender_leaves_a_chosen_reply_to_alone(
    server: SMTPServer, mail_server: MailServerFactory, fields: dict[str, Any]
) -> None:
    mail_server(server, force_from=True)
    received = send(server, from_email="shop@example.org", **fields)
    assert received.sender == CONFIGURED
    assert shown(received, "Reply-To") == [("", "help@example.org")]
    assert received.content.lower().count(b"\r\nreply-to:") == 1


# The header From may differ from the envelope (https://docs.djangoproject.com/en/stable/topics/email/): each has its
# own answer to whether somebody chose it.
@pytest.mark.parametrize(
    ("force", "envelope", "header", "sent_envelope", "sent_header", "answers"),
    [
        (False, None, "list@example.org", CONFIGURED, "list@example.org", []),
        (False, "bounce@example.org", None, "bounce@example.org", "bounce@example.org", []),
        (False, "bounce@example.org", "list@example.org", "bounce@example.org", "list@example.org", []),
        (False, "bounce@example.org", "root@localhost", "bounce@example.org", CONFIGURED, []),
        (True, None, "list@example.org", CONFIGURED, CONFIGURED, [("", "list@example.org")]),
        (True, "bounce@example.org", "list@example.org", CONFIGURED, CONFIGURED, [("", "list@example.org")]),
        (True, "bounce@example.org", "root@localhost", CONFIGURED, CONFIGURED, []),
    ],
)
def test_a_from_among_the_headers_has_its_own_rule(
    server: SMTPServer,
    mail_server: MailServerFactory,
    force: bool,
    envelope: str | None,
    header: str | None,
    sent_envelope: str,
    sent_header: str,
    answers: list[tuple[str, str]],
) -> None:
    mail_server(server, force_from=force)
    received = send(server, from_email=envelope, headers={"From": header} if header else None)
    assert received.sender == sent_envelope
    assert shown(received) == [("", sent_header)]
    assert shown(received, "Reply-To") == answers
    assert received.content.count(b"From:") == 1


def test_without_a_configured_sender_all_is_as_django_has_it(
    server: SMTPServer, mail_server: MailServerFactory
) -> None:
    mail_server(server, from_email="", force_from=True)
    received = send(server)
    assert received.sender == "webmaster@localhost"
    assert shown(received) == [("Nobody", "webmaster@localhost")]


@pytest.mark.parametrize(
    "name",
    [
        "The site",
        'Müller & "Söhne", GmbH',
        "O'Neil (Sales) <east>",
        "Back\\slash",
        "日本語の名前",
        "a@b.example",
        "Dr. No",
    ],
)
def test_a_name_arrives_as_it_was_entered(server: SMTPServer, mail_server: MailServerFactory, name: str) -> None:
    mail_server(server, from_name=name)
    received = send(server)
    assert received.sender == CONFIGURED
    assert shown(received) == [(name, CONFIGURED)]


@pytest.mark.parametrize("name", ["", "Bücher", "Books"])
def test_an_international_domain_is_written_in_ascii(
    server: SMTPServer, mail_server: MailServerFactory, name: str
) -> None:
    mail_server(server, from_name=name, from_email="info@bücher.example")
    received = send(server)
    assert received.sender == "info@xn--bcher-kva.example"
    assert b"<info@xn--bcher-kva.example>" in received.content or b"info@xn--bcher-kva.example\r\n" in received.content


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("given", [None, "Shop <shop@example.org>"])
def test_the_message_of_the_caller_stays_as_it_was(
    server: SMTPServer, mail_server: MailServerFactory, force: bool, given: str | None
) -> None:
    mail_server(server, from_name="The site", force_from=force)
    message = EmailMultiAlternatives(
        "Hello", "Hello", given, [RECIPIENT], headers={"X-Note": "1", "Message-ID": "<1@x>"}
    )
    message.attach_alternative("<p>Hello</p>", "text/html")
    message.attach("note.txt", "Note", "text/plain")
    before = copy.deepcopy(_written(message))
    assert [message.send(), message.send()] == [1, 1]
    assert _written(message) == before
    first, second = (_without_what_is_random(received.content) for received in server.messages)
    assert first == second


def _written(message: EmailMessage) -> dict[str, Any]:
    """What the caller wrote: not our report of the delivery, nor the backend that Django 5.2 keeps there."""
    return {name: value for name, value in vars(message).items() if name not in ("connection", "delivery")}


def _without_what_is_random(content: bytes) -> bytes:
    return re.sub(rb"(?m)^Date: .*?\r$|={15}\d+==", b"", content)
