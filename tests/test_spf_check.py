"""Whether the sender's domain lets a server send, and the SPF record to publish otherwise."""

from pathlib import Path
from typing import Final

import pytest
from django.test import override_settings

from mailconfig import public_address
from mailconfig.findings import DnsRecord
from mailconfig.reverse_dns import Resolver
from tests.sender_domain import ADDRESS, HOST, OFFICE, SERVER, SPF, Zone, check, of, one, txt
from tests.servers.hostname_service import HostnameService, text


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


SPF_CASES: Final[list[tuple[str, str, str, str, DnsRecord | None]]] = [
    # zone, server, level, words, record to publish
    (SPF, HOST, "ok", "lets mail.example.test (9.9.9.9) send", None),
    ("", HOST, "problem", "no SPF record", DnsRecord("example.test", "TXT", f"v=spf1 a:{HOST} ~all")),
    (
        txt("example.test", "v=spf1 mx -all").replace("mx", "ip4:1.1.1.1"),
        HOST,
        "warning",
        "does not let mail.example.test (9.9.9.9) send",
        DnsRecord("example.test", "TXT", f"v=spf1 a:{HOST} ip4:1.1.1.1 -all", "v=spf1 ip4:1.1.1.1 -all"),
    ),
    (
        txt("example.test", "v=spf1 ip4:1.1.1.1 -all"),
        ADDRESS,
        "warning",
        "does not let 9.9.9.9",
        DnsRecord("example.test", "TXT", "v=spf1 ip4:9.9.9.9 ip4:1.1.1.1 -all", "v=spf1 ip4:1.1.1.1 -all"),
    ),
    (
        txt("example.test", "v=spf1 a -all") + txt("example.test", "v=spf1 mx ~all"),
        HOST,
        "problem",
        "several SPF records",
        None,
    ),
    (txt("example.test", "v=spf1 ipv4:1.1.1.1 -all"), HOST, "problem", "“ipv4:1.1.1.1” is not allowed", None),
    (
        txt("example.test", "v=spf1 include:gone.test -all"),
        HOST,
        "problem",
        "refers to gone.test, which has none",
        None,
    ),
    (txt("example.test", f"v=spf1 {'a:x.test ' * 11}-all"), HOST, "problem", "more than 10 look-ups", None),
    (txt("example.test", "v=spf1 a:x.test a:y.test a:z.test -all"), HOST, "problem", "more than 2 names", None),
    (
        txt("example.test", "v=spf1 include:spf.protection.outlook.com -all") + OFFICE,
        "smtp.office365.com",
        "ok",
        "lets Microsoft 365 send",
        None,
    ),
    (
        txt("example.test", "v=spf1 redirect=_spf.example.test")
        + txt("_spf.example.test", "v=spf1 include:spf.protection.outlook.com -all")
        + OFFICE,
        "smtp.office365.com",
        "ok",
        "lets Microsoft 365 send",
        None,
    ),
    (
        txt("example.test", "v=spf1 mx -all") + OFFICE,
        "smtp.office365.com",
        "problem",
        "does not let Microsoft 365 send",
        DnsRecord("example.test", "TXT", "v=spf1 include:spf.protection.outlook.com mx -all", "v=spf1 mx -all"),
    ),
    (
        OFFICE,
        "smtp.office365.com",
        "problem",
        "no SPF record",
        DnsRecord("example.test", "TXT", "v=spf1 include:spf.protection.outlook.com ~all"),
    ),
    ("", "smtp.office365.com", "problem", "no SPF record", None),  # nobody is told to include what does not exist
    (txt("example.test", "v=spf1 mx -all"), "smtp.sendgrid.net", "ok", "return address of its own", None),
    (txt("example.test", "v=spf1 mx -all"), "smtp.strato.de", "warning", "is not known", None),
    (txt("example.test", "v=spf1 mx -all"), "gone.example.test", "warning", "is not known", None),
]


@pytest.mark.parametrize(("zone", "server", "level", "words", "record"), SPF_CASES)
def test_spf(dns_server: Zone, zone: str, server: str, level: str, words: str, record: DnsRecord | None) -> None:
    finding = one("spf", check(dns_server(SERVER + zone), server))
    assert (finding.level, words in str(finding)) == (level, True), str(finding)
    assert finding.record == record or "several" in words


def test_a_record_with_ten_look_ups_gets_no_eleventh(dns_server: Zone) -> None:
    full = f"v=spf1 {'a:backup.example.test ' * 10}-all"
    zone = SERVER + "backup.example.test. A 1.1.1.1\n" + txt("example.test", full)
    record = one("spf", check(dns_server(zone))).record
    assert record
    assert record.value.startswith("v=spf1 ip4:9.9.9.9 a:backup.example.test ")


def test_several_spf_records_are_joined_in_one(dns_server: Zone) -> None:
    zone = txt("example.test", "v=spf1 a -all") + txt("example.test", "v=spf1 mx -all")
    record = one("spf", check(dns_server(SERVER + zone))).record
    assert record
    assert sorted(record.value.split(" ")) == ["-all", "a", "mx", "v=spf1"]


@pytest.mark.parametrize(
    ("record", "level", "words"),
    [
        ("v=spf1 a:mail.example.test +all", "problem", "everybody send"),
        ("v=spf1 a:mail.example.test all", "problem", "everybody send"),
        ("v=spf1 a:mail.example.test ?all", "warning", "mail from elsewhere"),
        ("v=spf1 a:mail.example.test", "warning", "mail from elsewhere"),
        ("v=spf1 ptr a:mail.example.test ~all", "warning", "“ptr”"),
    ],
)
def test_a_careless_spf_record_is_told_beside_what_it_lets_send(
    dns_server: Zone, record: str, level: str, words: str
) -> None:
    careless, covers = of("spf", check(dns_server(SERVER + txt("example.test", record))))
    assert covers.ok
    assert (careless.level, words in str(careless)) == (level, True)
    if careless.record:
        assert careless.record.value == "v=spf1 a:mail.example.test ~all"


@pytest.mark.parametrize("known", [True, False])
def test_a_relay_inside_sends_from_the_public_address(dns_server: Zone, known: bool) -> None:
    dns = dns_server(SERVER + txt("example.test", "v=spf1 mx -all").replace("mx", "ip4:1.1.1.1"))
    if known:
        with HostnameService(text(ADDRESS)) as service, override_settings(HOSTNAME_SERVICE_URL=service.url):
            public_address.determine(resolver=Resolver(lambda _address: [], lambda _name: []))
    finding = one("spf", check(dns, "localhost"))
    assert ("does not let this site's address (9.9.9.9) send" in str(finding)) is known
    assert ("is not known" in str(finding)) is not known
    if finding.record:
        assert finding.record.value == "v=spf1 ip4:9.9.9.9 ip4:1.1.1.1 -all"
