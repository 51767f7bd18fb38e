"""The catalogue of advice: each mistake has an answer line, as servers say it, that selects it and no other."""

import smtplib
import socket
import ssl
from typing import Any, Final

import pytest

from mailconfig.advice import advise
from mailconfig.resolving import InvalidName
from mailconfig.sasl import ScopeWanted, TokenRefused
from mailconfig.smtp import ServerSettings
from mailconfig.steps import Step, StepName
from mailconfig.trust import OtherCertificate

PASSWORD: Final[dict[str, Any]] = {"auth_method": "auto", "username": "me@example.com", "password": "secret"}
OAUTH: Final[dict[str, Any]] = {"username": "me@example.com", "token": lambda rejected: "token"}
GMAIL: Final[dict[str, Any]] = {**PASSWORD, "host": "smtp.gmail.com"}
OFFICE: Final[dict[str, Any]] = {**PASSWORD, "host": "smtp.office365.com"}
OFFICE_OAUTH: Final[dict[str, Any]] = {**OAUTH, "host": "smtp.office365.com"}
AMAZON: Final[dict[str, Any]] = {**PASSWORD, "host": "email-smtp.eu-west-1.amazonaws.com"}
RELAY: Final[dict[str, Any]] = {"host": "smtp-relay.gmail.com"}
SSL: Final[dict[str, Any]] = {"security": "ssl"}
STARTTLS: Final[dict[str, Any]] = {"security": "starttls"}
GONE = smtplib.SMTPServerDisconnected("Connection unexpectedly closed")
LATE = smtplib.SMTPServerDisconnected("Connection unexpectedly closed: timed out")
NO_AUTH = smtplib.SMTPNotSupportedError("SMTP AUTH extension not supported by server.")

ERRORS: Final[dict[str, type[smtplib.SMTPResponseException]]] = {
    "secure": smtplib.SMTPResponseException,
    "greet": smtplib.SMTPConnectError,
    "authenticate": smtplib.SMTPAuthenticationError,
    "message": smtplib.SMTPDataError,
}


def failed(name: StepName, answer: str | Exception) -> Step:
    """The step as a session tells it."""
    if isinstance(answer, Exception):
        return Step(name, ok=False, error=answer)
    code, _blank, text = answer.partition(" ")
    reply = (int(code), text.encode())
    error: Exception
    if name == "recipient":
        error = smtplib.SMTPRecipientsRefused({"a@example.com": reply})
    elif name == "sender":
        error = smtplib.SMTPSenderRefused(*reply, "site@example.com")
    else:
        error = ERRORS[name](*reply)
    return Step(name, ok=False, error=error)


