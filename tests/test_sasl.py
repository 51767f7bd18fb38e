"""Logging in: each mechanism, which one is chosen, and what a refusal becomes."""

import base64
import smtplib
from typing import Any

import pytest

from mailconfig.smtp import Session
from mailconfig.steps import Step
from tests.conftest import ScriptedServerFactory, SMTPServerFactory
from tests.servers import scripted
from tests.servers.certificates import Authority
from tests.servers.scripted import ScriptedServer, challenges
from tests.servers.smtp import Login, SMTPServer
from tests.sessions import MESSAGE, RECIPIENT, SENDER, settings_for

MECHANISMS = ["plain", "login", "cram-md5"]
OFFER = "250-mail.test\r\n250 AUTH "


def log_in(server: SMTPServer | ScriptedServer, ca: Authority, method: str = "auto", **fields: Any) -> Session:
    credentials = {"username": "me", "password": "secret", "auth_method": method}
    return Session(settings_for(server, ca, **{**credentials, **fields})).open()


# S-18
@pytest.mark.parametrize("security", ["starttls", "ssl"])
@pytest.mark.parametrize("method", MECHANISMS)
@pytest.mark.parametrize(
    ("username", "password"),
    [("me", "secret"), ("Jürgen@bücher.example", "pässwörd € 🔑"), ("a", " "), ("spaces", " in  and around ")],
)
def test_a_mechanism_logs_in(
    smtp_server: SMTPServerFactory, ca: Authority, security: str, method: str, username: str, password: str
) -> None:
    server = smtp_server(security=security, users={username: password}, mechanisms=(method.upper(),))
    session = log_in(server, ca, method, username=username, password=password)
    session.sendmail(SENDER, [RECIPIENT], MESSAGE)
    session.close()
    assert server.messages[0].login == Login(method.upper(), username, accepted=True)


# S-4, S-18
@pytest.mark.parametrize("method", MECHANISMS)
def test_a_password_of_10_kilobytes_logs_in(smtp_server: SMTPServerFactory, ca: Authority, method: str) -> None:
    server = smtp_server(security="ssl", users={"me": "x" * 10_000}, mechanisms=(method.upper(),))
    log_in(server, ca, method, password="x" * 10_000).close()
    assert server.logins == [Login(method.upper(), "me", accepted=True)]


# S-18
def test_a_long_response_follows_the_command_on_a_line_of_its_own(
    scripted_server: ScriptedServerFactory, ca: Authority
) -> None:
    server = scripted_server({"AUTH": _plain_in_two_steps}, security="ssl")
    log_in(server, ca, "plain", password="x" * 1000).close()
    assert server.lines[1] == "AUTH PLAIN"
    assert base64.b64decode(server.lines[2]) == b"\0me\0" + b"x" * 1000


def _plain_in_two_steps(conversation: scripted.Conversation) -> None:
    conversation.reply("334 ")
    conversation.server.lines.append(conversation.receive().decode())
    conversation.reply("235 2.7.0 Welcome")


# S-18
@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ("250 AUTH PLAIN LOGIN CRAM-MD5", "PLAIN"),
        ("250 AUTH LOGIN CRAM-MD5", "LOGIN"),
        ("250 AUTH CRAM-MD5", "CRAM-MD5"),
        ("250 AUTH XOAUTH2 login plain", "PLAIN"),
        ("250-AUTH GSSAPI\r\n250 AUTH=LOGIN", "LOGIN"),
    ],
)
def test_automatic_takes_the_best_that_is_offered(
    scripted_server: ScriptedServerFactory, ca: Authority, offered: str, chosen: str
) -> None:
    server = scripted_server({"EHLO": "250-mail.test\r\n" + offered, "AUTH": "535 5.7.8 No"}, security="ssl")
    with pytest.raises(smtplib.SMTPAuthenticationError):
        log_in(server, ca)
    assert server.lines[1].split()[:2] == ["AUTH", chosen]


# S-17
@pytest.mark.parametrize("offered", ["PLAIN", "LOGIN", "PLAIN LOGIN"])
def test_automatic_never_says_a_password_on_a_plain_connection(
    scripted_server: ScriptedServerFactory, ca: Authority, offered: str
) -> None:
    server = scripted_server({"EHLO": OFFER + offered})
    with pytest.raises(smtplib.SMTPNotSupportedError, match="clear text"):
        log_in(server, ca)
    assert [line for line in server.lines if line.startswith("AUTH")] == []


# S-17
def test_automatic_logs_in_on_a_plain_connection_where_the_password_is_not_said(
    smtp_server: SMTPServerFactory, ca: Authority
) -> None:
    server = smtp_server(users={"me": "secret"})
    log_in(server, ca).close()
    assert server.logins == [Login("CRAM-MD5", "me", accepted=True)]


