"""Mail through a real Postfix, with STARTTLS and SASL, as a site in production sends it."""

import smtplib
from collections.abc import Iterator

import pytest
from django.core.mail import EmailMessage, send_mail

from mailconfig.models import MailServer
from tests.conftest import MailServerFactory
from tests.servers.certificates import Authority
from tests.servers.postfix import Postfix, postfix

pytestmark = [pytest.mark.postfix, pytest.mark.slow]


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
