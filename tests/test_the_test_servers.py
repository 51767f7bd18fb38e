"""The servers that other tests rely on, asked by Python's own smtplib."""

import base64
import contextlib
import hmac
import json
import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page

from tests.conftest import DovecotFactory, IdentityProviderFactory, ScriptedServerFactory, SMTPServerFactory
from tests.servers import scripted
from tests.servers.certificates import Authority
from tests.servers.dovecot import Dovecot
from tests.servers.identity_provider import IdentityProvider
from tests.servers.identity_tokens import Grant
from tests.servers.smtp import Login

MESSAGE = b"Subject: Hello\r\n\r\nA line\r\n.\r\nand a dot"


def _trusting(ca: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=ca.pem)


def test_it_remembers_a_message_and_its_envelope(smtp_server: SMTPServerFactory) -> None:
    server = smtp_server()
    with smtplib.SMTP(server.host, server.port, "client.example", timeout=5) as client:
        client.sendmail("a@example.com", ["b@example.com", "c@example.com"], MESSAGE)
    [received] = server.messages
    assert (received.sender, received.recipients) == ("a@example.com", ["b@example.com", "c@example.com"])
    assert received.content == MESSAGE + b"\r\n"
    assert received.message["Subject"] == "Hello"
    assert (received.ehlo_name, received.tls, received.login, received.connection) == ("client.example", False, None, 1)


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_it_knows_its_users(smtp_server: SMTPServerFactory, ca: Authority, mechanism: str) -> None:
    server = smtp_server(security="ssl", users={"me": "secret"}, mechanisms=(mechanism,))
    with smtplib.SMTP_SSL("localhost", server.port, timeout=5, context=_trusting(ca)) as client:
        client.ehlo()
        client.user, client.password = "me", "secret"
        if mechanism == "CRAM-MD5":
            client.auth(mechanism, _cram_md5)  # type: ignore[arg-type]
        else:
            client.auth(mechanism, getattr(client, f"auth_{mechanism.lower()}"))
        client.sendmail("a@example.com", ["b@example.com"], MESSAGE)
    assert server.messages[0].login == Login(mechanism, "me", accepted=True)
    assert server.messages[0].tls


def _cram_md5(challenge: bytes | None = None) -> str | None:
    return "me " + hmac.new(b"secret", challenge, "md5").hexdigest() if challenge else None


def test_it_refuses_a_wrong_password_and_mail_without_login(smtp_server: SMTPServerFactory) -> None:
    server = smtp_server(users={"me": "secret"})
    with smtplib.SMTP(server.host, server.port, timeout=5) as client:
        with pytest.raises(smtplib.SMTPAuthenticationError, match="535"):
            client.login("me", "wrong")
        with pytest.raises(smtplib.SMTPSenderRefused, match="530"):
            client.sendmail("a@example.com", ["b@example.com"], MESSAGE)
    assert [login.accepted for login in server.logins] == [False] * 3


def test_it_insists_on_starttls(smtp_server: SMTPServerFactory, ca: Authority) -> None:
    server = smtp_server(security="starttls", users={"me": "secret"})
    with smtplib.SMTP("localhost", server.port, timeout=5) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        client.starttls(context=_trusting(ca))
        client.login("me", "secret")
        client.sendmail("a@example.com", ["b@example.com"], MESSAGE)
    assert server.messages[0].tls


def test_it_has_a_certificate_of_another_name(smtp_server: SMTPServerFactory, ca: Authority) -> None:
    server = smtp_server(security="ssl", names=("other.example",))
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        smtplib.SMTP_SSL("localhost", server.port, timeout=5, context=_trusting(ca))


def test_it_says_what_a_test_tells_it_to(smtp_server: SMTPServerFactory) -> None:
    server = smtp_server(replies={"no@example.com": "550 5.1.1 Unknown", "bad@example.com": "553 5.1.8 Not you"})
    with smtplib.SMTP(server.host, server.port, timeout=5) as client:
        refused = client.sendmail("a@example.com", ["yes@example.com", "no@example.com"], MESSAGE)
        with pytest.raises(smtplib.SMTPSenderRefused, match="553"):
            client.sendmail("bad@example.com", ["yes@example.com"], MESSAGE)
    assert refused == {"no@example.com": (550, b"5.1.1 Unknown")}


