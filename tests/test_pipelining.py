"""What is said behind each other on one connection, and how often it is waited (RFC 2920)."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailconfig.pipelining import Closed, Report, carry, quoted
from mailconfig.smtp import Session
from tests.conftest import ScriptedServerFactory, SMTPServerFactory
from tests.servers.scripted import Conversation, Hangup, ScriptedServer
from tests.servers.smtp import SMTPServer
from tests.sessions import MESSAGE, RECIPIENT, SENDER, settings_for

PIPELINED = "250-mail.test\r\n250-PIPELINING\r\n250 SIZE 10000000"


@dataclass(eq=False)
class Letter:
    sender: str = SENDER
    recipients: list[str] = field(default_factory=lambda: [RECIPIENT])
    data: bytes = MESSAGE


def permit(_letter: Letter) -> None:
    pass


def sent(server: ScriptedServer | SMTPServer, *letters: Letter, session: Session | None = None) -> list[Report[Letter]]:
    waiting: Iterator[Letter] = iter(letters)
    session = session or Session(settings_for(server)).open()
    try:
        return list(carry(session, lambda _wait: next(waiting, None), permit))
    finally:
        session.close()


def test_the_next_ones_commands_come_with_the_end_of_the_text(scripted_server: ScriptedServerFactory) -> None:
    seen: list[bytes] = []

    def look_behind(conversation: Conversation) -> None:
        conversation.wait(0.2)  # what is there by now was sent without waiting for this answer
        conversation.sock.settimeout(0.2)
        with contextlib.suppress(TimeoutError):
            conversation.buffer += conversation.sock.recv(65536)
        conversation.sock.settimeout(None)
        seen.append(conversation.buffer)
        conversation.reply("250 OK")

    reports = sent(scripted_server({"EHLO": PIPELINED, "message": look_behind}), Letter(), Letter())
    assert [report.reply.code for report in reports] == [250, 250]
    assert seen[0].startswith(b"MAIL FROM:<site@example.com>")
    assert seen[0].endswith(b"DATA\r\n")
    assert seen[1] == b""


def test_a_text_is_not_sent_before_the_server_wants_it(scripted_server: ScriptedServerFactory) -> None:
    server = scripted_server({"EHLO": PIPELINED, "RCPT": "550 No"})
    reports = sent(server, Letter(), Letter())
    assert [report.refused[RECIPIENT].code for report in reports] == [550, 550]
    assert MESSAGE not in b"".join(server.messages)


def test_many_recipients_are_not_said_in_one_breath(smtp_server: SMTPServerFactory) -> None:
    many = [f"reader{number}@example.com" for number in range(300)]
    server = smtp_server(pipelining=True)
    reports = sent(server, Letter(), Letter(recipients=many), Letter())
    assert [report.reply.code for report in reports] == [250, 250, 250]
    assert [len(received.recipients) for received in server.messages] == [1, 300, 1]


def test_a_large_message_arrives_between_small_ones(smtp_server: SMTPServerFactory) -> None:
    server = smtp_server(pipelining=True)
    large = b"Subject: Large\r\n\r\n" + (b"." * 70 + b"\r\n") * 30_000
    sent(server, Letter(), Letter(data=large), Letter())
    assert [received.content for received in server.messages] == [MESSAGE, large, MESSAGE]


@pytest.mark.parametrize("features", [PIPELINED, "250 mail.test"])
def test_a_connection_lost_after_the_text_is_uncertain_and_before_it_is_not(
    scripted_server: ScriptedServerFactory, features: str
) -> None:
    def lost(conversation: Conversation) -> None:
        raise Hangup

    [report, *rest] = sent(scripted_server({"EHLO": features, "message": lost}), Letter(), Letter())
    assert report.uncertain
    assert [one.untouched for one in rest] == ([True] if features == PIPELINED else [])
    [report, *rest] = sent(scripted_server({"EHLO": features, "RCPT": lost}), Letter(), Letter())
    assert not report.uncertain
    assert not report.untouched


def test_who_may_not_send_any_more_sends_nothing_and_gives_all_back(smtp_server: SMTPServerFactory) -> None:
    def refuse(_letter: Letter) -> None:
        raise Closed

    server = smtp_server(pipelining=True)
    waiting = iter([Letter(), Letter()])
    session = Session(settings_for(server)).open()
    reports = list(carry(session, lambda _wait: next(waiting, None), refuse))
    assert [report.untouched for report in reports] == [True]
    assert not session.usable
    assert server.messages == []


def test_a_line_break_in_an_address_never_reaches_the_wire(smtp_server: SMTPServerFactory) -> None:  # S-19
    server = smtp_server(pipelining=True)
    [report] = sent(server, Letter(recipients=["a@example.com>\r\nRCPT TO:<b@example.com"]))
    assert report.reply.is_permanent
    assert server.messages == []


@given(st.lists(st.sampled_from([b".", b"..", b"a", b"\r\n", b".\r\n", b"\r\n.\r\n", b""])).map(b"".join))
def test_no_text_ends_itself(data: bytes) -> None:  # S-19
    said = quoted(data)
    assert said.endswith(b"\r\n.\r\n") or said == b".\r\n"
    assert b"\r\n.\r\n" not in said[:-3]
    assert not said[:-3].startswith(b".\r\n")
