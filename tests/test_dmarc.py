"""The DMARC policy that receivers apply is found and explained (RFC 9989)."""

import pytest

from mailconfig.findings import DnsRecord
from tests.sender_domain import DMARC, SERVER, Zone, check, dmarc, of, one, txt


@pytest.mark.parametrize(
    ("zone", "level", "words"),
    [
        (DMARC, "ok", "refused (DMARC policy “reject”)"),
        (dmarc("v=DMARC1; p=quarantine"), "ok", "spam folder"),
        (dmarc("v=DMARC1;p=none"), "ok", "only report"),
        (dmarc("V=dmarc1; P=None"), "ok", "only report"),
        (dmarc("v=DMARC1; rua=mailto:a@example.test"), "ok", "only report"),
        (dmarc("v=DMARC1; p=reject; pct=50; unknown=x"), "ok", "refused"),
        ("", "warning", "no DMARC record"),
        (dmarc("v=DMARC2; p=none"), "warning", "no DMARC record"),
        (dmarc("v=DMARC1"), "problem", "has no policy"),
        (dmarc("v=DMARC1; p=maybe"), "problem", "has no policy"),
        (dmarc("v=DMARC1; reject"), "problem", "“reject”"),
        (dmarc("v=DMARC1; p=none") + dmarc("v=DMARC1; p=reject"), "problem", "several DMARC records"),
    ],
)
def test_dmarc(dns_server: Zone, zone: str, level: str, words: str) -> None:
    finding = one("dmarc", check(dns_server(SERVER + zone)))
    assert (finding.level, words in str(finding)) == (level, True), str(finding)


def test_the_dmarc_record_to_publish_changes_nothing_yet(dns_server: Zone) -> None:
    wanted = DnsRecord("_dmarc.example.test", "TXT", "v=DMARC1; p=none; rua=mailto:postmaster@example.test")
    assert one("dmarc", check(dns_server(SERVER))).record == wanted


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ({"_dmarc.example.test": "v=DMARC1; p=reject; sp=none"}, "_dmarc.example.test: receivers only report"),
        ({"_dmarc.example.test": "v=DMARC1; p=reject"}, "_dmarc.example.test: mail that is not proven is refused"),
        (
            {"_dmarc.example.test": "v=DMARC1; p=reject", "_dmarc.a.example.test": "v=DMARC1; p=none"},
            "_dmarc.example.test: mail",  # the highest counts, not the nearest
        ),
        (
            {"_dmarc.example.test": "v=DMARC1; p=reject", "_dmarc.a.example.test": "v=DMARC1; p=none; psd=n"},
            "_dmarc.a.example.test: receivers only report",
        ),
        (
            {"_dmarc.test": "v=DMARC1; p=reject; psd=y", "_dmarc.example.test": "v=DMARC1; p=quarantine"},
            "_dmarc.example.test: mail that is not proven goes to the spam folder",
        ),
        ({"_dmarc.test": "v=DMARC1; p=reject; psd=y"}, "_dmarc.test: mail that is not proven is refused"),
    ],
)
def test_a_subdomain_inherits_the_policy(dns_server: Zone, records: dict[str, str], words: str) -> None:
    """RFC 9989 section 4.10."""
    dns = dns_server("".join(txt(name, value) for name, value in records.items()))
    assert words in str(one("dmarc", check(dns, sender="me@b.a.example.test")))


@pytest.mark.parametrize(
    ("zone", "sees"),
    [
        ("", ["reports.other.test"]),
        (txt("example.test._report._dmarc.reports.other.test", "v=DMARC1"), []),
    ],
)
def test_reports_go_only_to_a_domain_that_agreed(dns_server: Zone, zone: str, sees: list[str]) -> None:
    record = dmarc("v=DMARC1; p=none; rua=mailto:x@reports.other.test!10m,mailto:y@sub.example.test")
    found = of("dmarc", check(dns_server(SERVER + record + zone)))[1:]
    assert [finding.values["other"] for finding in found] == sees
    if found:
        assert found[0].record == DnsRecord("example.test._report._dmarc.reports.other.test", "TXT", "v=DMARC1")
