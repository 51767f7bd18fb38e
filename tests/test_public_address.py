"""The public address is asked of safe services only, and an answer is believed only where it can be."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from mailconfig import public_address
from mailconfig.public_address import determine, state
from mailconfig.reverse_dns import Resolver
from oauthconnections.endpoints import is_loopback
from tests.servers import hostname_service
from tests.servers.certificates import Authority
from tests.servers.hostname_service import Answer, HostnameService, after, redirect, text

NO_NAMES = Resolver(lambda address: [], lambda name: [])
"""A name server that knows nothing: the real one can't be made to know an address of the documentation."""


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")


@pytest.fixture
def service(settings: Settings) -> Iterator[HostnameService]:
    """The configured service; a test says what it answers."""
    with HostnameService(text("192.0.2.1")) as running:
        settings.HOSTNAME_SERVICE_URL = running.url
        yield running


# --- what the service may answer ---


@pytest.mark.parametrize(
    ("answer", "name", "address"),
    [
        ("mail.example.com", "mail.example.com", ""),
        (" \r\nmail.example.com.\n\n", "mail.example.com", ""),
        ("bücher.example", "xn--bcher-kva.example", ""),
        ("192.0.2.1\n", "[192.0.2.1]", "192.0.2.1"),
        ("2001:db8::1", "[IPv6:2001:db8::1]", "2001:db8::1"),
        ("2001:0DB8:0000::0001", "[IPv6:2001:db8::1]", "2001:db8::1"),
        ("::ffff:192.0.2.1", "[192.0.2.1]", "192.0.2.1"),
    ],
)
def test_a_name_or_an_address_is_accepted(service: HostnameService, answer: str, name: str, address: str) -> None:
    service.answer = text(answer)
    found = determine(resolver=NO_NAMES)
    assert (found.name, found.address, found.error) == (name, address, "")


@pytest.mark.parametrize(
    "answer",
    [
        text(""),
        text("  \n"),
        text("<!doctype html><title>Log in to the hotel network</title>"),
        text('{"ip": "192.0.2.1"}'),
        text("192.0.2.1, 192.0.2.2"),
        text("mail.example.com\r\nMAIL FROM:<x@example.com>"),  # S-19
        text("mail.example.com RSET"),
        text("mail.example.com\0"),
        text("::1%\r\nDATA"),
        text("fe80::1%eth0"),
        text("localhost"),
        text("999.1.1.1"),
        text(b"\xff\xfe\x00\x01" * 20),
        text(b"1" * 1_000_000),
        text("192.0.2.1" + " " * 1025),
        text(b"\x1f\x8b\x08\x00", Content_Encoding="gzip"),
    ],
)
def test_anything_else_is_refused_and_said(service: HostnameService, answer: Answer) -> None:
    service.answer = answer
    found = determine(resolver=NO_NAMES)
    assert (found.name, found.address, found.reason) == ("", "", "garbage")
    assert "did not answer with a full host name or an IP address" in found.error


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (text("192.0.2.1", 500), "status"),
        (text("192.0.2.1", 404), "status"),
        (text("", 204), "status"),
        (hostname_service.hang_up, "unreachable"),
        (hostname_service.hang_up_halfway, "unreachable"),
        (redirect("/"), "redirect"),
        (redirect("https://127.0.0.1:1/"), "redirect"),
        (redirect("http://ip.example.com/"), "insecure"),
        (redirect("http://[half"), "unreachable"),
        (redirect("file:///etc/hostname"), "redirect"),
    ],
)
def test_a_failing_service_is_said(service: HostnameService, answer: Answer, reason: str) -> None:
    service.answer = answer
    found = determine(resolver=NO_NAMES)
    assert (found.name, found.reason) == ("", reason)
    assert service.url.split("/")[2] in found.error


def test_a_redirect_that_stays_on_safe_ground_is_followed(service: HostnameService) -> None:
    with HostnameService(text("192.0.2.7")) as other:
        service.answer = redirect(other.url)
        assert determine(resolver=NO_NAMES).name == "[192.0.2.7]"


@pytest.mark.parametrize(
    "answer", [hostname_service.black_hole, hostname_service.drip, hostname_service.drip_headers, after(1, text("x"))]
)
def test_a_slow_service_costs_its_time_out_once(service: HostnameService, answer: Answer) -> None:  # S-21
    service.answer = answer
    began = time.monotonic()
    assert determine(seconds=0.3).reason == "slow"
    assert time.monotonic() - began < 0.9
    began = time.monotonic()
    assert determine(seconds=0.3).reason == "slow"
    assert time.monotonic() - began < 0.2
    assert service.asked == 1


