"""Zones of a sender's domain, well set up and otherwise, and what the check of it says."""

import base64
from collections.abc import Callable
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mailconfig.domain_check import DomainCheck, Topic, check_domain
from mailconfig.findings import Finding
from tests.servers.dns import DnsServer

Zone = Callable[..., DnsServer]
SENDER: Final = "alerts@example.test"
HOST: Final = "mail.example.test"
ADDRESS: Final = "9.9.9.9"  # only ever written down here: documentation's own addresses count as private


def key(bits: int) -> str:
    public = rsa.generate_private_key(65537, bits).public_key()
    return base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


LONG, SHORT = key(2048), key(1024)
EDWARDS: Final = base64.b64encode(
    ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
).decode()


def txt(name: str, value: str) -> str:
    parts = [f'"{value[start : start + 250]}"' for start in range(0, len(value), 250)]
    return f"{name}. TXT {' '.join(parts)}\n"


SERVER: Final = f"{HOST}. A {ADDRESS}\nexample.test. MX 10 {HOST}.\n"
SPF: Final = txt("example.test", "v=spf1 a:mail.example.test -all")
DKIM: Final = txt("default._domainkey.example.test", f"v=DKIM1; k=rsa; p={LONG}")
DMARC: Final = txt("_dmarc.example.test", "v=DMARC1; p=reject; rua=mailto:dmarc@example.test")
GOOD: Final = SERVER + SPF + DKIM + DMARC
OFFICE: Final = txt("spf.protection.outlook.com", "v=spf1 ip4:40.92.0.0/15 -all")


def check(dns: DnsServer, server: str = HOST, **fields: Any) -> DomainCheck:
    return check_domain(fields.pop("sender", SENDER), server, resolver=dns.resolver, **{"seconds": 5.0, **fields})


def of(topic: Topic, found: DomainCheck) -> list[Finding]:
    return [finding for section in found.sections if section.topic == topic for finding in section.findings]


def one(topic: Topic, found: DomainCheck) -> Finding:
    (finding,) = of(topic, found)
    return finding


def dmarc(value: str, name: str = "_dmarc.example.test") -> str:
    return txt(name, value)
