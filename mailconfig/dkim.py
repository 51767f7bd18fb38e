"""Whether keys for signatures of a domain's mail are published (DKIM, RFC 6376), as far as their names are known.

A signature names its selector, and only the server that signs knows it; so what is looked for are the selectors that
providers and usual software use. dkimpy would verify a signature, but doesn't look for keys.
"""

import base64
import binascii
from dataclasses import dataclass
from functools import partial
from typing import Final

from django.utils.translation import gettext_lazy as _

from oauthconnections.bounded import run_together

from .findings import DnsRecord, Finding
from .provider import Provider
from .resolver import LookUpFailed, NameServers
from .tag_list import TagError, tags

USUAL: Final = ("default", "mail", "dkim", "google", "selector1", "selector2", "k1", "k2", "s1", "s2", "key1", "smtp")
SHORTEST: Final = 1024
"""Bits of an RSA key that receivers still accept (RFC 8301 section 3.2)."""
RECOMMENDED: Final = 2048

MISSING: Final = _(
    "No key for signatures (DKIM) of %(domain)s was found under the usual names. Have your mail server sign, and "
    "publish the key that it shows."
)
MISSING_OF: Final = _(
    "No key for signatures (DKIM) of %(domain)s was found under the names that %(provider)s uses. Switch signing on "
    "for the domain there, and publish the records that it shows."
)


@dataclass(frozen=True)
class DkimCheck:
    """`selectors` are those with a key that can be used; `signs` is None if nobody knows."""

    findings: tuple[Finding, ...]
    selectors: tuple[str, ...] = ()
    signs: bool | None = False


def check_dkim(domain: str, provider: Provider | None, resolver: NameServers, seconds: float) -> DkimCheck:
    """Those of the provider if one is known and has names that are always the same, else the usual ones."""
    selectors = provider.selectors if provider and provider.selectors else USUAL
    asked = [partial(_key, selector, domain, resolver) for selector in selectors]
    keys = dict(zip(selectors, run_together(asked, seconds, lambda _error: None), strict=True))
    if not any(keys.values()) and None in keys.values():
        raise LookUpFailed("not all selectors could be looked up")
    found = {selector: key for selector, key in keys.items() if key}
    findings = [_finding(selector, domain, key) for selector, key in found.items()]
    usable = tuple(selector for selector, finding in zip(found, findings, strict=True) if finding.level != "problem")
    if usable:
        return DkimCheck(tuple(findings), usable, signs=True)
    knows = provider is None or bool(provider.selectors)
    return DkimCheck((*findings, *_missing(domain, provider)), signs=False if knows else None)


def _key(selector: str, domain: str, resolver: NameServers) -> str:
    """The record of a selector, which need not begin with its version (section 3.6.1)."""
    texts = resolver.texts(f"{selector}._domainkey.{domain}")
    return next((text for text in texts if "p=" in text), "")


def _missing(domain: str, provider: Provider | None) -> list[Finding]:
    if provider is None:
        return [Finding("warning", MISSING, {"domain": domain})]
    values = {"domain": domain, "provider": provider.name}
    if not provider.dkim:
        return [Finding("warning", MISSING_OF, values)]
    return [Finding("warning", MISSING_OF, values, record) for record in _records(domain, provider)]


def _records(domain: str, provider: Provider) -> list[DnsRecord]:
    return [
        DnsRecord(f"{selector}._domainkey.{domain}", "CNAME", target.format(domain=domain))
        for selector, target in provider.dkim.items()
    ]


# --- one key ---


def _finding(selector: str, domain: str, record: str) -> Finding:
    values = {"name": f"{selector}._domainkey.{domain}"}
    try:
        found = tags(record)
        content = base64.b64decode("".join(found.get("p", "").split()), validate=True)
    except (TagError, binascii.Error, ValueError):
        return Finding("problem", _("The key for signatures at %(name)s can't be read. Publish it again."), values)
    if not content:
        return Finding("problem", _("The key for signatures at %(name)s was withdrawn. Publish a new one."), values)
    if found.get("k", "rsa").lower() != "rsa":
        return Finding("ok", _("A key for signatures (DKIM) is published at %(name)s."), values)
    return _rsa(content, values)


def _rsa(content: bytes, values: dict[str, str]) -> Finding:
    bits = _length(content)
    values |= {"bits": str(bits)}
    if not bits:
        return Finding("problem", _("The key for signatures at %(name)s can't be read. Publish it again."), values)
    if bits < SHORTEST:
        text = _("The key for signatures at %(name)s is too short (%(bits)s bits): receivers ignore it.")
        return Finding("problem", text, values)
    if bits < RECOMMENDED:
        text = _("The key for signatures at %(name)s is short (%(bits)s bits). Have a new one made with 2048 bits.")
        return Finding("warning", text, values)
    return Finding("ok", _("A key for signatures (DKIM) is published at %(name)s."), values)


def _length(content: bytes) -> int:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(content)
    except (ValueError, UnsupportedAlgorithm):
        return 0
    return key.key_size if isinstance(key, RSAPublicKey) else 0