# --- which services may be asked ---


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://ip.example.com/", "insecure"),
        ("http://localhost.example.com/", "insecure"),
        ("http://169.254.169.254/latest/meta-data/public-hostname", "insecure"),
        ("ftp://127.0.0.1/", "insecure"),
        ("127.0.0.1", "insecure"),
        ("https://", "insecure"),
        ("https://[half", "unreachable"),
        ("https://127.0.0.1:1/", "unreachable"),
        ("https://a..b/", "unreachable"),
    ],
)
def test_a_service_that_cannot_be_asked_safely_is_not(settings: Settings, url: str, reason: str) -> None:
    settings.HOSTNAME_SERVICE_URL = url
    found = determine(resolver=NO_NAMES)
    assert found.reason == reason
    assert found.error


@pytest.mark.parametrize("url", ["", None])
def test_an_empty_setting_switches_the_service_off(settings: Settings, url: str | None) -> None:
    settings.HOSTNAME_SERVICE_URL = url
    assert "HOSTNAME_SERVICE_URL is empty" in determine().error
    assert state() is None


def test_the_default_service_is_asked_over_https(settings: Settings) -> None:
    del settings.HOSTNAME_SERVICE_URL
    assert public_address.service_url() == "https://api64.ipify.org"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("example.com", False),
        ("", False),
    ],
)
def test_only_this_machine_is_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_a_trusted_certificate_is_accepted(
    ca: Authority, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text(ca.pem)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with HostnameService(text("192.0.2.1"), ca.server_context()) as service:
        settings.HOSTNAME_SERVICE_URL = service.url
        assert determine(resolver=NO_NAMES).name == "[192.0.2.1]"


def test_a_foreign_certificate_is_refused(ca: Authority, settings: Settings) -> None:
    with HostnameService(text("192.0.2.1"), ca.server_context()) as service:
        settings.HOSTNAME_SERVICE_URL = service.url
        assert determine().reason == "certificate"
        assert service.asked == 0


def test_a_redirect_from_https_to_http_is_not_followed(
    ca: Authority, service: HostnameService, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text(ca.pem)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with HostnameService(redirect(service.url), ca.server_context()) as secure:
        settings.HOSTNAME_SERVICE_URL = secure.url
        assert determine().reason == "redirect"
        assert (secure.asked, service.asked) == (1, 0)


def test_a_proxy_is_not_asked_about_this_machine(service: HostnameService, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert determine(resolver=NO_NAMES).name == "[192.0.2.1]"


def test_a_key_in_the_url_is_not_shown(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:  # S-2
    settings.HOSTNAME_SERVICE_URL = "https://user:word@127.0.0.1:1/?key=hush"
    found = determine()
    assert "127.0.0.1:1" in found.error
    for secret in ("word", "hush"):
        assert secret not in found.error
        assert secret not in caplog.text
    assert "(ConnectionRefusedError)" in caplog.text


# --- the name behind an address ---


def test_a_reverse_name_that_leads_back_is_used(service: HostnameService) -> None:
    names = Resolver(lambda address: ["mail.example.com"], lambda name: ["192.0.2.5", "192.0.2.1"])
    found = determine(resolver=names)
    assert (found.name, found.address) == ("mail.example.com", "192.0.2.1")


@pytest.mark.parametrize(
    ("reverse", "forward"),
    [
        ([], []),
        (["mail.example.com"], []),
        (["mail.example.com"], ["192.0.2.2"]),
        (["localhost"], ["192.0.2.1"]),
        (["mail.example.com\r\nDATA"], ["192.0.2.1"]),
        (["my_host.example.com"], ["192.0.2.1"]),
    ],
)
def test_any_other_reverse_name_is_not(service: HostnameService, reverse: list[str], forward: list[str]) -> None:
    found = determine(resolver=Resolver(lambda address: reverse, lambda name: forward))
    assert found.name == "[192.0.2.1]"


def names_after_a_second(address: str) -> list[str]:
    time.sleep(1)
    return ["mail.example.com"]


def test_slow_name_servers_leave_the_address(service: HostnameService) -> None:
    began = time.monotonic()
    found = determine(seconds=0.4, resolver=Resolver(names_after_a_second, lambda name: []))
    assert found.name == "[192.0.2.1]"
    assert time.monotonic() - began < 0.9
