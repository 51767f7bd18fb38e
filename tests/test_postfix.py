"""Mail through a real Postfix, with STARTTLS and SASL, as a site in production sends it."""

import smtplib
from collections.abc import Iterator
from typing import Any, Final

import pytest
from django.core.mail import EmailMessage, send_mail

from mailconfig import diagnosis
from mailconfig.models import MailServer
from mailconfig.smtp import ServerSettings
from tests.conftest import MailServerFactory
from tests.servers.certificates import Authority
from tests.servers.postfix import Postfix, postfix
from tests.servers.proxy import Proxy, without_starttls
from tests.sessions import settings_for
from tests.situations import FROM, check

# With the database, also where it is not asked: else those tests run later, and start a Postfix of their own.
pytestmark = [pytest.mark.postfix, pytest.mark.slow, pytest.mark.django_db]


@pytest.fixture(scope="module")
def running_postfix(ca: Authority) -> Iterator[Postfix]:
    with postfix(ca) as server:
        yield server


@pytest.fixture
def server(running_postfix: Postfix) -> Iterator[Postfix]:
    """With an empty mailbox."""
    yield running_postfix
    running_postfix.empty()


@pytest.fixture
def configured(server: Postfix, ca: Authority, mail_server: MailServerFactory) -> MailServer:
    return mail_server(
        host="localhost",
        port=server.port,
        security="starttls",
        ca_bundle=ca.pem,
        username=server.username,
        password=server.password,
        from_name="A site",
        from_email="site@example.com",
        ehlo_name="site.example.net",
    )


@pytest.mark.parametrize("method", ["auto", "plain", "login", "cram-md5"])
@pytest.mark.parametrize("security", ["starttls", "ssl"])
def test_mail_arrives_once_with_its_sender_and_name(
    server: Postfix, configured: MailServer, security: str, method: str
) -> None:
    configured.port = server.tls_port if security == "ssl" else server.port
    configured.security, configured.auth_method = security, method
    configured.save()
    assert send_mail("Hello", "A text", None, ["somebody@example.com"]) == 1
    [message] = server.messages(1)
    assert message["Return-Path"] == "<site@example.com>"
    assert message["From"] == "A site <site@example.com>"
    assert message["Delivered-To"] == "somebody@example.com"
    received = message["Received"]
    assert received.startswith("from site.example.net ")
    assert "using TLSv1.3" in received
    assert "(Authenticated sender: sender@example.com)" in received


def test_a_sender_of_its_own_is_kept(server: Postfix, configured: MailServer) -> None:
    send_mail("Hello", "A text", "shop@example.com", ["somebody@example.com"])
    [message] = server.messages(1)
    assert message["Return-Path"] == "<shop@example.com>"
    assert message["From"] == "shop@example.com"


def test_one_refused_recipient_does_not_stop_the_others(server: Postfix, configured: MailServer) -> None:  # S-20
    mail = EmailMessage("Hello", "A text", to=["a@example.com", "refused@example.com", "b@example.com"])
    assert mail.send() == 1
    assert {message["Delivered-To"] for message in server.messages(2)} == {"a@example.com", "b@example.com"}


def test_a_wrong_password_is_told_in_the_servers_words(server: Postfix, configured: MailServer) -> None:
    configured.password = "another"
    configured.save()
    with pytest.raises(smtplib.SMTPAuthenticationError, match=r"535.*5\.7\.8 Error: authentication failed") as caught:
        send_mail("Hello", "A text", None, ["somebody@example.com"])
    assert "another" not in str(caught.value)
    assert server.messages(0) == []


def test_a_name_without_a_domain_is_refused_by_a_strict_server(server: Postfix, configured: MailServer) -> None:
    configured.ehlo_name = "localhost"
    configured.save()
    with pytest.raises(smtplib.SMTPRecipientsRefused, match="need fully-qualified hostname"):
        send_mail("Hello", "A text", None, ["somebody@example.com"])


def test_without_its_authority_the_certificate_is_refused(server: Postfix, configured: MailServer) -> None:  # S-15
    configured.ca_bundle = ""
    configured.save()
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        send_mail("Hello", "A text", None, ["somebody@example.com"])
    assert server.messages(0) == []


# --- what a test email tells of its refusals ---

KNOWN: Final[dict[str, Any]] = {"auth_method": "plain", "username": "sender@example.com", "password": "a pass word"}
CLEAR: Final = {"security": "none"}
OWNED: Final = {"from_email": "owned@example.com"}
ELSEWHERE: Final = "somebody@other.example"

REFUSALS: Final[list[tuple[str, dict[str, Any], str, str]]] = [
    # where it listens (LISTENERS), what is set, the step that fails, the advice
    ("plain", {}, "recipient", "postfix-login-missing"),
    ("plain", {**KNOWN, "password": "another"}, "authenticate", "login-refused"),
    ("plain", {**KNOWN, "username": "sender", "password": "another"}, "authenticate", "user-name-incomplete"),
    ("plain", {**KNOWN, **CLEAR}, "authenticate", "login-needs-encryption"),
    ("plain", {**KNOWN, "security": "ssl"}, "secure", "starttls-in-place-of-tls"),
    ("plain", {**KNOWN, "ehlo_name": "localhost"}, "recipient", "ehlo-not-qualified"),
    ("plain", {**KNOWN, "to": "refused@example.com"}, "recipient", "recipient-refused"),
    ("plain", {**KNOWN, "ca_bundle": ""}, "secure", "certificate-of-unknown-authority"),
    ("relay", {"to": ELSEWHERE}, "recipient", "relay-without-login"),
    ("relay", {**KNOWN, "to": ELSEWHERE}, "recipient", "relay-refused"),
    ("known", {"to": "unknown@example.com"}, "recipient", "postfix-user-unknown"),
    ("owned", OWNED, "recipient", "postfix-not-logged-in"),
    ("owned", {**OWNED, **KNOWN}, "recipient", "postfix-sender-not-owned"),
    ("encrypted", CLEAR, "sender", "encryption-needed"),
    ("anonymous", KNOWN, "authenticate", "login-not-offered"),
    ("small", KNOWN, "sender", "message-too-large"),
    ("closed", KNOWN, "recipient", "postfix-client-refused"),
    ("before the text", KNOWN, "message", "message-refused"),
    ("after the text", KNOWN, "message", "message-refused"),
    ("broken", KNOWN, "authenticate", "postfix-login-broken"),
]


@pytest.mark.parametrize(("listener", "fields", "step", "expected"), REFUSALS)
def test_a_refusal_is_explained(
    running_postfix: Postfix, ca: Authority, listener: str, fields: dict[str, Any], step: str, expected: str
) -> None:
    known = {**FROM, "security": "starttls", "ca_bundle": ca.pem, "ehlo_name": "site.example.net", **fields}
    recipient = known.pop("to", "somebody@example.com")
    check(ServerSettings(host="localhost", port=running_postfix.ports[listener], **known), step, expected, recipient)


def test_an_offer_of_encryption_that_was_taken_out_ends_the_session(  # S-16
    running_postfix: Postfix, ca: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis, "LOOK_SECONDS", 0)
    with Proxy(running_postfix, change=without_starttls) as proxy:
        check(settings_for(proxy, ca, **FROM, **KNOWN), "secure", "starttls-not-offered")
        assert proxy.said == b"ehlo site.example.com\r\n"
