"""With STARTTLS nothing is said in clear but EHLO, and nothing read in clear is believed (S-16)."""

import smtplib
import ssl

import pytest

from mailconfig.smtp import Session
from mailconfig.steps import Step
from tests.conftest import ScriptedServerFactory, SMTPServerFactory
from tests.servers import scripted
from tests.servers.certificates import Authority
from tests.servers.scripted import ScriptedServer
from tests.sessions import MESSAGE, RECIPIENT, SENDER, settings_for

STRIPPED = "250-mail.test\r\n250 AUTH PLAIN LOGIN"


def open_session(server: ScriptedServer, ca: Authority) -> Session:
    credentials = {"auth_method": "plain", "username": "me", "password": "secret"}
    return Session(settings_for(server, ca, security="starttls", **credentials)).open()


# S-16
def test_the_session_goes_on_encrypted(smtp_server: SMTPServerFactory, ca: Authority) -> None:
    server = smtp_server(security="starttls", users={"me": "secret"})
    steps: list[Step] = []
    settings = settings_for(server, ca, auth_method="plain", username="me", password="secret")
    session = Session(settings, steps.append).open()
    session.sendmail(SENDER, [RECIPIENT], MESSAGE)
    session.close()
    assert server.messages[0].tls
    assert [step.name for step in steps[:4]] == ["resolve", "connect", "secure", "greet"]
    assert steps[2].detail.startswith("TLSv1.")


# S-16
@pytest.mark.parametrize("features", [STRIPPED, "250 mail.test", "250-mail.test\r\n250 XXXXXXXA"])
def test_a_server_that_does_not_offer_it_ends_the_session(
    scripted_server: ScriptedServerFactory, ca: Authority, features: str
) -> None:
    server = scripted_server({"EHLO": features})
    with pytest.raises(smtplib.SMTPNotSupportedError, match="STARTTLS extension not supported by server"):
        open_session(server, ca)
    assert server.lines == ["ehlo site.example.com"]


# S-16
@pytest.mark.parametrize("refusal", ["454 4.7.0 TLS not available", "501 5.5.4 No", "250 2.0.0 Fine, in clear then"])
def test_a_server_that_refuses_it_ends_the_session(
    scripted_server: ScriptedServerFactory, ca: Authority, refusal: str
) -> None:
    server = scripted_server({"STARTTLS": refusal}, security="starttls")
    with pytest.raises(smtplib.SMTPResponseException, match=refusal[:3]):
        open_session(server, ca)
    assert server.lines == ["ehlo site.example.com", "STARTTLS"]


# S-16
def test_a_failed_handshake_is_not_followed_by_a_word_in_clear(
    scripted_server: ScriptedServerFactory, ca: Authority
) -> None:
    server = scripted_server(security="starttls", names=("other.example",))
    with pytest.raises(ssl.SSLCertVerificationError):
        open_session(server, ca)
    assert server.lines == ["ehlo site.example.com", "STARTTLS"]


# S-16
def test_what_was_announced_in_clear_is_forgotten(scripted_server: ScriptedServerFactory, ca: Authority) -> None:
    in_clear = "250-mail.test\r\n250-AUTH PLAIN\r\n250-SIZE 1\r\n250 STARTTLS"
    encrypted = "250-mail.test\r\n250 AUTH LOGIN"
    server = scripted_server({"EHLO": [in_clear, encrypted]}, security="starttls")
    with pytest.raises(smtplib.SMTPNotSupportedError, match="does not offer PLAIN; it offers LOGIN"):
        open_session(server, ca)


# S-16
@pytest.mark.parametrize("together", [True, False])
def test_text_injected_behind_220_is_not_believed(
    scripted_server: ScriptedServerFactory, ca: Authority, together: bool
) -> None:
    """The class of CVE-2011-0411: a man in the middle puts a reply before the encrypted ones."""
    injected = "250-evil.test\r\n250 AUTH PLAIN"
    act = scripted.inject_before_tls(injected) if together else _inject_late(injected)
    in_clear = "250-mail.test\r\n250 STARTTLS"
    server = scripted_server({"EHLO": [in_clear, "250 mail.test"], "STARTTLS": act}, security="starttls")
    with pytest.raises((smtplib.SMTPNotSupportedError, ssl.SSLError)):
        open_session(server, ca)
    assert [line for line in server.lines if line.startswith("AUTH")] == []


def _inject_late(text: str) -> scripted.Act:
    def act(conversation: scripted.Conversation) -> None:
        conversation.reply("220 2.0.0 Ready to start TLS")
        conversation.wait(0.1)
        conversation.reply(text)
        conversation.secure()

    return act