def untrusted(why: str) -> ssl.SSLCertVerificationError:
    return ssl.SSLCertVerificationError(1, f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {why}")


def tls(what: str) -> ssl.SSLError:
    return ssl.SSLError(1, f"[SSL: {what}] {what.lower().replace('_', ' ')}")


Line = tuple[str, StepName, str | Exception, dict[str, Any]]

LINES: Final[list[Line]] = [
    # Microsoft
    (
        "microsoft-smtp-off-for-tenant",
        "authenticate",
        "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
        OFFICE,
    ),
    (
        "microsoft-smtp-off-for-mailbox",
        "authenticate",
        "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.",
        OFFICE,
    ),
    (
        "microsoft-basic-off",
        "authenticate",
        "535 5.7.139 Authentication unsuccessful, basic authentication is disabled.",
        OFFICE,
    ),
    (
        "microsoft-basic-retired",
        "authenticate",
        "550 5.7.30 Basic authentication is not supported for Client Submission.",
        OFFICE,
    ),
    (
        "microsoft-policy",
        "authenticate",
        "535 5.7.139 Authentication unsuccessful, the request did not meet the criteria to be authenticated",
        OFFICE,
    ),
    ("microsoft-locked", "authenticate", "535 5.7.139 Authentication unsuccessful, account is locked", OFFICE),
    (
        "microsoft-wrong-password",
        "authenticate",
        "535 5.7.139 Authentication unsuccessful, the user credentials were incorrect.",
        OFFICE,
    ),
    ("microsoft-token-refused", "authenticate", "535 5.7.3 Authentication unsuccessful", OFFICE_OAUTH),
    ("microsoft-login-refused", "authenticate", "535 5.7.3 Authentication unsuccessful", OFFICE),
    (
        "microsoft-not-logged-in",
        "sender",
        "530 5.7.57 Client not authenticated to send mail.",
        {"host": OFFICE["host"]},
    ),
    ("microsoft-mailbox-logon-failed", "authenticate", "430 4.2.0 STOREDRV; mailbox logon failure", OFFICE_OAUTH),
    (
        "microsoft-send-as-denied",
        "message",
        "554 5.2.252 SendAsDenied; me@example.com not allowed to send as site@example.com",
        OFFICE,
    ),
    ("microsoft-too-many-connections", "message", "432 4.3.2 Concurrent connections limit exceeded.", OFFICE),
    ("microsoft-too-many-messages", "message", "554 5.2.0 SubmissionQuotaExceededException", OFFICE),
    ("microsoft-account-blocked", "message", "550 5.1.8 Access denied, bad outbound sender.", OFFICE),
    (
        "microsoft-domain-not-registered",
        "message",
        "550 5.7.750 Service unavailable. Client blocked from sending from unregistered domains.",
        OFFICE,
    ),
    ("microsoft-connector-missing", "recipient", "550 5.7.64 TenantAttribution; Relay Access Denied", OFFICE),
    ("microsoft-address-not-accepted", "recipient", "550 5.7.708 Access denied, traffic not accepted from this IP", {}),
    # Google
    ("google-app-password", "authenticate", "534 5.7.9 Application-specific password required.", GMAIL),
    ("google-browser-login", "authenticate", "534 5.7.14 Please log in via your web browser and try again.", GMAIL),
    ("google-password-refused", "authenticate", "535 5.7.8 Username and Password not accepted. gsmtp", GMAIL),
    (
        "google-token-refused",
        "authenticate",
        "535 5.7.8 Username and Password not accepted. gsmtp",
        {**OAUTH, "host": "smtp.gmail.com"},
    ),
    ("google-not-logged-in", "sender", "530 5.7.0 Authentication Required. p=WantAuthError gsmtp", {}),
    ("google-too-many-logins", "authenticate", "454 4.7.0 Too many login attempts, please try again later.", GMAIL),
    ("google-daily-limit", "message", "550 5.4.5 Daily user sending limit exceeded. gsmtp", GMAIL),
    ("google-relay-refused", "sender", "550 5.7.0 Mail relay denied [192.0.2.1]. gsmtp", RELAY),
    ("google-relay-name", "greet", "421 4.7.0 Try again later, closing connection. (EHLO) gsmtp", RELAY),
    ("google-sender-not-proven", "message", "550 5.7.26 This mail is unauthenticated. gsmtp", {}),
    ("google-unusual-rate", "message", "421 4.7.28 Gmail has detected an unusual rate of mail. gsmtp", {}),
    (
        "google-scope",
        "authenticate",
        ScopeWanted(535, b"5.7.8 No", {"scope": "https://mail.google.com/"}),
        {**OAUTH, "host": "smtp.gmail.com"},
    ),
    # Amazon
    ("amazon-credentials", "authenticate", "535 Authentication Credentials Invalid", AMAZON),
    (
        "amazon-login-refused",
        "authenticate",
        "535 Authentication failed",
        AMAZON,
    ),
    (
        "amazon-not-verified",
        "message",
        "554 Message rejected: Email address is not verified. The following identities failed the check in region EU",
        PASSWORD,
    ),
    ("amazon-rate", "message", "454 Throttling failure: Maximum sending rate exceeded.", PASSWORD),
    ("amazon-quota", "message", "454 Throttling failure: Daily message quota exceeded.", PASSWORD),
    ("amazon-paused", "message", "554 Sending is paused for this account.", PASSWORD),
    (
        "amazon-not-allowed",
        "message",
        "554 Access denied: User is not authorized to perform ses:SendRawEmail",
        PASSWORD,
    ),
    # Postfix
    (
        "postfix-sender-not-owned",
        "recipient",
        "553 5.7.1 <site@example.com>: Sender address rejected: not owned by user me@example.com",
        PASSWORD,
    ),
    (
        "postfix-not-logged-in",
        "recipient",
        "553 5.7.1 <site@example.com>: Sender address rejected: not logged in",
        {},
    ),
    ("postfix-sender-domain", "recipient", "450 4.1.8 <a@b>: Sender address rejected: Domain not found", {}),
    ("postfix-sender-unknown", "recipient", "550 5.1.0 <a@b>: Sender address rejected: User unknown in table", {}),
    ("postfix-client-refused", "recipient", "554 5.7.1 <x[192.0.2.1]>: Client host rejected: Access denied", {}),
    ("postfix-login-missing", "recipient", "554 5.7.1 <a@b>: Recipient address rejected: Access denied", {}),
    ("postfix-recipient-domain", "recipient", "450 4.1.2 <a@b>: Recipient address rejected: Domain not found", {}),
    (
        "postfix-user-unknown",
        "recipient",
        "550 5.1.1 <a@b>: Recipient address rejected: User unknown in virtual mailbox table",
        {},
    ),
    ("postfix-recipient-not-verified", "recipient", "450 4.1.1 <a@b>: Recipient address rejected: unverified", {}),
    ("postfix-login-broken", "authenticate", "454 4.7.0 Temporary authentication failure: Connection lost", PASSWORD),
    (
        "postfix-login-not-enabled",
        "authenticate",
        "503 5.5.1 Error: authentication not enabled",
        PASSWORD,
    ),
    ("postfix-out-of-step", "sender", "503 5.5.0 Error: improper command pipelining after EHLO", {}),
    # Exchange
    ("exchange-relay-refused", "recipient", "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain", {}),
    ("exchange-not-logged-in", "sender", "530 5.7.1 Client was not authenticated", {}),
    (
        "exchange-send-as-denied",
        "message",
        "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
        PASSWORD,
    ),
    ("exchange-submit-denied", "sender", "550 5.7.1 Client does not have permissions to submit to this server", {}),
    ("exchange-no-room", "sender", "452 4.3.1 Insufficient system resources", {}),
    ("exchange-login-refused", "authenticate", "535 5.7.3 Authentication unsuccessful", PASSWORD),
    # the network
    ("name-invalid", "resolve", InvalidName("no name"), {}),
    ("dns-unavailable", "resolve", socket.gaierror(-3, "Temporary failure in name resolution"), {}),
    ("dns-slow", "resolve", TimeoutError(), {}),
    ("host-has-no-address", "resolve", socket.gaierror(-5, "No address associated with hostname"), {}),
    ("host-unknown", "resolve", socket.gaierror(-2, "Name or service not known"), {}),
    ("no-local-server", "connect", ConnectionRefusedError(111, "Connection refused"), {"host": "localhost"}),
    ("connection-refused", "connect", ConnectionRefusedError(111, "Connection refused"), {}),
    ("port-25-blocked", "connect", TimeoutError("timed out"), {"port": 25}),
    ("port-filtered", "connect", TimeoutError("timed out"), {}),
    ("network-unreachable", "connect", OSError(101, "Network is unreachable"), {}),
    ("host-unreachable", "connect", OSError(113, "No route to host"), {}),
    ("connection-forbidden", "connect", PermissionError(1, "Operation not permitted"), {}),
    ("connection-reset", "connect", ConnectionResetError(104, "Connection reset by peer"), {}),
    # encryption
    ("certificate-not-pinned", "secure", OtherCertificate("another"), SSL),
    ("certificate-expired", "secure", untrusted("certificate has expired"), SSL),
    ("certificate-not-yet-valid", "secure", untrusted("certificate is not yet valid"), SSL),
    ("certificate-of-other-name", "secure", untrusted("Hostname mismatch, certificate is not valid for 'x'"), SSL),
    ("certificate-of-other-address", "secure", untrusted("IP address mismatch, certificate is not valid"), SSL),
    ("certificate-private-authority", "secure", untrusted("self-signed certificate in certificate chain"), SSL),
    ("certificate-self-signed", "secure", untrusted("self-signed certificate"), STARTTLS),
    ("certificate-of-unknown-authority", "secure", untrusted("unable to get local issuer certificate"), SSL),
    ("certificate-too-weak", "secure", untrusted("EE certificate key too weak"), SSL),
    ("certificate-revoked", "secure", untrusted("certificate revoked"), SSL),
    ("client-certificate-wanted", "secure", tls("TLSV13_ALERT_CERTIFICATE_REQUIRED"), SSL),
    ("certificate-not-trusted", "secure", untrusted("unsuitable certificate purpose"), SSL),
    ("starttls-in-place-of-tls", "secure", tls("WRONG_VERSION_NUMBER"), SSL),
    ("no-tls-after-starttls", "secure", tls("WRONG_VERSION_NUMBER"), STARTTLS),
    ("tls-too-old", "secure", tls("UNSUPPORTED_PROTOCOL"), SSL),
    ("tls-nothing-in-common", "secure", tls("SSLV3_ALERT_HANDSHAKE_FAILURE"), SSL),
    ("tls-name-unknown", "secure", tls("TLSV1_UNRECOGNIZED_NAME"), SSL),
    ("tls-broken-off", "secure", tls("TLSV1_ALERT_INTERNAL_ERROR"), STARTTLS),
    ("encryption-damaged", "greet", tls("DECRYPTION_FAILED_OR_BAD_RECORD_MAC"), SSL),
    ("own-authority-unreadable", "secure", ssl.SSLError("not enough data: cadata does not contain a certificate"), SSL),
    ("authority-file-missing", "secure", FileNotFoundError(2, "No such file or directory"), SSL),
    (
        "starttls-not-offered",
        "secure",
        smtplib.SMTPNotSupportedError("STARTTLS extension not supported by server."),
        STARTTLS,
    ),
    ("starttls-not-now", "secure", "454 4.7.0 TLS not available due to local problem", STARTTLS),
    ("starttls-refused", "secure", "502 5.5.1 Not implemented", STARTTLS),
    ("tls-no-answer", "secure", TimeoutError("_ssl.c:999: The handshake operation timed out"), SSL),
    ("tls-closed", "secure", tls("UNEXPECTED_EOF_WHILE_READING"), SSL),
    ("starttls-no-answer", "secure", TimeoutError("The handshake operation timed out"), STARTTLS),
    ("starttls-closed", "secure", ConnectionResetError(104, "Connection reset by peer"), STARTTLS),
    # the greeting
    ("ehlo-not-qualified", "recipient", "504 5.5.2 <me>: Helo command rejected: need fully-qualified hostname", {}),
    ("ehlo-not-found", "recipient", "450 4.7.1 <me>: Helo command rejected: Host not found", {}),
    ("ehlo-forged", "recipient", "550 5.7.1 Forged HELO: you are not me, HELO is my own hostname", {}),
    ("ehlo-refused", "recipient", "501 5.5.4 Helo command rejected: Invalid name", {}),
    ("greeting-name-refused", "greet", smtplib.SMTPHeloError(550, b"5.7.1 Not you"), {}),
    ("imap-server", "greet", "-1 K [CAPABILITY IMAP4rev1] Dovecot ready.", {}),
    ("web-server", "greet", "-1 /1.1 400 Bad Request", {}),
    ("ssh-server", "greet", "-1 2.0-OpenSSH_9.6", {}),
    ("not-a-mail-server", "greet", "-1 Dovecot", {}),
    ("line-too-long", "greet", "500 Line too long.", {}),
    ("no-mail-service", "greet", "554 5.7.1 No SMTP service here", {}),
    ("server-not-ready", "greet", "421 4.3.2 Service not available", {}),
    ("tls-in-place-of-greeting", "greet", LATE, {"port": 465}),
    ("greeting-late", "greet", LATE, {}),
    ("greeting-endless", "greet", smtplib.SMTPServerDisconnected("the server's reply does not end"), {}),
    ("greeting-closed", "greet", GONE, {}),
    ("greeting-unusable", "greet", ValueError("contains a line break"), {}),
    # the log-in
    ("token-refused", "authenticate", TokenRefused(535, b"5.7.8 No", {}), OAUTH),
    ("scope-wanted", "authenticate", ScopeWanted(535, b"5.7.8 No", {"scope": "send"}), OAUTH),
    ("oauth-not-offered", "authenticate", NO_AUTH, OAUTH),
    ("login-needs-encryption", "authenticate", NO_AUTH, PASSWORD),
    ("login-not-offered", "authenticate", NO_AUTH, {**PASSWORD, **SSL}),
    ("encryption-needed-for-login", "authenticate", "538 5.7.11 Encryption required", PASSWORD),
    ("encryption-needed", "sender", "530 5.7.0 Must issue a STARTTLS command first", {}),
    ("app-password-needed", "authenticate", "535 5.7.8 Use an app password", PASSWORD),
    ("account-locked", "authenticate", "535 5.7.8 Account suspended", PASSWORD),
    ("too-many-logins", "authenticate", "535 5.7.8 Too many failed attempts", PASSWORD),
    ("login-not-now", "authenticate", "454 4.7.0 Not now", PASSWORD),
    ("user-name-incomplete", "authenticate", "535 5.7.8 Authentication failed", {**PASSWORD, "username": "me"}),
    ("login-refused", "authenticate", "535 5.7.8 Authentication failed", PASSWORD),
    ("method-too-weak", "authenticate", "534 5.7.9 Mechanism is too weak", PASSWORD),
    ("method-unknown", "authenticate", "504 5.5.4 Unrecognized authentication type", PASSWORD),
    ("login-no-answer", "authenticate", LATE, PASSWORD),
    ("login-closed", "authenticate", GONE, PASSWORD),
    ("login-missing", "recipient", "530 5.7.0 Authentication required", {}),
    # limits
    ("address-on-block-list", "recipient", "554 5.7.1 Service unavailable; blocked using zen.spamhaus.org", {}),
    ("dynamic-address", "recipient", "554 5.7.1 Mail from dynamic IP refused", {}),
    ("no-reverse-name", "recipient", "450 4.7.25 Client host rejected: cannot find your hostname", {}),
    ("greylisted", "recipient", "451 4.7.1 Greylisting in action, please come back later", {}),
    ("too-many-connections", "greet", "421 4.7.0 Too many connections from your IP", {}),
    ("too-fast", "message", "450 4.7.1 Rate limit reached", {}),
    ("quota-used-up", "message", "550 5.7.1 Hourly limit of the account is used up: quota", PASSWORD),
    ("message-too-large", "sender", "552 5.3.4 Message size exceeds fixed limit", {}),
    ("message-over-size", "message", "554 Message too large", {}),
    ("server-full", "sender", "452 4.3.1 Disk full", {}),
    ("try-later", "message", "451 4.3.0 Later", {}),
    ("answer-late", "message", LATE, {}),
    ("answer-endless", "message", smtplib.SMTPServerDisconnected("the server's reply does not end"), {}),
    ("connection-lost", "message", GONE, {}),
    # sender, recipient, message
    ("sender-unusable", "sender", ValueError("no address"), {}),
    ("sender-spf", "sender", "550 5.7.23 SPF validation failed", {}),
    ("sender-dmarc", "message", "550 5.7.1 Rejected by the DMARC policy of the domain", {}),
    ("sender-domain-unknown", "sender", "553 5.1.8 No", {}),
    ("sender-domain-not-found", "sender", "550 Domain of sender does not exist", {}),
    ("sender-not-owned", "sender", "550 5.7.1 You are not allowed to send from that address", PASSWORD),
    ("sender-other-than-login", "sender", "553 5.7.1 No", PASSWORD),
    ("sender-badly-written", "sender", "501 5.1.7 Bad sender address syntax", {}),
    ("sender-refused", "sender", "550 No", {}),
    ("recipient-unusable", "recipient", ValueError("no address"), {}),
    ("relay-without-login", "recipient", "554 5.7.1 <a@b>: Relay access denied", {}),
    ("relay-refused", "recipient", "554 5.7.1 <a@b>: Relay access denied", PASSWORD),
    ("mailbox-full", "recipient", "552 5.2.2 Mailbox full", {}),
    ("mailbox-disabled", "recipient", "550 5.2.1 Mailbox disabled", {}),
    ("recipient-domain-unknown", "recipient", "550 5.1.2 Bad destination", {}),
    ("recipient-domain-not-found", "recipient", "550 No such domain", {}),
    ("recipient-badly-written", "recipient", "501 5.1.3 Bad recipient address syntax", {}),
    ("recipient-unknown", "recipient", "550 5.1.1 Unknown", {}),
    ("recipient-not-there", "recipient", "550 No such user here", {}),
    ("recipient-refused", "recipient", "550 No", {}),
    ("virus-found", "message", "554 5.7.1 Virus found", {}),
    ("taken-for-spam", "message", "554 5.7.1 Rejected as spam", {}),
    ("header-refused", "message", "554 5.6.0 Bad header", {}),
    ("message-refused", "message", "554 5.0.0 No", {}),
]

SPELLINGS: Final[list[Line]] = [
    # other ways in which servers and libraries say the same
    ("microsoft-policy", "authenticate", "535 5.7.139 user is locked by your organization's security defaults", OFFICE),
    ("google-daily-limit", "message", "550 5.4.5 Daily sending quota exceeded.", GMAIL),
    ("too-many-connections", "greet", "421 4.7.0 Too many concurrent SMTP connections from this IP address", {}),
    ("login-refused", "authenticate", "550 5.7.1 Authentication not allowed", PASSWORD),
    ("postfix-login-broken", "authenticate", "454 4.7.0 Temporary authentication failure: generic failure", PASSWORD),
    ("certificate-self-signed", "secure", untrusted("self signed certificate"), SSL),
    ("certificate-private-authority", "secure", untrusted("self signed certificate in certificate chain"), SSL),
    ("certificate-too-weak", "secure", untrusted("CA signature digest algorithm too weak"), SSL),
    ("tls-nothing-in-common", "secure", tls("DH_KEY_TOO_SMALL"), SSL),
    ("tls-nothing-in-common", "secure", tls("UNSAFE_LEGACY_RENEGOTIATION_DISABLED"), SSL),
    ("tls-nothing-in-common", "secure", tls("WRONG_SIGNATURE_TYPE"), SSL),
]


def settings(fields: dict[str, Any]) -> ServerSettings:
    known = {"host": "mail.example.com", "port": 587, "from_email": "site@example.com"}
    return ServerSettings(**{**known, **fields})


@pytest.mark.parametrize(
    ("expected", "name", "answer", "fields"), [*LINES, *SPELLINGS], ids=[line[0] for line in [*LINES, *SPELLINGS]]
)
def test_an_answer_selects_its_advice(
    expected: str, name: StepName, answer: str | Exception, fields: dict[str, Any]
) -> None:
    advice = advise(failed(name, answer), settings(fields))
    assert advice.id == expected
    assert advice.meaning
    assert advice.action
    assert "%(" not in advice.meaning + advice.action


def test_what_nobody_knows_is_told_honestly() -> None:
    assert advise(failed("message", "299 What"), settings({})).id == "general"