def test_it_comes_back_on_its_port_after_a_stop(smtp_server: SMTPServerFactory) -> None:
    server = smtp_server()
    client = smtplib.SMTP(server.host, server.port, timeout=5)
    server.stop()
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.noop()
    with pytest.raises(ConnectionRefusedError):
        smtplib.SMTP(server.host, server.port, timeout=5)
    server.start()
    smtplib.SMTP(server.host, server.port, timeout=5).quit()
    assert server.connections == 2


def test_it_cuts_connections_and_goes_on(smtp_server: SMTPServerFactory) -> None:
    server = smtp_server()
    client = smtplib.SMTP(server.host, server.port, timeout=5)
    server.drop_connections()
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.noop()
    client.connect(server.host, server.port)
    client.quit()


@pytest.mark.parametrize("security", ["none", "starttls"])
def test_a_script_left_empty_is_a_good_server(
    scripted_server: ScriptedServerFactory, ca: Authority, security: str
) -> None:
    server = scripted_server(security=security)
    with smtplib.SMTP("localhost", server.port, timeout=5) as client:
        if security == "starttls":
            client.starttls(context=_trusting(ca))
        client.login("me", "secret")
        client.sendmail("a@example.com", ["b@example.com"], MESSAGE)
    assert server.messages == [MESSAGE.replace(b"\r\n.\r\n", b"\r\n..\r\n") + b"\r\n"]
    assert "RCPT TO:<B@EXAMPLE.COM>" in map(str.upper, server.lines)


def test_a_script_answers_each_time_anew(scripted_server: ScriptedServerFactory) -> None:
    server = scripted_server({"NOOP": ["250 one", "450 two"], "MAIL": scripted.close})
    with smtplib.SMTP(server.host, server.port, timeout=5) as client:
        assert [client.noop()[1] for _ in range(3)] == [b"one", b"two", b"two"]
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.mail("a@example.com")


@pytest.mark.parametrize(
    ("act", "beginning"),
    [
        (scripted.close, b""),
        (scripted.garbage, b"\x80\x81"),
        (scripted.huge_line, b"250 xxxx"),
        (scripted.endless, b"250-and another thing\r\n250-and"),
        (scripted.all_of("220-half", scripted.close), b"220-half\r\n"),
    ],
)
def test_a_script_plays_faults(scripted_server: ScriptedServerFactory, act: scripted.Act, beginning: bytes) -> None:
    server = scripted_server({"banner": act})
    with socket.create_connection((server.host, server.port), timeout=5) as client:
        received = client.recv(len(beginning) or 1, socket.MSG_WAITALL)
    assert received == beginning


@pytest.mark.parametrize(("act", "beginning"), [(scripted.stall, b""), (scripted.drip, b"2")])
def test_a_slow_script_does_not_hold_up_the_end_of_a_test(act: scripted.Act, beginning: bytes) -> None:
    with scripted.ScriptedServer({"banner": act}) as server:
        client = socket.create_connection((server.host, server.port), timeout=0.2)
        with client:
            received = _what_comes_in_time(client)
        started = time.monotonic()
    assert received == beginning
    assert time.monotonic() - started < 1


