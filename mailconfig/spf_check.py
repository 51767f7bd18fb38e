"""Whether a domain lets a server send for it (SPF, RFC 7208), and what it would have to publish."""

from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_lazy as _

from . import spf
from .findings import DnsRecord, Finding
from .host_names import ip_address
from .resolver import NameServers
from .sending_host import SendingHost
from .spf_evaluation import MOST_LOOK_UPS, Evaluation, PermanentError, Walk, walk

PROBLEMS: Final = {
    "syntax": _("The SPF record of %(domain)s can't be read: “%(detail)s” is not allowed there. Correct it."),
    "records": _("%(domain)s has several SPF records, and receivers then use none. Join them in one."),
    "missing": _("The SPF record refers to %(domain)s, which has none, so receivers can't use it. Remove that part."),
    "look-ups": _(
        "The SPF record needs more than 10 look-ups, and receivers give up at the tenth. Remove what is not used."
    ),
    "empty": _("The SPF record refers to more than 2 names that do not exist. Remove those."),
    "names": _("“%(detail)s” in the SPF record of %(domain)s stands for more than 10 servers. List them otherwise."),
}


@dataclass(frozen=True)
class SpfCheck:
    """`covers`: whether the record lets the server send; None if that can't be told."""

    findings: tuple[Finding, ...]
    covers: bool | None


def check_spf(domain: str, server: SendingHost, resolver: NameServers) -> SpfCheck:
    """Raises LookUpFailed."""
    records = [text for text in resolver.texts(domain) if spf.is_spf(text)]
    if not records:
        return SpfCheck((_missing(domain, server, resolver),), covers=False)
    if len(records) > 1:
        record = DnsRecord(domain, "TXT", spf.merged(records), " + ".join(records))
        return SpfCheck((Finding("problem", PROBLEMS["records"], {"domain": domain}, record),), covers=False)
    return _check_record(domain, records[0], server, resolver)


def _missing(domain: str, server: SendingHost, resolver: NameServers) -> Finding:
    text = _("%(domain)s has no SPF record, so receivers can't tell who may send for it. Publish one.")
    mechanism = _mechanism(server, resolver)
    record = DnsRecord(domain, "TXT", f"v=spf1 {mechanism} ~all") if mechanism else None
    return Finding("problem", text, {"domain": domain}, record)


def _check_record(domain: str, record: str, server: SendingHost, resolver: NameServers) -> SpfCheck:
    try:
        found = walk(domain, resolver)
        if found.look_ups > MOST_LOOK_UPS:
            raise PermanentError("look-ups", domain)
        terms = spf.parse(record)
        end = _end(domain, record, terms)
        covering, covers = _coverage(domain, record, server, resolver, found)
        return SpfCheck((*_old_parts(terms), *end, covering), covers)
    except PermanentError as error:
        values = {"domain": error.domain, "detail": error.detail}
        return SpfCheck((Finding("problem", PROBLEMS[error.problem], values),), covers=False)


def _end(domain: str, record: str, terms: list[spf.Term]) -> list[Finding]:
    """What becomes of mail from everywhere else."""
    last = next((term for term in terms if term.name == "all"), None)
    if last is None and any(term.name == "redirect" for term in terms):
        return []
    others = " ".join(word for word in record.split(" ") if word and word.lower().lstrip("+-~?") != "all")
    better = DnsRecord(domain, "TXT", f"{others} ~all", record)
    if last and last.qualifier == "+":
        text = _("The SPF record lets everybody send for %(domain)s (“+all”). End it with “~all” or “-all”.")
        return [Finding("problem", text, {"domain": domain}, better)]
    if last is None or last.qualifier == "?":
        text = _("The SPF record does not say what becomes of mail from elsewhere. End it with “~all” or “-all”.")
        return [Finding("warning", text, {}, better)]
    return []


def _old_parts(terms: list[spf.Term]) -> list[Finding]:
    if any(term.name == "ptr" for term in terms):
        text = _("“ptr” in the SPF record is not to be used any more: it is slow, and some receivers ignore it.")
        return [Finding("warning", text)]
    return []


# --- the server ---


def _coverage(
    domain: str, record: str, server: SendingHost, resolver: NameServers, found: Walk
) -> tuple[Finding, bool | None]:
    provider = server.provider
    if provider and provider.spf in found.included:
        text = _("The SPF record lets %(provider)s send for %(domain)s.")
        return Finding("ok", text, {"provider": provider.name, "domain": domain}), True
    if provider and provider.own_envelope:
        text = _("%(provider)s uses a return address of its own, so the SPF record of %(domain)s need not name it.")
        return Finding("ok", text, {"provider": provider.name, "domain": domain}), None
    if provider and provider.spf:
        text = _("The SPF record of %(domain)s does not let %(provider)s send. Add what is missing.")
        record_to_publish = _extended(domain, record, server, resolver, found)
        return Finding("problem", text, {"provider": provider.name, "domain": domain}, record_to_publish), False
    return _coverage_of_addresses(domain, record, server, resolver, found)


def _coverage_of_addresses(
    domain: str, record: str, server: SendingHost, resolver: NameServers, found: Walk
) -> tuple[Finding, bool | None]:
    values = {"domain": domain, "host": server.host}
    if not server.addresses:
        text = _("From which address mail through %(host)s leaves is not known, so the SPF record can't be compared.")
        return Finding("warning", text, values), None
    refused = [a for a in server.addresses if Evaluation(a, domain, resolver).result() != "pass"]
    values["addresses"] = ", ".join(map(str, refused or server.addresses))
    if not refused:
        return Finding("ok", _("The SPF record lets %(host)s (%(addresses)s) send for %(domain)s."), values), True
    extended = _extended(domain, record, server, resolver, found)
    if server.inside:
        text = _("The SPF record of %(domain)s does not let this site's address (%(addresses)s) send.")
        return Finding("problem", text, values, extended), False
    text = _(
        "The SPF record of %(domain)s does not let %(host)s (%(addresses)s) send. "
        "That is right only if mail leaves from other addresses than one hands it in at."
    )
    return Finding("warning", text, values, extended), False


def _extended(domain: str, record: str, server: SendingHost, resolver: NameServers, found: Walk) -> DnsRecord | None:
    mechanism = _mechanism(server, resolver, may_ask=found.look_ups < MOST_LOOK_UPS)
    return DnsRecord(domain, "TXT", spf.with_mechanism(record, mechanism), record) if mechanism else None


def _mechanism(server: SendingHost, resolver: NameServers, *, may_ask: bool = True) -> str:
    """What lets the server send; nothing for a provider whose include does not exist (any more)."""
    if server.provider:
        include = server.provider.spf
        exists = include and any(spf.is_spf(text) for text in resolver.texts(include))
        return f"include:{include}" if exists else ""
    if may_ask and server.addresses and not server.inside and not ip_address(server.host):
        return f"a:{server.host}"
    return " ".join(f"ip{address.version}:{address}" for address in server.addresses)
