"""Keys for signatures are found under the names that providers and software use, and looked at."""

import pytest

from mailconfig.findings import DnsRecord
from tests.sender_domain import DKIM, EDWARDS, HOST, LONG, SERVER, SHORT, Zone, check, of, one, txt


@pytest.mark.parametrize(
    ("zone", "server", "level", "words"),
    [
        (DKIM, HOST, "ok", "published at default._domainkey.example.test"),
        ("", HOST, "warning", "under the usual names"),
        (txt("s1._domainkey.example.test", f"p={LONG}"), HOST, "ok", "published at s1."),
        (txt("mail._domainkey.example.test", f"v=DKIM1; k=ed25519; p={EDWARDS}"), HOST, "ok", "published at mail."),
        (txt("mail._domainkey.example.test", f"v=DKIM1; p={SHORT}"), HOST, "warning", "short (1024 bits)"),
        (txt("selector2._domainkey.example.test", f"p={LONG}"), "smtp.office365.com", "ok", "at selector2."),
        (DKIM, "smtp.office365.com", "warning", "names that Microsoft 365 uses"),
        ("", "smtp.strato.de", "warning", "names that STRATO uses"),
        (
            "s1._domainkey.example.test. CNAME s1.domainkey.sendgrid.test.\n"
            + txt("s1.domainkey.sendgrid.test", f"p={LONG}"),
            "smtp.sendgrid.net",
            "ok",
            "at s1.",
        ),
    ],
    ids=lambda value: value[:11],  # the keys are others in each process
)
def test_dkim(dns_server: Zone, zone: str, server: str, level: str, words: str) -> None:
    finding = one("dkim", check(dns_server(SERVER + zone), server))
    assert (finding.level, words in str(finding)) == (level, True), str(finding)


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ("v=DKIM1; p=", "was withdrawn"),
        ("v=DKIM1; p=AAAA", "can't be read"),
        ("v=DKIM1; p=not base64!", "can't be read"),
        ("v=DKIM1; p=AAAA; nonsense", "can't be read"),
        (f"v=DKIM1; p={EDWARDS}", "can't be read"),
        ("v=DKIM1; p=" + "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAMVb3V9p1VQyT1NzXEvq0lH1GkLq4nq1m2K1pH3b"
         "mI0mV0m3yX6b0f7oY0G4q3rHh6q2q0m0m0q3rHh6q2q0m0kCAwEAAQ==", "too short (512 bits)"),
    ],
    ids=lambda value: value[:11],
)  # fmt: skip
def test_a_dkim_key_that_is_of_no_use_is_a_problem(dns_server: Zone, record: str, words: str) -> None:
    found = check(dns_server(SERVER + txt("default._domainkey.example.test", record)))
    assert of("dkim", found)[0].level == "problem"
    assert words in str(of("dkim", found)[0])
    assert "under the usual names" in str(of("dkim", found)[1])


def test_dkim_records_that_are_the_same_for_everybody_are_told(dns_server: Zone) -> None:
    found = of("dkim", check(dns_server(SERVER), "smtp.fastmail.com"))
    assert [finding.record for finding in found] == [
        DnsRecord(f"{name}._domainkey.example.test", "CNAME", f"{name}.example.test.dkim.fmhosted.com")
        for name in ("fm1", "fm2", "fm3")
    ]
