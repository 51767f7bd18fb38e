"""Candidates are tried all at once, in bounded time, without a log-in; the best comes first."""

import time
from typing import Any

import pytest
from django.utils import translation

from mailconfig.candidates import Candidate
from mailconfig.findings import Sentence
from mailconfig.probing import MOST, Probe, probe
from tests.conftest import ScriptedServerFactory, SMTPServerFactory
from tests.servers import scripted
from tests.servers.certificates import Authority
from tests.servers.network import Network
from tests.servers.scripted import Says

WHY = Sentence("because")  # type: ignore[arg-type]
NAMES = ("mx.example.test", "smtp.example.test", "mail.example.test", "relay.example.test")


def candidate(host: str = "smtp.example.test", port: int = 587, security: str = "starttls", **fields: Any) -> Candidate:
    return Candidate(host, port, security, **{"source": "guess", "why": WHY, **fields})  # type: ignore[arg-type]


def test_a_probe_tells_what_a_server_offers(
    network: Network, scripted_server: ScriptedServerFactory, ca: Authority
) -> None:
    features = "250-mail.test\r\n250-STARTTLS\r\n250-SIZE 35882577\r\n250-AUTH LOGIN XOAUTH2\r\n250 8BITMIME"
    server = scripted_server({"EHLO": features}, security="starttls", names=NAMES)
    network.connect("smtp.example.test", 587, server)
    (found,) = probe([candidate()], seconds=5, ehlo_name="site.example.com", ca_bundle=ca.pem)
    assert found.ok
    assert found.mechanisms == ("LOGIN", "XOAUTH2")
    assert found.extensions == ("8BITMIME", "AUTH", "SIZE", "STARTTLS")
    assert found.size == 35882577
    assert "TLS" in found.encryption
    assert found.milliseconds > 0
    assert server.lines == ["ehlo site.example.com", "STARTTLS", "ehlo site.example.com", "QUIT"]


@pytest.mark.parametrize(("said", "size"), [("SIZE 0", None), ("SIZE", None), ("SIZE x", None), ("SIZE 1000", 1000)])
def test_a_size_is_a_number_above_zero(
    network: Network, scripted_server: ScriptedServerFactory, said: str, size: int | None
) -> None:
    network.connect("smtp.example.test", 25, scripted_server({"EHLO": f"250-mail.test\r\n250 {said}"}))
    assert probe([candidate(port=25, security="none")], seconds=5)[0].size == size


@pytest.mark.parametrize(
    ("script", "security", "step"),
    [
        ({"banner": "554 5.7.1 Go away"}, "none", "greet"),
        ({"EHLO": "504 5.5.2 Need a full name", "HELO": "504 5.5.2 No"}, "none", "greet"),
        ({"STARTTLS": "454 4.7.0 Not now"}, "starttls", "secure"),
        ({"banner": scripted.close}, "none", "greet"),
        ({"EHLO": scripted.reset}, "none", "greet"),
        ({"banner": scripted.garbage}, "none", "greet"),
        ({"EHLO": scripted.endless}, "none", "greet"),
        ({"EHLO": scripted.huge_line}, "none", "greet"),
        ({"banner": scripted.stall}, "none", "greet"),
        ({"banner": scripted.stall}, "starttls", "greet"),
        ({"EHLO": scripted.drip}, "none", "greet"),
        ({"banner": scripted.stall}, "ssl", "secure"),
    ],
)
def test_a_misbehaving_server_is_an_outcome(
    network: Network,
    scripted_server: ScriptedServerFactory,
    script: dict[str, Says],
    security: str,
    step: str,
) -> None:  # S-21
    plain = scripted_server(script, security="starttls" if security == "starttls" else "none")
    network.connect("smtp.example.test", 587, plain)
    began = time.monotonic()
    (found,) = probe([candidate(security=security, source="srv")], seconds=1.5)
    assert time.monotonic() - began < 2.5
    assert (found.ok, found.failed_step) == (False, step)
    assert found.detail


@pytest.mark.parametrize("names", [("other.example.test",), NAMES])
def test_a_certificate_is_checked(network: Network, smtp_server: SMTPServerFactory, names: tuple[str, ...]) -> None:
    network.connect("smtp.example.test", 465, smtp_server(names, security="ssl"))  # S-15
    (found,) = probe([candidate(port=465, security="ssl")], seconds=5)  # nobody told that the authority is trusted
    assert (found.ok, found.failed_step) == (False, "secure")
    assert "certificate" in found.detail.lower()


