"""Headers that are made once for many mails are those that Python makes for each."""

from email import policy
from email.headerregistry import BaseHeader

import django
import pytest
from django.core.mail import EmailMessage, EmailMultiAlternatives
from hypothesis import example, given
from hypothesis import strategies as st

from mailconfig.headers import ALIKE, POLICY, Headers

FIXED = {"Date": "Wed, 25 Nov 2026 12:00:00 +0000", "Message-ID": "<1@example.com>"}


def written(subject: str, sender: str) -> EmailMessage:
    message = EmailMultiAlternatives(subject, "Grüße\n" * 3, sender, ["a@example.com", "Zoë <b@example.com>"])
    message.extra_headers = FIXED | {"X-Order": "1" * 100}
    message.attach_alternative("<p>Hello</p>", "text/html")
    message.attach("größe.bin", bytes(100), "application/octet-stream")
    return message


def shown(made: BaseHeader) -> tuple[str, list[str], str]:
    return str(made), [str(defect) for defect in made.defects], made.fold(policy=policy.SMTP)


@given(st.sampled_from([*ALIKE, "Subject", "To", "X-Other"]), st.text(st.characters(codec="ascii", categories=["L"])))
@example("From", "Größe <shop@example.com>, b@example.com")
@example("Content-Type", 'text/plain; charset="utf-8"')
@example("Content-Type", "nonsense")
def test_a_header_is_as_python_makes_it(name: str, value: str) -> None:
    expected = shown(policy.SMTP.header_factory(name, value))
    for _time in range(2):
        made = POLICY.header_factory(name, value)
        assert shown(made) == expected
        assert made.fold(policy=POLICY) == expected[2]


if django.VERSION >= (6, 0):  # Django 5.2 takes no policy

    @pytest.mark.parametrize("sender", ["Shop <shop@example.com>", "Größe <shop@example.com>", "x@bücher.example"])
    def test_a_message_is_as_python_writes_it_each_time(sender: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("email.generator.Generator._make_boundary", lambda *args: "=====")
        message = written("Hello", sender)
        expected = message.message(policy=policy.SMTP).as_bytes()
        assert [message.message(policy=POLICY).as_bytes() for _time in range(2)] == [expected, expected]


def test_a_class_is_made_once_for_each_kind_of_header() -> None:
    headers = Headers()
    assert headers["To"] is headers["cc"]  # both lists of addresses, of which a message has one
    assert headers["X-One"] is headers["X-Two"]
    assert headers["To"] is not headers["From-Whom"]
