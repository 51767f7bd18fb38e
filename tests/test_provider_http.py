"""Providers are spoken to in safety and for a limited time, whichever library does it."""

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.exceptions import ValidationError
from django.utils import translation
from pytest_django import Settings

from oauthconnections import endpoints, http
from oauthconnections.bounded import run_bounded
from oauthconnections.endpoints import is_loopback, refuse_dialled, refuse_unsafe, shown, validate_endpoint
from oauthconnections.exceptions import OAuthError, ProviderUnavailable, UnsafeAddress
from tests.conftest import IdentityProviderFactory
from tests.servers.certificates import Authority
from tests.servers.hostname_service import Answer, HostnameService, drip_headers, redirect, text
from tests.servers.identity_provider import IdentityProvider

Ask = Callable[[IdentityProvider], object]


def get(provider: IdentityProvider) -> object:
    return http.get_json(provider.endpoint("token"))


def post(provider: IdentityProvider) -> object:
    with http.session() as session:
        return http.json_of(session.post(provider.endpoint("token"), data={"code": "the-code"}))


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait half a second where the site waits ten."""
    monkeypatch.setattr(http, "SECONDS", 0.5)


@pytest.fixture
def web(ca: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostnameService]:
    """A web server at https; a test says what it answers."""
    bundle = tmp_path / "ca.pem"
    bundle.write_text(ca.pem)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with HostnameService(text("{}"), ca.server_context()) as running:
        yield running


def no_thread_is_left() -> bool:
    """Those that waited for a server end as soon as they are waited for no more."""
    until = time.monotonic() + 2
    while any(thread.name == "bounded" for thread in threading.enumerate()):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


# --- which addresses ---


@pytest.mark.parametrize(
    "url",
    [
        "https://login.microsoftonline.com/common/oauth2/v2.0/token",
        "https://10.0.0.8:8443/token",
        "https://[2001:db8::1]/token",
        "https://localhost/token",
        "https://sso.example.com/?tenant=1",
    ],
)
def test_an_encrypted_address_is_talked_to(url: str) -> None:  # S-13
    refuse_unsafe(url)
    validate_endpoint(url)


UNSAFE = [
    "http://login.example.com/token",
    "http://localhost.example.com/token",
    "http://127.0.0.1/token",
    "ftp://login.example.com/token",
    "file:///etc/passwd",
    "//login.example.com/token",
    "login.example.com",
    "",
    "https://",
    "https://login.example.com:0/",
    "https://login.example.com:port/",
    "https://[half",
    "https://user:word@login.example.com/token",
    "https://169.254.169.254/metadata/identity",
    "https://169.254.1.1/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[fd00:ec2::254]/",
    "https://100.100.100.200/latest/meta-data/",
]


@pytest.mark.parametrize("url", UNSAFE)
def test_any_other_address_is_not(url: str) -> None:  # S-13
    with pytest.raises(UnsafeAddress) as caught:
        refuse_unsafe(url)
    assert "word" not in str(caught.value)  # S-2
    with pytest.raises(ValidationError):
        validate_endpoint(url)


@pytest.mark.parametrize("url", [url for url in UNSAFE if ":0" not in url])
def test_a_session_does_not_talk_to_one(url: str) -> None:  # S-13
    with pytest.raises((UnsafeAddress, requests.RequestException)), http.session() as session:
        session.post(url)


@pytest.mark.parametrize("debug", [True, False])
def test_http_is_for_this_machine_while_debugging(
    identity_provider: IdentityProviderFactory, settings: Settings, debug: bool
) -> None:  # S-13
    provider, settings.DEBUG = identity_provider(tls=False), debug
    try:
        answer = http.get_json(provider.endpoint("discovery"))["issuer"]
    except UnsafeAddress as error:
        answer = str(error)
    expected = provider.url if debug else f"This site does not talk to {provider.url}/.well-known/openid-configuration"
    assert answer.startswith(expected)
    assert bool(provider.requests) is debug


def test_a_name_that_leads_to_a_forbidden_address_hears_nothing(
    identity_provider: IdentityProviderFactory, monkeypatch: pytest.MonkeyPatch
) -> None:  # S-13
    provider = identity_provider()
    monkeypatch.setattr(endpoints, "METADATA_SERVICES", {ipaddress.ip_address("127.0.0.1")})
    with pytest.raises(UnsafeAddress, match=r"Its name leads to 127\.0\.0\.1"):
        get(provider)
    assert provider.requests == []


@pytest.mark.parametrize(
    ("address", "encrypted", "refused"),
    [
        ("192.0.2.1", True, False),
        ("192.0.2.1", False, True),
        ("127.0.0.1", False, False),
        ("169.254.169.254", True, True),
        ("fe80::1%2", True, True),
    ],
)
def test_the_address_that_was_dialled_counts(address: str, encrypted: bool, refused: bool) -> None:  # S-13
    try:
        refuse_dialled("https://sso.example.com", address, encrypted=encrypted)
    except UnsafeAddress:
        assert refused
    else:
        assert not refused


@pytest.mark.parametrize(("host", "loopback"), [("localhost", True), ("::1", True), ("127.9.9.9", True), ("", False)])
def test_only_this_machine_is_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_an_address_is_shown_without_what_may_be_secret() -> None:  # S-2
    assert shown("https://me:word@sso.example.com:8443/token?key=hush") == "https://sso.example.com:8443/token"


# --- what they may answer ---

FAULTS: list[tuple[Any, str]] = [
    ("close", "The connection failed"),
    ("stall", "It did not answer within"),
    ("drip", "It did not answer within"),
    ("huge", "Its answer is too long"),
    ((500, {"error": "server_error"}), "It answered with status 500"),
    ((503, b"<html>"), "It answered with status 503"),
    ((429, {}), "It answered with status 429"),
    ((200, b"<html>Log in to the hotel network</html>"), "It answered with status 200 and something"),
    ((200, []), "It answered with status 200 and something"),
    ((200, b""), "It answered with status 200 and something"),
    ((200, b"\xff\xfe"), "It answered with status 200 and something"),
    ((200, b"garbage", {"Content-Encoding": "gzip"}), "The connection failed"),
]


@pytest.mark.parametrize("ask", [get, post])
@pytest.mark.parametrize(("fault", "reason"), FAULTS)
@pytest.mark.usefixtures("hurried")
def test_a_failing_provider_costs_one_bounded_attempt(
    identity_provider: IdentityProviderFactory, ask: Ask, fault: Any, reason: str
) -> None:  # S-13
    provider, began = identity_provider(), time.monotonic()
    provider.faults["token"] = fault
    with pytest.raises(ProviderUnavailable, match=r"^localhost does not answer as it should") as caught:
        ask(provider)
    assert reason in str(caught.value)
    assert time.monotonic() - began < 2
    assert len(provider.requests) == 1
    assert no_thread_is_left()


@pytest.mark.usefixtures("hurried")
def test_slow_headers_are_not_waited_for(web: HostnameService) -> None:  # S-13
    web.answer, began = drip_headers, time.monotonic()
    with pytest.raises(ProviderUnavailable, match="did not answer within"):
        http.get_json(web.url)
    assert time.monotonic() - began < 1
    assert no_thread_is_left()


@pytest.mark.usefixtures("hurried")
def test_a_server_that_accepts_and_is_silent_is_not_waited_for() -> None:  # S-13
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(ProviderUnavailable, match="did not answer"):
        http.get_json(f"https://127.0.0.1:{server.getsockname()[1]}/")
    assert time.monotonic() - began < 1
    assert no_thread_is_left()


@pytest.mark.slow
def test_ten_seconds_are_the_end(identity_provider: IdentityProviderFactory) -> None:  # S-13
    provider, began = identity_provider(), time.monotonic()
    provider.faults["token"] = "drip"
    with pytest.raises(ProviderUnavailable, match="within 10 seconds"):
        post(provider)
    assert 9.5 < time.monotonic() - began < 11


def test_nobody_there_is_said() -> None:
    with pytest.raises(ProviderUnavailable, match=r"The connection failed\.") as caught:
        http.get_json("https://127.0.0.1:1/?key=hush")
    assert "Connection refused" in caught.value.details
    assert "hush" not in caught.value.details + str(caught.value)  # S-2
    assert caught.value.__cause__ is None


def test_a_certificate_of_nobody_is_refused(
    identity_provider: IdentityProviderFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = identity_provider()
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ProviderUnavailable, match="certificate is not trusted") as caught:
        get(provider)
    assert "CERTIFICATE_VERIFY_FAILED" in caught.value.details
    assert provider.requests == []


# --- redirects ---


def test_a_redirect_to_the_same_scheme_is_followed(web: HostnameService, ca: Authority) -> None:
    with HostnameService(text('{"found": true}'), ca.server_context()) as other:
        web.answer = redirect(other.url)
        assert http.get_json(web.url) == {"found": True}


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("http://127.0.0.1:1/", UnsafeAddress),
        ("http://sso.example.com/", UnsafeAddress),
        ("file:///etc/passwd", UnsafeAddress),
        ("https://169.254.169.254/", UnsafeAddress),
        ("https://user:word@127.0.0.1/", UnsafeAddress),
        ("/", ProviderUnavailable),
    ],
)
def test_no_other_redirect_is(
    web: HostnameService, settings: Settings, target: str, error: type[OAuthError]
) -> None:  # S-13
    settings.DEBUG = True
    web.answer = redirect(target)
    with pytest.raises(error):
        http.get_json(web.url)
    assert web.asked == (4 if target == "/" else 1)


@pytest.mark.usefixtures("hurried")
def test_redirects_have_one_time_together(web: HostnameService) -> None:  # S-13
    def slowly(service: HostnameService, handler: object) -> None:
        time.sleep(0.2)
        redirect("/")(service, handler)  # type: ignore[arg-type]

    answer: Answer = slowly
    web.answer, began = answer, time.monotonic()
    with pytest.raises(ProviderUnavailable, match="did not answer within"):
        http.get_json(web.url)
    assert time.monotonic() - began < 0.9


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_what_is_posted_goes_nowhere_else(
    identity_provider: IdentityProviderFactory, web: HostnameService, status: int
) -> None:  # S-2, S-13
    provider = identity_provider()
    provider.faults["token"] = (status, b"", {"Location": web.url})
    with pytest.raises(ProviderUnavailable, match="It points to"):
        post(provider)
    assert web.asked == 0


# --- what comes along ---


def test_no_cookie_and_no_password_of_this_machine_is_sent(
    identity_provider: IdentityProviderFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine localhost login me password word\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    provider = identity_provider()
    provider.faults["discovery"] = (200, {}, {"Set-Cookie": "tracked=yes"})
    with http.session() as session:
        for _turn in range(2):
            session.get(provider.endpoint("discovery"))
    assert len(provider.requests) == 2
    assert not {"cookie", "authorization"} & {name for request in provider.requests for name in request.headers}


def test_a_proxy_is_not_asked_about_this_machine(
    identity_provider: IdentityProviderFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    provider = identity_provider()
    assert http.get_json(provider.endpoint("discovery"))["issuer"] == provider.issuer


def test_what_a_thread_raises_belongs_to_who_waits_for_it() -> None:
    with pytest.raises(ZeroDivisionError):
        run_bounded(lambda: 1 // 0, 1)


def test_a_thread_speaks_the_language_of_who_waits_for_it() -> None:
    with translation.override("de"):
        assert run_bounded(translation.get_language, 1) == "de"
