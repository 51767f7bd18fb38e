"""Detect settings: from an address to servers that were tried, told to nobody, in bounded time."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from mailconfig.detection import Detection, detect, domain_of
from mailconfig.proposals import propose
from mailconfig.resolver import NameServers
from tests.conftest import SMTPServerFactory
from tests.servers.autoconfig import AutoconfigServer, file, server
from tests.servers.certificates import Authority
from tests.servers.dns import DnsServer
from tests.servers.network import Network

NAMES = ("smtp.example.test", "mail.example.test", "mx.example.test", "autoconfig.example.test", "example.test")
Zone = Callable[..., DnsServer]

EXCHANGER = "example.test. MX 10 mx.example.test.\nmx.example.test. A 127.0.0.1\n"
SERVICES = (
    "_submissions._tcp.example.test. SRV 0 1 465 smtp.example.test.\n"
    "_submission._tcp.example.test. SRV 5 1 587 smtp.example.test.\n"
)


@pytest.fixture
def find(network: Network, ca: Authority) -> Callable[..., Detection]:
    def find(dns: DnsServer, address: str = "alerts@example.test", **fields: Any) -> Detection:
        return detect(address, resolver=dns.resolver, ca_bundle=ca.pem, **{"seconds": 3, **fields})

    return find


def ways(zone: DnsServer, domain: str = "example.test") -> list[tuple[str, int, str, str]]:
    """What is proposed before anybody is connected to."""
    found = propose(domain, zone.resolver, 2)
    return [(one.host, one.port, one.security, one.source) for one in found.candidates]


LOCAL = ("localhost", 25, "none", "local")

# --- what is proposed ---


def test_an_address_of_a_known_provider_needs_nobody_to_be_asked(dns_server: Zone, network: Network) -> None:
    dns = dns_server()
    found = propose("gmail.com", dns.resolver, 2)
    assert [(one.host, one.port) for one in found.candidates] == [("smtp.gmail.com", 465), ("smtp.gmail.com", 587)]
    assert {one.oauth for one in found.candidates} == {"google"}
    assert "OAuth" in str(found.notes[0])
    assert str(found.candidates[0].why) == "gmail.com is a domain of Gmail."
    assert (dns.asked, network.asked) == ([], [])


def test_the_mail_exchanger_of_a_known_provider_leaves_nothing_to_guess(dns_server: Zone, network: Network) -> None:
    dns = dns_server("example.test. MX 0 example-test.mail.protection.outlook.com.\nmail.example.test. A 127.0.0.1\n")
    assert ways(dns) == [("smtp.office365.com", 587, "starttls", "provider"), LOCAL]
    found = propose("example.test", dns.resolver, 2)
    assert found.candidates[0].oauth == "microsoft"
    assert "Microsoft 365" in str(found.candidates[0].why)


def test_services_in_dns_come_in_their_order(dns_server: Zone, network: Network) -> None:
    dns = dns_server(
        "_submission._tcp.example.test. SRV 20 0 587 backup.example.test.\n"
        "_submission._tcp.example.test. SRV 10 1 587 light.example.test.\n"
        "_submission._tcp.example.test. SRV 10 9 2525 heavy.example.test.\n"
        "_submissions._tcp.example.test. SRV 0 0 465 secure.example.test.\n" + EXCHANGER
    )
    assert ways(dns) == [
        ("secure.example.test", 465, "ssl", "srv"),
        ("heavy.example.test", 2525, "starttls", "srv"),
        ("light.example.test", 587, "starttls", "srv"),
        ("backup.example.test", 587, "starttls", "srv"),
        LOCAL,
    ]


def test_a_domain_that_offers_no_submission_is_believed(dns_server: Zone, network: Network) -> None:
    dns = dns_server("_submission._tcp.example.test. SRV 0 0 0 .\nmail.example.test. A 127.0.0.1\n" + EXCHANGER)
    assert ways(dns) == [LOCAL]
    assert "has no server for sending mail" in str(propose("example.test", dns.resolver, 2).notes[0])


def test_one_of_two_services_may_be_missing(dns_server: Zone, network: Network) -> None:
    dns = dns_server(
        "_submissions._tcp.example.test. SRV 0 0 0 .\n_submission._tcp.example.test. SRV 0 1 587 smtp.example.test.\n"
    )
    assert ways(dns)[0] == ("smtp.example.test", 587, "starttls", "srv")


def test_a_service_at_a_known_provider_brings_what_is_known_of_it(dns_server: Zone, network: Network) -> None:
    dns = dns_server("_submission._tcp.example.test. SRV 0 1 587 smtp.office365.com.\n")
    found = propose("example.test", dns.resolver, 2).candidates[0]
    assert (found.source, found.oauth, found.provider) == ("srv", "microsoft", "Microsoft 365")


def test_without_anything_said_names_and_exchangers_are_guessed(dns_server: Zone, network: Network) -> None:
    dns = dns_server("mail.example.test. A 127.0.0.1\n" + EXCHANGER)
    assert ways(dns) == [
        ("mx.example.test", 465, "ssl", "mx"),
        ("mx.example.test", 587, "starttls", "mx"),
        ("mx.example.test", 25, "starttls", "mx"),
        ("mail.example.test", 465, "ssl", "guess"),
        ("mail.example.test", 587, "starttls", "guess"),
        LOCAL,
    ]


def test_a_way_is_proposed_once(dns_server: Zone, network: Network) -> None:
    dns = dns_server("example.test. MX 10 mail.example.test.\nmail.example.test. A 127.0.0.1\n")
    assert [source for *_way, source in ways(dns)] == ["mx", "mx", "mx", "local"]


def test_a_service_that_the_domain_lets_send_is_proposed(dns_server: Zone, network: Network) -> None:
    dns = dns_server('example.test. TXT "v=spf1 include:sendgrid.net ~all"\n' + EXCHANGER)
    found = propose("example.test", dns.resolver, 2)
    assert ("smtp.sendgrid.net", 587, "starttls", "spf") in ways(dns)
    assert any("apikey" in str(note) for note in found.notes)
    assert found.candidates[0].user_name("alerts@example.test") == ""


@pytest.mark.parametrize(
    ("zone", "note"),
    [
        ("", "Check the spelling"),
        ("example.test. MX 0 .\n", "receives no mail"),
    ],
)
def test_a_domain_without_mail_is_said(dns_server: Zone, network: Network, zone: str, note: str) -> None:
    dns = dns_server(zone)
    assert ways(dns) == [LOCAL]
    assert note in str(propose("example.test", dns.resolver, 2).notes[0])


@pytest.mark.parametrize("fault", ["silent", "servfail", "refused", "garbage"])
def test_name_servers_that_do_not_answer_are_said_once(dns_server: Zone, network: Network, fault: str) -> None:
    names = ["example.test", "mail.example.test", "_submission._tcp.example.test", "_submissions._tcp.example.test"]
    dns = dns_server("", dict.fromkeys(names, fault))
    began = time.monotonic()
    found = propose("example.test", dns.resolver, 1)
    assert time.monotonic() - began < 2
    assert ["name servers did not answer" in str(note) for note in found.notes] == [True]


def test_the_user_name_is_told_in_the_form_of_the_provider(dns_server: Zone, network: Network) -> None:
    web = propose("web.de", dns_server().resolver, 2).candidates[0]
    gmx = propose("gmx.de", dns_server().resolver, 2).candidates[0]
    assert (web.user_name("me@web.de"), gmx.user_name("me@gmx.de")) == ("me", "me@gmx.de")


# --- found and tried ---


def test_settings_are_found_and_tried(
    find: Callable[..., Detection], dns_server: Zone, network: Network, smtp_server: SMTPServerFactory
) -> None:
    submission = smtp_server(NAMES, security="starttls", users={"me": "secret"})
    network.connect("smtp.example.test", 587, submission)
    found = find(dns_server(SERVICES + EXCHANGER), ehlo_name="site.example.com")
    assert found.best
    assert found.best.candidate.way == ("smtp.example.test", 587, "starttls")
    assert str(found.best.candidate.why) == "example.test names this server in DNS (SRV record)."
    assert "PLAIN" in found.best.mechanisms
    assert [one.ok for one in found.candidates] == [True, False, False]
    assert found.notes == []
    assert set(submission.ehlo_names) == {"site.example.com"}
    assert (submission.logins, submission.messages) == ([], [])


def test_the_domains_own_file_is_read(
    find: Callable[..., Detection],
    dns_server: Zone,
    network: Network,
    smtp_server: SMTPServerFactory,
    ca: Authority,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "ca.pem").write_text(ca.pem)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    content = file(server("mail.example.test", "465", "SSL", "%EMAILLOCALPART%"))
    with AutoconfigServer(content, ca.server_context(*NAMES)) as published:
        network.connect("autoconfig.example.test", 443, published)
        network.connect("mail.example.test", 465, smtp_server(NAMES, security="ssl", users={"me": "secret"}))
        found = find(dns_server(EXCHANGER))
        assert found.best
        assert found.best.candidate.way == ("mail.example.test", 465, "ssl")
        assert found.best.candidate.user_name("alerts@example.test") == "alerts"
        assert "autoconfig" in str(found.best.candidate.why)
        assert "alerts" not in "".join(published.paths)


def test_the_machines_own_relay_is_the_last_resort(
    find: Callable[..., Detection], dns_server: Zone, network: Network, smtp_server: SMTPServerFactory
) -> None:
    network.connect("localhost", 25, smtp_server())
    found = find(dns_server(EXCHANGER))
    assert found.best
    assert found.best.candidate.source == "local"


def test_when_nothing_works_that_is_said(find: Callable[..., Detection], dns_server: Zone, network: Network) -> None:
    found = find(dns_server(EXCHANGER))
    assert found.best is None
    assert "None of the servers answered" in str(found.notes[-1])


def test_nobody_is_told_the_address(find: Callable[..., Detection], dns_server: Zone, network: Network) -> None:
    dns = dns_server(EXCHANGER + 'example.test. TXT "v=spf1 exists:%{l}.example.test -all"\n')
    find(dns, "very-secret-name@example.test")
    asked = " ".join(name for name, _kind in dns.asked + network.asked)
    assert "example.test" in asked
    assert "very-secret-name" not in asked


@pytest.mark.parametrize("fault", ["silent", 20.0])
def test_detection_takes_a_bounded_time(
    find: Callable[..., Detection], dns_server: Zone, network: Network, scripted_server: Any, fault: Any
) -> None:  # S-21
    network.connect("localhost", 25, scripted_server({"banner": lambda conversation: conversation.wait(60)}))
    dns = dns_server(EXCHANGER, {"example.test": fault})
    began = time.monotonic()
    assert find(dns, seconds=2).best is None
    assert time.monotonic() - began < 3


def test_the_setting_is_asked_unless_a_resolver_is_given(dns_server: Zone, network: Network) -> None:
    dns = dns_server(EXCHANGER)
    with override_settings(DNS_RESOLVER=dns.setting):
        detect("alerts@example.test", seconds=1)
    assert ("example.test", "MX") in dns.asked


def test_notes_are_in_the_language_of_their_reader(dns_server: Zone, network: Network) -> None:
    note = propose("example.test", dns_server().resolver, 1).notes[0]
    with translation.override("de"):
        assert "example.test" in str(note)


# --- addresses ---


@pytest.mark.parametrize(
    ("address", "domain"),
    [
        (" Alerts@Example.TEST ", "example.test"),
        ("Alerts <alerts@example.test>", "example.test"),
        ("alerts@bücher.example", "xn--bcher-kva.example"),
        ("", ""),
        ("alerts", ""),
        ("alerts@localhost", ""),
        ("alerts@[192.0.2.1]", ""),
        ("alerts@192.0.2.1", ""),
        ("alerts@exa mple.test", ""),
        ("alerts@example.test\r\nRCPT TO:<x@y.test>", ""),
        ("a@example.test, b@example.test", ""),
        ("alerts@exämple..test", ""),
    ],
)
def test_the_domain_of_an_address(address: str, domain: str) -> None:  # S-19
    assert domain_of(address) == domain
    if not domain:
        found = detect(address, resolver=NameServers(broken="nobody is asked"))
        assert "Enter a full address" in str(found.notes[0])


@given(st.text() | st.emails())
def test_any_address_has_a_domain_or_none(address: str) -> None:
    domain = domain_of(address)
    assert not domain or (domain.isascii() and "." in domain and " " not in domain)
