"""What may be entered as server, EHLO name, one line or certificate: whatever comes, an answer and no crash."""

import re
from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError
from hypothesis import example, given
from hypothesis import strategies as st

from mailconfig.ehlo import clean_ehlo_name
from mailconfig.models import MailServer
from mailconfig.validators import clean_host, validate_ca_bundle, validate_host, validate_one_line

CONTROL_OR_SPACE = re.compile(r"[\s\x00-\x1f\x7f]")

# Random text seldom comes near a host name, so most of it is made of what host names and pasting accidents consist of.
HOST_PARTS = st.sampled_from(
    [
        *(
            "smtp",
            "example",
            "com",
            ".",
            "..",
            "-",
            "_",
            ":",
            "::",
            "25",
            "587",
            "1",
            "0",
            "255",
            "256",
            "127",
            "[",
            "]",
        ),
        *("IPv6:", "fe80", "%", "eth0", "2001", "db8", "/", "//", "smtp://", "@", " ", "\t", "\r\n", "\0", "\x7f"),
        *("ü", "ß", "漢", "①", "\u200b", "\u3002", "\xad", "\u2028", "\ud800", "xn--", "xn--bcher-kva", "X" * 63),
    ]
)
TEXTS = st.one_of(st.text(), st.lists(HOST_PARTS, max_size=9).map("".join))


def refused(validate: Callable[[str], object], text: str) -> bool:
    """Whether it was, with a message for a person."""
    try:
        validate(text)
    except ValidationError as error:
        return all(error.messages)
    return False


@given(TEXTS)
@example("[[::1]]")
@example("fe80::1%\r\nMAIL")
@example("fe80::1%a b")
@example("[IPv6:[IPv6:::1]]")
def test_an_accepted_host_is_stable_and_safe(text: str) -> None:  # S-19
    host = clean_host(text)
    if not refused(validate_host, host):
        assert clean_host(host) == host
        assert not CONTROL_OR_SPACE.search(host)
        assert 0 < len(host) <= 253


@given(TEXTS)
@example("xn--\ud800")
def test_an_accepted_ehlo_name_is_stable_and_safe(text: str) -> None:  # S-19
    if not refused(clean_ehlo_name, text):
        name = clean_ehlo_name(text)
        assert clean_ehlo_name(name) == name
        assert not CONTROL_OR_SPACE.search(name)
        assert name.isascii()
        assert name


@given(st.one_of(st.text(), st.text(st.sampled_from("ab\r\n\0\t\x7f\x85\u2028"))))
def test_a_line_is_accepted_when_it_is_one(text: str) -> None:  # S-19
    assert refused(validate_one_line, text) is bool(re.search(r"[\x00-\x1f\x7f]", text))


@given(
    st.sampled_from(["host", "port", "from_email", "from_name", "username", "password", "ehlo_name", "timeout"]), TEXTS
)
def test_each_field_takes_or_refuses_whatever_is_entered(name: str, text: str) -> None:
    server = MailServer(**{name: text})
    if not refused(lambda _text: server.clean_fields(), text) and text:
        value = str(getattr(server, name) or "")
        assert not re.search(r"[\r\n\0]", value)


PEM_PARTS = st.sampled_from(
    ["-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", "\n", "MIIB", "ü", "\0", "=", " "]
)


@given(st.lists(PEM_PARTS, max_size=9).map("".join))
def test_what_is_no_certificate_is_refused(text: str) -> None:
    assert refused(validate_ca_bundle, text)


@pytest.mark.parametrize(
    ("pasted", "host"),
    [
        (" smtp.example.com \r\n", "smtp.example.com"),
        ("smtp.example.com.", "smtp.example.com"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[IPv6:2001:db8::1]", "2001:db8::1"),
        ("bücher.example", "bücher.example"),
        ("smtp\u200b.example.com", "smtp.example.com"),
        ("localhost", "localhost"),
        ("mail_1", "mail_1"),
    ],
)
def test_a_host_is_cleaned_of_what_comes_along(pasted: str, host: str) -> None:
    assert clean_host(pasted) == host
    assert not refused(validate_host, host)
