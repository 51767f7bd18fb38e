"""What a domain tells receivers to do with mail that is not proven to be its own (DMARC, RFC 9989; before RFC 7489)."""

import re
from dataclasses import dataclass
from typing import Final, Literal, cast

from django.utils.translation import gettext_lazy as _

from .findings import DnsRecord, Finding
from .resolver import NameServers
from .tag_list import TagError, tags

Policy = Literal["none", "quarantine", "reject"]

POLICIES: Final = ("none", "quarantine", "reject")
MOST_LEVELS: Final = 8
"""Names that are asked on the way up (RFC 9989 section 4.10); no list of public suffixes is needed."""


@dataclass(frozen=True)
class DmarcPolicy:
    """`domain` is where the record stands: the sender's own or one above it."""

    domain: str
    policy: Policy = "none"
    strict_spf: bool = False
    strict_dkim: bool = False


@dataclass(frozen=True)
class DmarcCheck:
    findings: tuple[Finding, ...]
    policy: DmarcPolicy | None = None


def check_dmarc(domain: str, resolver: NameServers) -> DmarcCheck:
    """Raises LookUpFailed."""
    own = _records(domain, resolver)
    where, records = (domain, own) if own else _inherited(domain, resolver)
    if records:
        return _check(domain, where, records, resolver)
    text = _(
        "%(domain)s has no DMARC record. Big receivers (Google, Yahoo, Microsoft) want one. "
        "This one changes nothing yet, and has reports sent to you."
    )
    return DmarcCheck((Finding("warning", text, {"domain": domain}, _record_to_publish(domain)),))


def _inherited(domain: str, resolver: NameServers) -> tuple[str, list[str]]:
    """Of the organizational domain: the highest with a record below what is a public suffix (`psd=y`)."""
    best: tuple[str, list[str]] = ("", [])
    for asked in _above(domain):
        records = _records(asked, resolver)
        suffix = re.search(r"psd\s*=\s*([yn])", " ".join(records).lower())
        if suffix and suffix[1] == "n":
            return asked, records
        if suffix and best[0]:
            return best
        best = (asked, records) if records else best
    return best


def _above(domain: str) -> list[str]:
    """The names above; those of a long one that are in between are left out."""
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(1, len(labels))][-(MOST_LEVELS - 1) :]


def _records(domain: str, resolver: NameServers) -> list[str]:
    texts = resolver.texts(f"_dmarc.{domain}")
    return [text for text in texts if text.partition(";")[0].replace(" ", "").lower() == "v=dmarc1"]


def _record_to_publish(domain: str) -> DnsRecord:
    return DnsRecord(f"_dmarc.{domain}", "TXT", f"v=DMARC1; p=none; rua=mailto:postmaster@{domain}")


def _check(domain: str, where: str, records: list[str], resolver: NameServers) -> DmarcCheck:
    values = {"name": f"_dmarc.{where}"}
    if len(records) > 1:
        text = _("There are several DMARC records at %(name)s, and receivers then use none. Keep one.")
        return DmarcCheck((Finding("problem", text, values),))
    try:
        found = tags(records[0])
    except TagError as error:
        text = _("The DMARC record at %(name)s can't be read: “%(part)s”. Correct it.")
        return DmarcCheck((Finding("problem", text, values | {"part": str(error)}),))
    policy = _policy(found, inherited=where != domain)
    if policy not in POLICIES:
        text = _("The DMARC record at %(name)s has no policy (“p=none”, “p=quarantine” or “p=reject”). Add one.")
        return DmarcCheck((Finding("problem", text, values),))
    strict = [found.get(name, "r").lower() == "s" for name in ("aspf", "adkim")]
    known = DmarcPolicy(where, cast("Policy", policy), *strict)
    return DmarcCheck((_described(known), *_reports(where, found, resolver)), known)


def _policy(found: dict[str, str], inherited: bool) -> str:
    """A sub-domain has its own in `sp` (RFC 9989 section 4.7); a record that only asks for reports means "none"."""
    policy = found.get("sp", found.get("p", "")) if inherited else found.get("p", "")
    return policy.lower() or ("none" if "rua" in found else "")


def _described(known: DmarcPolicy) -> Finding:
    values = {"name": f"_dmarc.{known.domain}"}
    if known.policy == "none":
        text = _("%(name)s: receivers only report mail that is not proven (DMARC policy “none”).")
    elif known.policy == "quarantine":
        text = _("%(name)s: mail that is not proven goes to the spam folder (DMARC policy “quarantine”).")
    else:
        text = _("%(name)s: mail that is not proven is refused (DMARC policy “reject”).")
    return Finding("ok", text, values)


# --- who gets the reports ---


def _reports(where: str, found: dict[str, str], resolver: NameServers) -> list[Finding]:
    """Another domain must agree to get them (RFC 9990 section 4; before RFC 7489 section 7.1)."""
    domains = {uri.strip().rpartition("@")[2].partition("!")[0].lower() for uri in found.get("rua", "").split(",")}
    others = sorted(domain for domain in domains if domain and not _related(domain, where, resolver))
    return [finding for other in others for finding in _agreement(where, other, resolver)]


def _related(one: str, other: str, resolver: NameServers) -> bool:
    """Whether both are of one organization."""
    shared = [name for name in (one, *_above(one)) if name in (other, *_above(other))]
    return bool(shared) and (shared[0] in (one, other) or any(_records(name, resolver) for name in shared))


def _agreement(where: str, other: str, resolver: NameServers) -> list[Finding]:
    name = f"{where}._report._dmarc.{other}"
    if any(text.lower().startswith("v=dmarc1") for text in resolver.texts(name)):
        return []
    text = _("DMARC reports go to %(other)s, which has not agreed to get them: it must publish a record.")
    return [Finding("warning", text, {"other": other}, DnsRecord(name, "TXT", "v=DMARC1"))]
