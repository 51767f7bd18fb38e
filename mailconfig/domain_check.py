"""Check of the sender's domain: whether receivers will believe mail from it that a server sends.

Questions go to name servers only, about names that receivers look up too; nobody else is told anything.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal

from django.utils.translation import gettext_lazy as _

from oauthconnections.bounded import run_bounded, run_together

from .alignment import check_alignment
from .bounces import check_bounces
from .detection import NO_DOMAIN, domain_of
from .dkim import DkimCheck, check_dkim
from .dmarc import DmarcCheck, check_dmarc
from .ehlo import check_name
from .findings import Finding
from .resolver import LookUpFailed, NameServers
from .reverse_dns import Resolver
from .sending_host import SendingHost, sending_host
from .spf_check import SpfCheck, check_spf

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

Topic = Literal["spf", "dkim", "dmarc", "alignment", "mx", "ehlo"]

SECONDS: Final = 10.0
TITLES: "Final[dict[Topic, _StrPromise]]" = {
    "spf": _("Who may send (SPF)"),
    "dkim": _("Signatures (DKIM)"),
    "dmarc": _("What receivers do with the rest (DMARC)"),
    "alignment": _("Proof of origin"),
    "mx": _("Answers and bounces (MX)"),
    "ehlo": _("Name of this site (EHLO)"),
}
UNKNOWN: Final = _("This could not be looked up, as the name servers did not answer. Try again later.")


@dataclass(frozen=True)
class Section:
    """The findings of one topic."""

    topic: Topic
    findings: tuple[Finding, ...]

    @property
    def title(self) -> str:
        return str(TITLES[self.topic])


@dataclass(frozen=True)
class DomainCheck:
    domain: str
    sections: tuple[Section, ...] = ()

    @property
    def findings(self) -> list[Finding]:
        return [finding for section in self.sections for finding in section.findings]

    @property
    def ok(self) -> bool:
        """Nothing to do, as far as could be looked up."""
        return all(finding.ok for finding in self.findings)


def check_domain(
    sender: str,
    server: str,
    *,
    resolver: NameServers | None = None,
    seconds: float = SECONDS,
    ehlo_name: str = "",
) -> DomainCheck:
    """What receivers will find when mail from the address `sender` comes through the host `server`.

    Takes no longer than `seconds`; never raises for what name servers do. Without `ehlo_name` that is left out.
    """
    domain = domain_of(sender)
    if not domain:
        return DomainCheck("", (Section("mx", (Finding("problem", NO_DOMAIN),)),))
    dns = (resolver or NameServers.from_settings()).within(seconds * 0.9)
    host = _sending_host(server, dns, seconds * 0.3)
    checks = _checks(domain, host, dns, seconds * 0.6, ehlo_name)
    results: list[Any] = run_together(checks, seconds * 0.65, lambda _error: None)
    return DomainCheck(domain, tuple(_sections(domain, host, *results)))


def _sending_host(server: str, dns: NameServers, seconds: float) -> SendingHost:
    try:
        return run_bounded(lambda: sending_host(server, dns), seconds)
    except (LookUpFailed, TimeoutError):
        return SendingHost(server, None)


def _checks(
    domain: str, host: SendingHost, dns: NameServers, seconds: float, ehlo_name: str
) -> list[Callable[[], Any]]:
    return [
        partial(check_spf, domain, host, dns),
        partial(check_dkim, domain, host.provider, dns, seconds),
        partial(check_dmarc, domain, dns),
        partial(check_bounces, domain, dns),
        partial(_name, ehlo_name, host, dns, seconds),
    ]


def _name(ehlo_name: str, host: SendingHost, dns: NameServers, seconds: float) -> list[Finding]:
    """Less important where a provider stands between: receivers see its name then."""
    if not ehlo_name:
        return []
    check = check_name(ehlo_name, seconds=seconds, resolver=Resolver(dns.names, dns.addresses))
    if not host.provider:
        return list(check.findings)
    return [finding if finding.ok else replace(finding, level="warning") for finding in check.findings]


def _sections(
    domain: str,
    host: SendingHost,
    spf: SpfCheck | None,
    dkim: DkimCheck | None,
    dmarc: DmarcCheck | None,
    bounces: list[Finding] | None,
    name: list[Finding] | None,
) -> Iterator[Section]:
    unknown = (Finding("warning", UNKNOWN),)
    yield Section("spf", spf.findings if spf else unknown)
    yield Section("dkim", dkim.findings if dkim else unknown)
    yield Section("dmarc", dmarc.findings if dmarc else unknown)
    if spf and dkim and dmarc:
        yield Section("alignment", (check_alignment(domain, host, spf, dkim, dmarc),))
    yield Section("mx", unknown if bounces is None else tuple(bounces))
    if name != []:
        yield Section("ehlo", tuple(name or unknown))
