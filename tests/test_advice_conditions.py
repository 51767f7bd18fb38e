"""Advice that depends on what was seen besides the answer, and that no entry of the catalogue is without a line."""

import smtplib
from typing import Any, Final

import pytest

from mailconfig.advice import advise
from mailconfig.advices import CATALOGUE
from mailconfig.exceptions import AuthenticationLost, NoTokenNow
from mailconfig.sasl import SecretInClear, TokenRefused
from mailconfig.steps import Step
from tests.test_advice import LINES, OAUTH, OFFICE_OAUTH, PASSWORD, settings

REFUSED = TokenRefused(535, b"5.7.3 Authentication unsuccessful", {})
OUTLOOK: Final = "https://outlook.office.com"
LOST = AuthenticationLost(connection="Example", account="me@example.com", where="/admin/", reason="")
NOT_SUPPORTED = smtplib.SMTPNotSupportedError("The server does not offer it")
IN_CLEAR = SecretInClear("Das Passwort ginge im Klartext")

SEEN: Final[list[tuple[str, Exception, dict[str, Any], dict[str, Any]]]] = [
    ("microsoft-token-ended", REFUSED, {"claims": {"aud": OUTLOOK, "scp": "SMTP.Send", "exp": 1}}, OFFICE_OAUTH),
    ("microsoft-token-for-other-service", REFUSED, {"claims": {"aud": "https://graph.microsoft.com"}}, OFFICE_OAUTH),
    ("microsoft-token-without-scope", REFUSED, {"claims": {"aud": OUTLOOK, "scp": "IMAP.Read"}}, OFFICE_OAUTH),
    ("token-ended", REFUSED, {"claims": {"exp": 1}}, OAUTH),
    ("account-lost", LOST, {}, OAUTH),
    ("no-token", NoTokenNow(meaning="No.", action="Wait."), {}, OAUTH),
    ("token-in-clear", IN_CLEAR, {"offered": ("XOAUTH2",)}, OAUTH),
    ("only-windows-login", NOT_SUPPORTED, {"offered": ("NTLM", "GSSAPI")}, PASSWORD),
    ("password-in-clear", IN_CLEAR, {"offered": ("PLAIN",)}, PASSWORD),
    ("method-not-offered", NOT_SUPPORTED, {"offered": ("PLAIN",)}, {**PASSWORD, "security": "ssl"}),
]


@pytest.mark.parametrize(("expected", "error", "seen", "fields"), SEEN, ids=[line[0] for line in SEEN])
def test_what_was_seen_selects_the_advice(
    expected: str, error: Exception, seen: dict[str, Any], fields: dict[str, Any]
) -> None:
    advice = advise(Step("authenticate", ok=False, error=error, **seen), settings(fields))
    assert advice.id == expected


def test_each_entry_has_a_line_that_selects_it() -> None:
    ids = [entry.id for entry in CATALOGUE]
    assert len(ids) == len(set(ids)) >= 60
    assert set(ids) - {line[0] for line in LINES} - {line[0] for line in SEEN} == set()
