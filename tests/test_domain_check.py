"""The check of the sender's domain: all its parts together, in bounded time, telling nobody the sender."""

import time
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from tests.sender_domain import DKIM, DMARC, GOOD, HOST, LONG, SERVER, SPF, Zone, check, dmarc, of, one, txt


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_a_domain_that_is_set_up_well_has_no_problems(dns_server: Zone) -> None:
    found = check(dns_server(GOOD + f"9.9.9.9.in-addr.arpa. PTR {HOST}.\n"), ehlo_name=HOST)
    assert [str(finding) for finding in found.findings if not finding.ok] == []
    assert found.ok
    assert [section.topic for section in found.sections] == ["spf", "dkim", "dmarc", "alignment", "mx", "ehlo"]
    assert all(section.title for section in found.sections)


def test_only_name_servers_are_asked_and_not_about_the_sender(dns_server: Zone) -> None:
    dns = dns_server(SERVER + txt("example.test", "v=spf1 exists:%{l}.%{s}.example.test -all"))
    check(dns, sender="very-secret-name@example.test", ehlo_name=HOST)
    assert "very-secret-name" not in " ".join(name for name, _kind in dns.asked)


# --- alignment ---


@pytest.mark.parametrize(
    ("zone", "server", "level", "words"),
    [
        (SPF + DKIM + DMARC, HOST, "ok", "in both ways"),
        (DKIM + DMARC, HOST, "ok", "by its signature"),
        (SPF + DMARC, HOST, "ok", "not after it was forwarded"),
        (DMARC, HOST, "problem", "can't be proven, neither"),
        (dmarc("v=DMARC1; p=none"), HOST, "warning", "can't be proven, neither"),
        ("", HOST, "warning", "can't be proven, neither"),
        (DMARC + SPF, "smtp.sendgrid.net", "problem", "only a signature"),
        (txt("s1._domainkey.example.test", f"p={LONG}") + DMARC, "smtp.sendgrid.net", "ok", "by its signature"),
        (DMARC, "email-smtp.eu-west-1.amazonaws.com", "warning", "is not known"),
        (SPF + DMARC, "smtp.strato.de", "warning", "is not known"),
        (SPF + DMARC, "localhost", "warning", "is not known"),
    ],
)
def test_alignment(dns_server: Zone, zone: str, server: str, level: str, words: str) -> None:
    finding = one("alignment", check(dns_server(SERVER + zone), server))
    assert (finding.level, words in str(finding)) == (level, True), str(finding)


# --- bounces ---


@pytest.mark.parametrize(
    ("zone", "level", "words"),
    [
        (SERVER, "ok", "example.test receives mail: mail.example.test."),
        ("", "problem", "can't receive mail"),
        ("example.test. MX 0 .", "problem", "null MX"),
        ("example.test. A 9.9.9.9", "warning", "no MX record"),
        ("example.test. MX 10 gone.example.test.", "problem", "gone.example.test in the MX record is not found"),
        ("example.test. MX 10 9.9.9.9.", "problem", "names the address 9.9.9.9"),
        (f"example.test. MX 10 alias.example.test.\nalias.example.test. CNAME {HOST}.\n{HOST}. A 9.9.9.9", "warning",
         "only another name"),
    ],
)  # fmt: skip
def test_bounces(dns_server: Zone, zone: str, level: str, words: str) -> None:
    finding = one("mx", check(dns_server(zone)))
    assert (finding.level, words in str(finding)) == (level, True), str(finding)


# --- the name of this site ---


@pytest.mark.parametrize(("server", "level"), [(HOST, "problem"), ("smtp.office365.com", "warning")])
def test_the_ehlo_name_counts_less_behind_a_provider(dns_server: Zone, server: str, level: str) -> None:
    found = of("ehlo", check(dns_server(GOOD), server, ehlo_name=HOST))
    assert [finding.level for finding in found] == ["ok", "ok", level]
    assert "The reverse name of 9.9.9.9 is not mail.example.test" in str(found[-1])


def test_without_an_ehlo_name_it_is_left_out(dns_server: Zone) -> None:
    assert of("ehlo", check(dns_server(GOOD))) == []


# --- name servers that do not answer ---


@pytest.mark.parametrize("fault", ["silent", "servfail", "refused", "garbage", 30.0])
def test_what_nobody_answers_is_not_called_missing(dns_server: Zone, fault: Any) -> None:
    names = ["example.test", HOST, "_dmarc.example.test", "default._domainkey.example.test"]
    dns = dns_server(GOOD, dict.fromkeys(names, fault))
    began = time.monotonic()
    found = check(dns, seconds=2, ehlo_name=HOST)
    assert time.monotonic() - began < 3  # S-21
    sentences = {section.topic: [str(finding) for finding in section.findings] for section in found.sections}
    for topic in ("spf", "dkim", "dmarc", "mx"):
        assert ["could not be looked up" in sentence for sentence in sentences[topic]] == [True]
    assert "did not answer" in sentences["ehlo"][-1]
    assert "alignment" not in sentences


def test_one_part_that_is_slow_does_not_hide_the_others(dns_server: Zone) -> None:
    found = check(dns_server(GOOD, {"_dmarc.example.test": "silent"}), seconds=2)
    assert [(section.topic, section.findings[0].ok) for section in found.sections] == [
        ("spf", True),
        ("dkim", True),
        ("dmarc", False),
        ("mx", True),
    ]


@pytest.mark.parametrize("sender", ["", "alerts", "alerts@localhost", "a@b.test\r\nx"])
def test_without_a_domain_there_is_nothing_to_check(dns_server: Zone, sender: str) -> None:
    dns = dns_server(GOOD)
    assert "Enter a full address" in str(check(dns, sender=sender).findings[0])
    assert dns.asked == []


def test_an_international_domain_is_looked_up_in_ascii(dns_server: Zone) -> None:
    dns = dns_server("")
    assert check(dns, sender="me@bücher.example").domain == "xn--bcher-kva.example"
    assert ("xn--bcher-kva.example", "MX") in dns.asked


def test_a_finding_is_in_the_language_of_its_reader(dns_server: Zone) -> None:
    found = check(dns_server(GOOD))
    with translation.override("de"):
        assert all("%(" not in str(finding) for finding in found.findings)