# S-18
@pytest.mark.parametrize(
    ("method", "features", "text"),
    [
        ("cram-md5", OFFER + "PLAIN LOGIN", "does not offer CRAM-MD5; it offers PLAIN, LOGIN"),
        ("auto", OFFER + "XOAUTH2 NTLM", "does not offer PLAIN, LOGIN, CRAM-MD5; it offers XOAUTH2, NTLM"),
        ("plain", "250 mail.test", "SMTP AUTH extension not supported by server."),
        ("auto", "250 mail.test", "SMTP AUTH extension not supported by server."),
    ],
)
def test_what_the_server_does_not_offer_is_not_tried(
    scripted_server: ScriptedServerFactory, ca: Authority, method: str, features: str, text: str
) -> None:
    server = scripted_server({"EHLO": features}, security="ssl")
    with pytest.raises(smtplib.SMTPNotSupportedError, match=text):
        log_in(server, ca, method)
    assert len(server.lines) == 1


# S-18
@pytest.mark.parametrize("method", ["auto", *MECHANISMS])
def test_a_wrong_password_is_tried_once(smtp_server: SMTPServerFactory, ca: Authority, method: str) -> None:
    server = smtp_server(security="ssl", users={"me": "secret"})
    with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
        log_in(server, ca, method, password="wrong")
    assert caught.value.smtp_code == 535
    assert [login.accepted for login in server.logins] == [False]


# S-18
@pytest.mark.parametrize("refusal", ["535 5.7.8 No", "534 5.7.9 Too weak", "454 4.7.0 Later", "250 Fine", "334 Again"])
@pytest.mark.parametrize("method", MECHANISMS)
def test_only_235_is_a_success(
    scripted_server: ScriptedServerFactory, ca: Authority, method: str, refusal: str
) -> None:
    asked = {"plain": ["nothing"], "login": ["VXNlcm5hbWU6", "UGFzc3dvcmQ6"], "cram-md5": ["PDFAbWFpbC50ZXN0Pg=="]}
    script = {"EHLO": OFFER + "PLAIN LOGIN CRAM-MD5", "AUTH": challenges(*asked[method], then=refusal)}
    server = scripted_server(script, security="ssl")
    with pytest.raises(smtplib.SMTPAuthenticationError) as caught:
        log_in(server, ca, method)
    assert (caught.value.smtp_code, caught.value.smtp_error) == (int(refusal[:3]), refusal[4:].encode())
    assert len([line for line in server.lines if line.startswith("AUTH")]) == 1


# S-18
def test_a_mechanism_that_is_announced_but_unknown_lets_the_next_have_its_turn(
    scripted_server: ScriptedServerFactory, ca: Authority
) -> None:
    accept_login = challenges("VXNlcm5hbWU6", "UGFzc3dvcmQ6", then="235 2.7.0 Welcome")
    server = scripted_server({"AUTH": ["504 5.5.4 Unrecognized", accept_login]}, security="ssl")
    steps: list[Step] = []
    settings = settings_for(server, ca, auth_method="auto", username="me", password="secret")
    Session(settings, steps.append).open().close()
    assert steps[-1].detail == "LOGIN: 235 2.7.0 Welcome"


# S-18
def test_all_mechanisms_unknown_is_a_failed_login(scripted_server: ScriptedServerFactory, ca: Authority) -> None:
    server = scripted_server({"AUTH": "504 5.5.4 Unrecognized"}, security="ssl")
    with pytest.raises(smtplib.SMTPAuthenticationError, match="504"):
        log_in(server, ca)
    assert len([line for line in server.lines if line.startswith("AUTH")]) == 2


# S-18
@pytest.mark.parametrize("challenge", ["A", "=", "\x80\xff", ""])
def test_an_illegible_challenge_is_a_failed_login(
    scripted_server: ScriptedServerFactory, ca: Authority, challenge: str
) -> None:
    script = {"EHLO": OFFER + "CRAM-MD5", "AUTH": challenges(challenge, then="535 5.7.8 No")}
    server = scripted_server(script, security="ssl")
    with pytest.raises(smtplib.SMTPException):
        log_in(server, ca, "cram-md5")


def test_without_a_user_name_nobody_logs_in(smtp_server: SMTPServerFactory, ca: Authority) -> None:
    server = smtp_server()
    steps: list[Step] = []
    Session(settings_for(server, ca, auth_method="auto"), steps.append).open().close()
    assert (steps[-1].name, steps[-1].detail) == ("authenticate", "no authentication; the server offers: nothing")
