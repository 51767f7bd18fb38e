"""What receivers make of a domain's SPF record: check_host() of RFC 7208 section 4, by look-ups.

Own code, as no library fits: pyspf keeps its resolver in globals and has had no release since 2020; checkdmarc brings
25 packages (two HTTP clients among them) and asks web servers too.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal, TypeVar

from . import spf
from .host_names import IPAddress, host_name, ip_address
from .resolver import NameServers
from .spf_macros import expand

T = TypeVar("T")
Result = Literal["pass", "fail", "softfail", "neutral"]

MOST_LOOK_UPS: Final = 10
MOST_EMPTY: Final = 2
MOST_NAMES: Final = 10
"""Of one `mx` or `ptr`."""
RESULTS: Final[dict[str, Result]] = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}


class PermanentError(Exception):
    """Receivers can't use the record; `problem` is "syntax", "records", "missing", "look-ups", "empty" or "names"."""

    def __init__(self, problem: str, domain: str, detail: str = "") -> None:
        super().__init__(problem, domain, detail)
        self.problem, self.domain, self.detail = problem, domain, detail


def terms_of(domain: str, resolver: NameServers) -> list[spf.Term]:
    """Of the one record of a domain."""
    records = [text for text in resolver.texts(domain) if spf.is_spf(text)]
    if len(records) != 1:
        raise PermanentError("records" if records else "missing", domain)
    try:
        return spf.parse(records[0])
    except spf.SpfError as error:
        raise PermanentError("syntax", domain, str(error)) from error


# --- the whole record ---


@dataclass
class Walk:
    """All that a record refers to: how many look-ups that is, and which domains."""

    look_ups: int = 0
    included: set[str] = field(default_factory=set)


def walk(domain: str, resolver: NameServers) -> Walk:
    """Through all includes; raises PermanentError at the first that receivers would stumble over."""
    found = Walk()
    _walk(domain, resolver, found, 0)
    return found


def _walk(domain: str, resolver: NameServers, found: Walk, depth: int) -> None:
    for term in terms_of(domain, resolver):
        found.look_ups += term.name in spf.ASKING
        if depth > MOST_LOOK_UPS or found.look_ups > 5 * MOST_LOOK_UPS:  # an include of itself never ends
            raise PermanentError("look-ups", domain, str(found.look_ups))
        target = term.value.lower().rstrip(".")
        if term.name in ("include", "redirect") and "%" not in target:
            found.included.add(target)
            _walk(target, resolver, found, depth + 1)


# --- one address ---


class Evaluation:
    """Of mail from `domain`. An object is for one address, as the limits are."""

    def __init__(self, address: IPAddress, domain: str, resolver: NameServers) -> None:
        self._address = address
        self._sender_domain = domain
        self._resolver = resolver
        self._look_ups = 0
        self._empty = 0

    def result(self) -> Result:
        """Raises PermanentError where receivers would give up, LookUpFailed where nobody answers."""
        return self._check(self._sender_domain)

    def _check(self, domain: str) -> Result:
        terms = terms_of(domain, self._resolver)
        for term in terms:
            if term.name in spf.MECHANISMS and self._matches(term, domain):
                return RESULTS[term.qualifier]
        redirect = next((term for term in terms if term.name == "redirect"), None)
        if redirect is None or any(term.name == "all" for term in terms):
            return "neutral"
        self._count(domain)
        return self._check(self._target(redirect, domain))

    def _matches(self, term: spf.Term, domain: str) -> bool:
        if term.name == "all":
            return True
        if term.name in ("ip4", "ip6"):
            return self._address in ipaddress.ip_network(term.value)
        self._count(domain)
        target = self._target(term, domain)
        if term.name == "include":
            return self._check(target) == "pass"
        if term.name == "exists":
            return bool(self._noticed(self._resolver.addresses(target), domain))
        if term.name == "ptr":
            return self._has_name_under(target)
        return self._is_among(self._addresses(term, target, domain), term)

    def _target(self, term: spf.Term, domain: str) -> str:
        return expand(term.value, domain, self._sender_domain, self._address) if term.value else domain

    def _addresses(self, term: spf.Term, target: str, domain: str) -> Iterable[str]:
        if term.name == "a":
            return self._noticed(self._resolver.addresses(target), domain)
        exchanges = self._noticed(self._resolver.exchanges(target), domain)
        if len(exchanges) > MOST_NAMES:
            raise PermanentError("names", domain, term.text)
        return [address for exchange in exchanges for address in self._resolver.addresses(exchange.host)]

    def _is_among(self, addresses: Iterable[str], term: spf.Term) -> bool:
        length = term.lengths[self._address.version == 6]
        parsed = [address for text in addresses if (address := ip_address(text))]
        alike = [address for address in parsed if address.version == self._address.version]
        return any(self._address in ipaddress.ip_network(f"{address}/{length}", strict=False) for address in alike)

    def _has_name_under(self, domain: str) -> bool:
        """Section 5.5: a reverse name under the domain that leads back."""
        names = [name.lower() for name in self._resolver.names(str(self._address))[:MOST_NAMES] if host_name(name)]
        under = [name for name in names if name == domain.lower() or name.endswith(f".{domain.lower()}")]
        return any(str(self._address) in self._resolver.addresses(name) for name in under)

    def _count(self, domain: str) -> None:
        self._look_ups += 1
        if self._look_ups > MOST_LOOK_UPS:
            raise PermanentError("look-ups", domain, str(self._look_ups))

    def _noticed(self, found: list[T], domain: str) -> list[T]:
        self._empty += not found
        if self._empty > MOST_EMPTY:
            raise PermanentError("empty", domain)
        return found
