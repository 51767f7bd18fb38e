"""Line breaks and NUL in what becomes a command or header are refused at the wire, whoever let them through (S-19)."""

import re
from typing import Any

import pytest
from django.core.mail import EmailMessage
from hypothesis import given
from hypothesis import strategies as st

from mailconfig import addresses
from mailconfig.addresses import addr_spec
from mailconfig.smtp import Session
from tests.conftest import MailServerFactory, ScriptedServerFactory
from tests.servers.scripted import ScriptedServer
from tests.sessions import MESSAGE, RECIPIENT, SENDER, settings_for

BREAKS = ["\r\n", "\n", "\r", "\0"]
EVIL = "RCPT TO:<victim@example.com>"


def commands(server: ScriptedServer) -> set[str]:
    return {line.split(" ")[0].upper() for line in server.lines}


# S-19
@pytest.mark.parametrize("breaking", BREAKS)
def test_an_ehlo_name_is_one_word(scripted_server: ScriptedServerFactory, breaking: str) -> None:
    server = scripted_server()
    with pytest.raises(ValueError, match="line break or NUL"):
        Session(settings_for(server, ehlo_name=f"site{breaking}{EVIL}")).open()
    assert server.lines == []


# S-19
@pytest.mark.parametrize("breaking", BREAKS)
def test_a_host_is_one_word(breaking: str) -> None:
    with pytest.raises(OSError, match=r"."):
        Session(settings_for(ScriptedServer(), host=f"127.0.0.1{breaking}{EVIL}")).open()


# S-19
@pytest.mark.parametrize("breaking", BREAKS)
@pytest.mark.parametrize("where", ["sender", "recipient"])
def test_an_address_is_one_word_at_the_wire(scripted_server: ScriptedServerFactory, where: str, breaking: str) -> None:
    server = scripted_server()
    session = Session(settings_for(server)).open()
    evil = f"a@example.com>{breaking}{EVIL}"
    with pytest.raises(ValueError, match="line break or NUL"):
        session.sendmail(evil if where == "sender" else SENDER, [evil if where == "recipient" else RECIPIENT], MESSAGE)
    session.close()
    assert commands(server) == {"EHLO", "QUIT"}


# S-19
@pytest.mark.parametrize("breaking", BREAKS)
@pytest.mark.parametrize(
    "fields",
    [
        {"to": ["a@example.com{}" + EVIL]},
        {"to": ['"a{}b" <a@example.com>']},
        {"cc": ["a@exa{}mple.com"]},
        {"bcc": ["{}a@example.com"]},
        {"from_email": "a@example.com{}" + EVIL},
        {"from_email": "Name{}Bcc: victim@example.com <a@example.com>"},
        {"subject": "Hello{}Bcc: victim@example.com"},
        {"reply_to": ["a@example.com{}Bcc: victim@example.com"]},
        {"headers": {"X-Note": "yes{}Bcc: victim@example.com"}},
        {"headers": {"From": "a@example.com{}Bcc: victim@example.com"}},
    ],
    ids=repr,
)
def test_a_message_with_a_line_break_in_its_head_is_refused(
    scripted_server: ScriptedServerFactory, mail_server: MailServerFactory, fields: dict[str, Any], breaking: str
) -> None:
    server = scripted_server()
    mail_server(server)
    with pytest.raises(ValueError, match=r"."):
        _message(fields, breaking).send()
    assert "MAIL" not in commands(server)


def _message(fields: dict[str, Any], breaking: str) -> EmailMessage:
    def fill(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: fill(one) for name, one in value.items()}
        return [fill(one) for one in value] if isinstance(value, list) else value.replace("{}", breaking)

    return EmailMessage(**{"subject": "Hello", "body": "Hello", "to": [RECIPIENT], **fill(fields)})


# S-19
@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("dot", [".", "..", ". ", ".x"])
def test_a_dot_on_a_line_of_its_own_does_not_end_the_message(
    scripted_server: ScriptedServerFactory, mail_server: MailServerFactory, line_end: str, dot: str
) -> None:
    server = scripted_server()
    mail_server(server)
    body = line_end.join(["before", dot, f"MAIL FROM:<{SENDER}>", EVIL, "after"])
    EmailMessage("Hello", body, to=[RECIPIENT]).send()
    [content] = server.messages
    assert content.endswith(b"after\r\n")
    assert b"\r\n." + dot.encode() + b"\r\n" in content
    assert re.search(rb"(?<!\r)\n|\r(?!\n)", content) is None
    assert EVIL not in server.lines


# S-19
@given(st.text(st.sampled_from('ab.@<>"\\,;:()[] \r\n\0=?ü\u2028'), max_size=12))
def test_whatever_is_called_an_address_it_is_one_word_or_refused(text: str) -> None:
    try:
        address = addr_spec(text)
    except ValueError:
        return
    assert address.isascii()
    assert re.search(r"[\0\r\n]", address) is None


@given(st.from_regex(addresses.PLAIN, fullmatch=True))
def test_an_address_that_is_not_parsed_would_come_out_as_it_is(text: str) -> None:
    assert addresses.parsed(text) == addr_spec(text) == text


@pytest.mark.parametrize("text", ["a@example.com\n", "a\u212a@example.com", "=?utf-8?q?a?=@example.com", "a@b@c"])
def test_what_only_resembles_a_plain_address_is_parsed(text: str) -> None:
    assert not addresses.PLAIN.fullmatch(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("a@example.com", "a@example.com"),
        ("Name <a@example.com>", "a@example.com"),
        ('"Mail, electronic" <a@example.com>', "a@example.com"),
        ("Jürgen <a@bücher.example>", "a@xn--bcher-kva.example"),
        ('"a b"@example.com', '"a b"@example.com'),
        ("webmaster", "webmaster"),
        ("a@[192.0.2.1]", "a@[192.0.2.1]"),
    ],
)
def test_an_address_is_found_beside_its_name(text: str, address: str) -> None:
    assert addr_spec(text) == address


# S-19
@pytest.mark.parametrize("text", ["", "a@", "a@[", "<", "@b.example", "a b", "ü@b.example", "a@b.example, c@d.example"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"Invalid address {text!r}")):
        addr_spec(text)
