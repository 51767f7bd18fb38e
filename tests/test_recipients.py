"""Who gets a message and who was refused, each recipient for itself (S-20)."""

import smtplib

import pytest
from django.core.mail import EmailMessage

from tests.conftest import MailServerFactory, ScriptedServerFactory, SMTPServerFactory
from tests.servers.scripted import Conversation
from tests.sessions import RECIPIENT

UNKNOWN = {"nobody@example.com": "550 5.1.1 Unknown", "full@example.com": "452 4.2.2 Mailbox full"}


def to(*recipients: str, **fields: list[str]) -> EmailMessage:
    return EmailMessage("Hello", "Hello", to=list(recipients), **fields)  # type: ignore[arg-type]


def test_to_cc_and_bcc_get_it_and_bcc_is_not_told(
    smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> None:
    server = smtp_server()
    mail_server(server)
    to("One <1@example.com>", cc=["2@example.com"], bcc=["3@bücher.example"]).send()
    [received] = server.messages
    assert received.recipients == ["1@example.com", "2@example.com", "3@xn--bcher-kva.example"]
    assert b"cher" not in received.content  # the name alone: a Message-ID may end in 3@


# S-20
def test_what_some_get_is_sent_and_the_refused_are_reported(
    smtp_server: SMTPServerFactory, mail_server: MailServerFactory, caplog: pytest.LogCaptureFixture
) -> None:
    server = smtp_server(replies=UNKNOWN)
    mail_server(server)
    message = to(RECIPIENT, *UNKNOWN)
    assert message.send() == 1
    assert server.messages[0].recipients == [RECIPIENT]
    assert message.delivery.refused == {  # type: ignore[attr-defined]
        "nobody@example.com": (550, b"5.1.1 Unknown"),
        "full@example.com": (452, b"4.2.2 Mailbox full"),
    }
    assert message.delivery.reply == "250 2.0.0 Accepted as 1"  # type: ignore[attr-defined]
    assert [record.getMessage() for record in caplog.records] == [
        "Recipient nobody@example.com refused: 550 5.1.1 Unknown",
        "Recipient full@example.com refused: 452 4.2.2 Mailbox full",
    ]


# S-20
def test_what_nobody_gets_is_an_error_that_names_all(
    smtp_server: SMTPServerFactory, mail_server: MailServerFactory, caplog: pytest.LogCaptureFixture
) -> None:
    server = smtp_server(replies=UNKNOWN)
    mail_server(server)
    with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
        to(*UNKNOWN).send()
    assert caught.value.recipients.keys() == UNKNOWN.keys()
    assert server.messages == []
    assert "nobody@example.com: 550 5.1.1 Unknown; full@example.com: 452" in caplog.text


# S-20
def test_a_server_that_ends_the_session_among_the_recipients_gets_no_message(
    scripted_server: ScriptedServerFactory, mail_server: MailServerFactory
) -> None:
    server = scripted_server({"RCPT": ["250 2.1.5 Fine", "421 4.3.2 Closing down", "250 2.1.5 Fine"]})
    mail_server(server)
    with pytest.raises(smtplib.SMTPRecipientsRefused) as caught:
        to("1@example.com", "2@example.com", "3@example.com").send()
    assert caught.value.recipients == {"2@example.com": (421, b"4.3.2 Closing down")}
    assert server.messages == []


# S-21
def test_a_long_list_of_recipients_may_take_longer_than_the_time_out(
    scripted_server: ScriptedServerFactory, mail_server: MailServerFactory
) -> None:
    def slowly(conversation: Conversation) -> None:
        conversation.wait(0.3)
        conversation.reply("250 2.1.5 Fine")

    server = scripted_server({"RCPT": slowly})
    mail_server(server, timeout=1)
    assert to(*(f"{number}@example.com" for number in range(5))).send() == 1


def test_a_message_for_nobody_is_not_sent(smtp_server: SMTPServerFactory, mail_server: MailServerFactory) -> None:
    server = smtp_server()
    mail_server(server)
    assert to().send() == 0
    assert server.messages == []
