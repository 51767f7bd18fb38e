"""What DNS, the domain's own file and experience say about where mail of a domain is handed in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from django.utils.translation import gettext_lazy as _

from oauthconnections.bounded import run_together

from . import autoconfig, spf
from .candidates import Candidate, note_of, of_provider, without_repetitions
from .findings import Sentence
from .known_providers import by_domain, by_exchanger, by_host, by_includes
from .provider import Provider, Security
from .resolver import Exchange, LookUpFailed, NameServers, Service

SUBMISSION: Final[tuple[tuple[int, Security], ...]] = ((465, "ssl"), (587, "starttls"))
RELAY: Final[tuple[int, Security]] = (25, "starttls")
GUESSED: Final = ("mail", "smtp")
MOST_EXCHANGERS: Final = 2

SILENT: Final = _("Not everything could be looked up, as the name servers did not answer. Try again later.")
NOT_OFFERED: Final = _("%(domain)s says in DNS that it has no server for sending mail (SRV record).")
NULL_MX: Final = _("%(domain)s says in DNS that it receives no mail, so answers and bounces can't arrive (null MX).")
NOT_FOUND: Final = _("%(domain)s has no mail server in DNS. Check the spelling of the address.")


@dataclass
class Proposal:
    """`certain` when there is nothing left to guess."""

    candidates: list[Candidate] = field(default_factory=list)
    notes: list[Sentence] = field(default_factory=list)
    certain: bool = False


def propose(domain: str, resolver: NameServers, seconds: float) -> Proposal:
    """Candidates in order of reliability, each way once; the machine's own relay last. Nobody has been connected to."""
    if provider := by_domain(domain):
        why = Sentence(_("%(domain)s is a domain of %(provider)s."), {"domain": domain, "provider": provider.name})
        return _complete(Proposal(of_provider(provider, "provider", why), certain=True))
    dns = resolver.within(seconds)
    sources: list[Callable[[], Proposal]] = [
        partial(source, domain, dns) for source in (_services, _exchangers, _included, _names)
    ]
    sources.append(partial(_autoconfig, domain, seconds * 0.9))
    found = run_together(sources, seconds, _nothing)
    certain = any(proposal.certain for proposal in found)
    candidates = [candidate for proposal in found for candidate in proposal.candidates]
    notes = [note for proposal in found for note in proposal.notes]
    kept = [candidate for candidate in candidates if not (certain and candidate.source in ("mx", "guess"))]
    return _complete(Proposal([*kept, _own_relay()], notes, certain))


def _complete(proposal: Proposal) -> Proposal:
    candidates = without_repetitions(proposal.candidates)
    notes = [*proposal.notes, *(candidate.note for candidate in candidates if candidate.note)]
    unique = {str(note): note for note in notes}
    return Proposal(candidates, list(unique.values()), proposal.certain)


def _nothing(error: OSError) -> Proposal:
    return Proposal(notes=[Sentence(SILENT)] if isinstance(error, LookUpFailed | TimeoutError) else [])


# --- what the domain says ---


def _services(domain: str, resolver: NameServers) -> Proposal:
    """SRV records: RFC 6186 for STARTTLS, RFC 8314 section 5.1 for TLS from the beginning."""
    secure = resolver.services(f"_submissions._tcp.{domain}")
    plain = resolver.services(f"_submission._tcp.{domain}")
    candidates = [_service(service, "ssl", domain) for service in secure if service.target]
    candidates += [_service(service, "starttls", domain) for service in plain if service.target]
    refused = bool(secure or plain) and not candidates
    notes = [Sentence(NOT_OFFERED, {"domain": domain})] if refused else []
    return Proposal(candidates, notes, certain=bool(secure or plain))


def _service(service: Service, security: Security, domain: str) -> Candidate:
    why = Sentence(_("%(domain)s names this server in DNS (SRV record)."), {"domain": domain})
    known = by_host(service.target)
    return Candidate(
        service.target,
        service.port,
        security,
        "srv",
        why,
        known.username if known else "address",  # RFC 6186 section 4: the full address first
        known.oauth if known else "",
        known.name if known else "",
        note_of(known) if known else None,
    )


def _autoconfig(domain: str, seconds: float) -> Proposal:
    why = Sentence(_("%(domain)s names this server in its file for mail programs (autoconfig)."), {"domain": domain})
    offers = autoconfig.ask(domain, seconds)
    candidates = []
    for offer in offers:
        known = by_host(offer.way.host)
        oauth = known.oauth if known and offer.oauth else ""
        name, note = (known.name, note_of(known)) if known else ("", None)
        candidates.append(Candidate(*offer.way, "autoconfig", why, offer.username, oauth, name, note))
    return Proposal(candidates, certain=bool(candidates))


def _included(domain: str, resolver: NameServers) -> Proposal:
    """Services that the domain lets send for it (SPF)."""
    records = [text for text in resolver.texts(domain) if spf.is_spf(text)]
    terms = [word.partition(":")[2] for record in records for word in record.split(" ") if ":" in word]
    why = _("%(domain)s lets %(provider)s send for it (SPF record).")
    candidates = [
        candidate
        for provider in by_includes(terms)
        for candidate in of_provider(provider, "spf", Sentence(why, {"domain": domain, "provider": provider.name}))
    ]
    return Proposal(candidates)


# --- what its mail exchangers tell ---


def _exchangers(domain: str, resolver: NameServers) -> Proposal:
    exchanges = resolver.exchanges(domain)
    if any(not exchange.host for exchange in exchanges):
        return Proposal(notes=[Sentence(NULL_MX, {"domain": domain})])
    if not exchanges and not resolver.addresses(domain):
        return Proposal(notes=[Sentence(NOT_FOUND, {"domain": domain})])
    providers = [provider for exchange in exchanges if (provider := by_exchanger(exchange.host))]
    if providers:
        return Proposal(_of_exchangers(domain, providers[0]), certain=True)
    return Proposal([candidate for exchange in exchanges[:MOST_EXCHANGERS] for candidate in _itself(domain, exchange)])


def _of_exchangers(domain: str, provider: Provider) -> list[Candidate]:
    why = _("The mail of %(domain)s is with %(provider)s (MX record).")
    return of_provider(provider, "provider", Sentence(why, {"domain": domain, "provider": provider.name}))


def _itself(domain: str, exchange: Exchange) -> list[Candidate]:
    text = _("This server receives the mail of %(domain)s and may also send it (MX record).")
    why = Sentence(text, {"domain": domain})
    return [Candidate(exchange.host, port, security, "mx", why, "address") for port, security in (*SUBMISSION, RELAY)]


def _names(domain: str, resolver: NameServers) -> Proposal:
    """Names that servers often have, where they exist."""
    why = Sentence(_("A guess: servers of a domain often have this name."))
    hosts = [f"{name}.{domain}" for name in GUESSED if resolver.addresses(f"{name}.{domain}")]
    return Proposal(
        [Candidate(host, port, security, "guess", why, "address") for host in hosts for port, security in SUBMISSION]
    )


def _own_relay() -> Candidate:
    why = Sentence(_("A mail server on this machine itself, if there is one."))
    return Candidate("localhost", 25, "none", "local", why)