def _what_comes_in_time(client: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(TimeoutError):
        while byte := client.recv(1):
            received += byte
    return received


def test_a_script_resets_a_connection(scripted_server: ScriptedServerFactory) -> None:
    server = scripted_server({"EHLO": scripted.reset})
    with (
        smtplib.SMTP(server.host, server.port, timeout=5) as client,
        pytest.raises(smtplib.SMTPServerDisconnected, match="reset"),
    ):
        client.ehlo()


def test_a_script_injects_text_before_tls(scripted_server: ScriptedServerFactory) -> None:
    act = scripted.inject_before_tls("250 injected")
    server = scripted_server({"STARTTLS": act}, security="starttls")
    with socket.create_connection((server.host, server.port), timeout=5) as client:
        client.sendall(b"STARTTLS\r\n")
        received = b""
        while not received.endswith(b"injected\r\n"):
            received += client.recv(1000)
    assert received.endswith(b"Ready to start TLS\r\n250 injected\r\n")


def test_a_script_challenges(scripted_server: ScriptedServerFactory) -> None:
    server = scripted_server({"AUTH": scripted.challenges("eyJ9", then="535 5.7.8 No")})
    with smtplib.SMTP(server.host, server.port, timeout=5) as client:
        assert client.docmd("AUTH", "XOAUTH2") == (334, b"eyJ9")
        assert client.docmd("") == (535, b"5.7.8 No")


# --- Dovecot ---


def _xoauth2(user: str, token: str) -> str:
    return f"user={user}\1auth=Bearer {token}\1\1"


def _oauthbearer(user: str, token: str) -> str:
    return f"n,a={user},\1auth=Bearer {token}\1\1"


def _token(provider: IdentityProvider) -> str:
    """Without the way to it, which is tested elsewhere."""
    return provider.issued.access_token(Grant(provider.user, ["email"]))


@contextlib.contextmanager
def _submitting(server: Dovecot, ca: Authority, security: str) -> Iterator[smtplib.SMTP]:
    if security == "ssl":
        with smtplib.SMTP_SSL("localhost", server.tls_port, timeout=5, context=_trusting(ca)) as client:
            yield client
    else:
        with smtplib.SMTP("localhost", server.port, timeout=5) as client:
            client.starttls(context=_trusting(ca))
            yield client


@pytest.mark.dovecot
@pytest.mark.parametrize("security", ["starttls", "ssl"])
@pytest.mark.parametrize(("mechanism", "response"), [("XOAUTH2", _xoauth2), ("OAUTHBEARER", _oauthbearer)])
def test_dovecot_takes_mail_of_who_has_a_token(
    identity_provider: IdentityProviderFactory,
    submission_server: DovecotFactory,
    ca: Authority,
    mechanism: str,
    response: Callable[[str, str], str],
    security: str,
) -> None:
    provider = identity_provider()
    server = submission_server(provider)
    with _submitting(server, ca, security) as client:
        client.ehlo()
        client.auth(mechanism, lambda _challenge=None: response("jane@example.com", _token(provider)))
        client.sendmail("a@example.com", ["b@example.com"], MESSAGE)
    [received] = server.relay.messages
    assert received.recipients == ["b@example.com"]
    assert received.content.endswith(MESSAGE + b"\r\n")
    assert [request.endpoint for request in provider.requests] == ["introspect"]


@pytest.mark.dovecot
@pytest.mark.parametrize("case", ["made up", "expired", "of somebody else"])
def test_dovecot_challenges_a_bad_token(
    identity_provider: IdentityProviderFactory, submission_server: DovecotFactory, ca: Authority, case: str
) -> None:
    provider = identity_provider(lifetime=0 if case == "expired" else 3600)
    server = submission_server(provider)
    token = "made-up" if case == "made up" else _token(provider)
    user = "bob@example.com" if case == "of somebody else" else "jane@example.com"
    with _submitting(server, ca, "starttls") as client:
        client.ehlo()
        line = base64.b64encode(_xoauth2(user, token).encode()).decode()
        code, challenge = client.docmd("AUTH XOAUTH2", line)
        assert (code, json.loads(base64.b64decode(challenge))["status"]) == (334, "401")
        assert client.docmd("")[0] == 535
    assert server.relay.messages == []


@pytest.mark.dovecot
def test_dovecot_may_offer_one_mechanism_only(
    identity_provider: IdentityProviderFactory, submission_server: DovecotFactory, ca: Authority
) -> None:
    server = submission_server(identity_provider(), mechanisms=("oauthbearer",))
    with _submitting(server, ca, "starttls") as client:
        client.ehlo()
        assert client.esmtp_features["auth"].split() == ["OAUTHBEARER"]


@pytest.mark.browser
def test_the_browser_sees_a_page_as_somebody(page: Page, sign_in: Callable[[User], None], charlie: User) -> None:
    page.goto("/admin/")
    assert page.title().startswith("Log in")
    sign_in(charlie)
    page.goto("/admin/")
    assert page.title().startswith("Site administration")


@pytest.mark.browser
def test_axe_finds_what_is_wrong_with_a_page(page: Page, axe: Callable[[Page], None]) -> None:
    page.goto("/admin/login/")
    page.set_content("<main><h1>A page</h1><img src='/static/admin/img/icon-yes.svg'></main>")
    with pytest.raises(AssertionError, match="3 accessibility violations"):
        axe(page)
