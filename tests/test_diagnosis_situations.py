"""Servers that really misbehave: each fails the right step, in time, with the advice that fits (S-21)."""

from typing import Final

import pytest

from tests.conftest import ScriptedServerFactory, SMTPServerFactory
from tests.servers import scripted
from tests.servers.certificates import Authority
from tests.servers.scripted import Conversation, Says
from tests.sessions import settings_for
from tests.situations import ACCOUNT, FROM, check

SAYS: Final[list[tuple[str, Says, str, str]]] = [
    ("banner", "554 5.7.1 No SMTP service here", "greet", "no-mail-service"),
    ("banner", "421 4.3.2 Not ready", "greet", "server-not-ready"),
    ("banner", "421 4.7.0 Too many connections", "greet", "too-many-connections"),
    ("banner", "554 Blocked, see spamhaus.org", "greet", "address-on-block-list"),
    ("banner", "* OK IMAP4rev1 ready", "greet", "imap-server"),
    ("banner", "+OK POP3 ready", "greet", "not-a-mail-server"),
    ("banner", "SSH-2.0-OpenSSH_9.6", "greet", "ssh-server"),
    ("banner", "HTTP/1.1 400 Bad Request", "greet", "web-server"),
    ("banner", scripted.garbage, "greet", "not-a-mail-server"),
    ("banner", scripted.huge_line, "greet", "line-too-long"),
    ("banner", scripted.endless, "greet", "greeting-endless"),
    ("AUTH", "535 5.7.8 Authentication failed", "authenticate", "login-refused"),
    ("AUTH", "535 5.7.139 SmtpClientAuthentication is disabled for the Tenant.", "authenticate",
     "microsoft-smtp-off-for-tenant"),
    ("AUTH", "535 5.7.139 basic authentication is disabled", "authenticate", "microsoft-basic-off"),
    ("AUTH", "535 5.7.139 did not meet the criteria", "authenticate", "microsoft-policy"),
    ("AUTH", "550 5.7.30 Basic authentication is not supported", "authenticate", "microsoft-basic-retired"),
    ("AUTH", "535-5.7.8 Username and Password\r\n535 5.7.8 not accepted", "authenticate", "google-password-refused"),
    ("AUTH", "534-5.7.9 Application-specific password\r\n534 5.7.9 required.", "authenticate", "google-app-password"),
    ("AUTH", "454 4.7.0 Temporary authentication failure: Connection lost", "authenticate", "postfix-login-broken"),
    ("AUTH", "535 Authentication Credentials Invalid", "authenticate", "login-refused"),
    ("AUTH", "535 5.7.3 Authentication unsuccessful", "authenticate", "exchange-login-refused"),
    ("AUTH", "538 5.7.11 Encryption required", "authenticate", "encryption-needed-for-login"),
    ("AUTH", "534 5.7.9 Too weak", "authenticate", "method-too-weak"),
    ("AUTH", "504 5.5.4 Unrecognized", "authenticate", "method-unknown"),
    ("AUTH", "454 4.7.0 Not now", "authenticate", "login-not-now"),
    ("MAIL", "530 5.7.0 Must issue a STARTTLS command first", "sender", "encryption-needed"),
    ("MAIL", "553 5.7.1 Not yours", "sender", "sender-other-than-login"),
    ("MAIL", "550 5.7.23 SPF failed", "sender", "sender-spf"),
    ("MAIL", "553 5.1.8 Domain not found", "sender", "sender-domain-unknown"),
    ("MAIL", "501 5.1.7 Bad address", "sender", "sender-badly-written"),
    ("MAIL", "552 5.3.4 Too big", "sender", "message-too-large"),
    ("MAIL", "452 4.3.1 Insufficient system resources", "sender", "exchange-no-room"),
    ("MAIL", "452 4.3.1 No room", "sender", "server-full"),
    ("MAIL", "451 4.3.0 Later", "sender", "try-later"),
    ("RCPT", "504 5.5.2 <a>: Helo command rejected: need fully-qualified hostname", "recipient", "ehlo-not-qualified"),
    ("RCPT", "450 4.7.1 <a>: Helo command rejected: Host not found", "recipient", "ehlo-not-found"),
    ("RCPT", "553 5.7.1 <a>: Sender address rejected: not owned by user me", "recipient", "postfix-sender-not-owned"),
    ("RCPT", "554 5.7.1 <a>: Relay access denied", "recipient", "relay-refused"),
    ("RCPT", "550 5.7.54 SMTP; Unable to relay", "recipient", "exchange-relay-refused"),
    ("RCPT", "550 5.1.1 Unknown", "recipient", "recipient-unknown"),
    ("RCPT", "550 5.1.1 <a>: User unknown in virtual mailbox table", "recipient", "postfix-user-unknown"),
    ("RCPT", "552 5.2.2 Full", "recipient", "mailbox-full"),
    ("RCPT", "450 4.2.0 Greylisted, come back later", "recipient", "greylisted"),
    ("RCPT", "554 5.7.1 Blocked using zen.spamhaus.org", "recipient", "address-on-block-list"),
    ("RCPT", "450 4.7.25 cannot find your hostname", "recipient", "no-reverse-name"),
    ("RCPT", "554 5.7.1 Client host rejected: Access denied", "recipient", "postfix-client-refused"),
    ("RCPT", "501 5.1.3 Bad address", "recipient", "recipient-badly-written"),
    ("RCPT", "550 5.1.2 No such place", "recipient", "recipient-domain-unknown"),
    ("RCPT", "550 No", "recipient", "recipient-refused"),
    ("DATA", "451 4.3.0 Later", "message", "try-later"),
    ("message", "554 5.7.1 Rejected as spam", "message", "taken-for-spam"),
    ("message", "554 5.7.1 Virus found", "message", "virus-found"),
    ("message", "550 5.7.60 Client does not have permissions to send as this sender", "message",
     "exchange-send-as-denied"),
    ("message", "432 4.3.2 Concurrent connections limit exceeded", "message", "microsoft-too-many-connections"),
    ("message", "550 5.4.5 Daily user sending limit exceeded", "message", "google-daily-limit"),
    ("message", "454 Throttling failure: Maximum sending rate exceeded.", "message", "amazon-rate"),
    ("message", "554 Email address is not verified", "message", "amazon-not-verified"),
    ("message", "550 5.7.1 DMARC policy", "message", "sender-dmarc"),
    ("message", "554 5.0.0 No", "message", "message-refused"),
    ("banner", scripted.close, "greet", "greeting-closed"),
    ("AUTH", scripted.close, "authenticate", "login-closed"),
    ("MAIL", scripted.close, "sender", "connection-lost"),
    ("RCPT", scripted.close, "recipient", "connection-lost"),
    ("DATA", scripted.close, "message", "connection-lost"),
    ("message", scripted.close, "message", "connection-lost"),
]  # fmt: skip