def test_ports_that_are_not_of_mail_are_not_tried(network: Network, smtp_server: SMTPServerFactory) -> None:
    server = smtp_server()
    network.connect("smtp.example.test", 6379, server)
    network.connect("smtp.example.test", 2525, server)
    found = probe([candidate(port=6379, security="none"), candidate(port=2525, security="none")], seconds=5)
    assert [(probe.candidate.port, probe.ok) for probe in found] == [(2525, True), (6379, False)]
    assert server.connections == 1
    assert ("smtp.example.test", 6379) not in network.asked


@pytest.mark.parametrize("address", ["169.254.169.254", "169.254.1.1", "fe80::1", "100.100.100.200", "fd00:ec2::254"])
def test_link_local_addresses_are_not_tried(network: Network, address: str) -> None:  # S-13
    network.lead("smtp.example.test", 587, address)
    (found,) = probe([candidate(source="srv"), candidate(address, source="srv")][:1], seconds=2)
    assert (found.ok, found.failed_step) == (False, "resolve")
    assert "not tried" in found.detail
    (typed,) = probe([candidate(address, source="srv")], seconds=2)
    assert (typed.ok, typed.failed_step) == (False, "resolve")


def test_all_are_tried_at_once(network: Network, scripted_server: ScriptedServerFactory) -> None:  # S-21
    slow = scripted_server({"banner": scripted.stall})
    for number in range(MOST):
        network.connect(f"h{number}.example.test", 587, slow)
    began = time.monotonic()
    found = probe([candidate(f"h{number}.example.test", security="none") for number in range(MOST + 3)], seconds=1)
    assert time.monotonic() - began < 2.5
    assert len(found) == MOST + 3
    assert not any(probe.ok for probe in found)
    assert slow.connections == MOST


def test_a_guessed_server_without_encryption_is_tried_in_clear_and_says_so(
    network: Network, smtp_server: SMTPServerFactory
) -> None:
    network.connect("mail.example.test", 25, smtp_server())
    found = probe([candidate("mail.example.test", 25)], seconds=5)
    assert [(one.candidate.security, one.ok) for one in found] == [("none", True), ("starttls", False)]
    assert "no encryption" in str(found[0].candidate.note)


def test_a_server_named_by_somebody_is_never_tried_in_clear(
    network: Network, smtp_server: SMTPServerFactory
) -> None:  # S-16
    network.connect("mail.example.test", 587, smtp_server())
    found = probe([candidate("mail.example.test", source=source) for source in ("provider", "srv")], seconds=5)
    assert [one.candidate.security for one in found] == ["starttls", "starttls"]
    assert not any(one.ok for one in found)


def test_the_best_comes_first(network: Network, smtp_server: SMTPServerFactory, ca: Authority) -> None:
    me = {"me": "secret"}
    network.connect("mx.example.test", 25, smtp_server(NAMES, security="starttls"))
    network.connect("smtp.example.test", 587, smtp_server(NAMES, security="starttls", users=me))
    network.connect("smtp.example.test", 465, smtp_server(NAMES, security="ssl", users=me))
    network.connect("mail.example.test", 587, smtp_server(NAMES, users=me))
    network.connect("relay.example.test", 587, smtp_server(NAMES, security="starttls"))
    network.connect("localhost", 25, smtp_server())
    tried = [
        candidate("localhost", 25, "none", source="local"),
        candidate("nowhere.example.test", 587),
        candidate("mx.example.test", 25, source="mx"),
        candidate("mail.example.test", 587, "none", source="autoconfig"),
        candidate("relay.example.test", 587),
        candidate("smtp.example.test", 465, "ssl"),
        candidate("smtp.example.test", 587, source="srv"),
    ]
    found = probe(tried, seconds=5, ca_bundle=ca.pem)
    assert [f"{one.candidate.host.partition('.')[0]}:{one.candidate.port}" for one in found] == [
        "smtp:587",  # encrypted, one can log in, and the domain names it itself
        "smtp:465",
        "relay:587",  # nobody can log in
        "mx:25",
        "mail:587",  # in clear text
        "localhost:25",
        "nowhere:587",
    ]


def test_an_outcome_is_in_the_language_of_its_reader(network: Network, scripted_server: ScriptedServerFactory) -> None:
    network.connect("smtp.example.test", 25, scripted_server())
    with translation.override("de"):
        (found,) = probe([candidate(port=25, security="none")], seconds=1)
        assert found.encryption == translation.gettext("no encryption") != "no encryption"


def test_nothing_to_try_is_nothing_found() -> None:
    found: list[Probe] = probe([], seconds=1)
    assert found == []