@pytest.mark.parametrize(("stage", "says", "step", "expected"), SAYS)
def test_what_a_server_says_or_does(
    scripted_server: ScriptedServerFactory, stage: str, says: Says, step: str, expected: str
) -> None:
    check(settings_for(scripted_server({stage: says}), **{**FROM, **ACCOUNT}), step, expected)


def _clear_text_again(conversation: Conversation) -> None:
    conversation.reply("220 Go")
    conversation.receive(b"\x16")  # the client begins its handshake (RFC 8446, section 5.1)
    conversation.reply("250 in clear text again")


TLS: Final[list[tuple[str, Says, str]]] = [
    ("starttls", "454 4.7.0 TLS not available", "starttls-not-now"),
    ("starttls", "502 5.5.1 No", "starttls-refused"),
    ("starttls", scripted.close, "starttls-closed"),
    ("starttls", _clear_text_again, "no-tls-after-starttls"),
    ("ssl", "220 mail.test ready", "starttls-in-place-of-tls"),
    ("ssl", scripted.close, "tls-closed"),
]


@pytest.mark.parametrize(("security", "says", "expected"), TLS)
def test_encryption_that_does_not_come_about(
    scripted_server: ScriptedServerFactory, ca: Authority, security: str, says: Says, expected: str
) -> None:
    server = scripted_server({"STARTTLS" if security == "starttls" else "banner": says}, security="none")
    if security == "starttls":
        server.script = {**server.script, "EHLO": scripted.FEATURES_WITH_STARTTLS}
    check(settings_for(server, ca, **{**FROM, "security": security}), "secure", expected)


def test_wrong_encryption_is_found_out_and_offered(smtp_server: SMTPServerFactory, ca: Authority) -> None:
    server = smtp_server(security="starttls")
    outcome = check(settings_for(server, ca, **{**FROM, "security": "ssl"}), "secure", "starttls-in-place-of-tls")
    assert outcome.advice
    assert outcome.advice.remedy == {"security": "starttls", "port": server.port}
    assert outcome.advice.remedy_label == f"Use STARTTLS on port {server.port}"
