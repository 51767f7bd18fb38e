"""SPF records as text: their terms, in RFC 7208's syntax, and how one is changed."""

import ipaddress
import re
from typing import Final, Literal, NamedTuple

Qualifier = Literal["+", "-", "~", "?"]

_TERM: Final = re.compile(r"([+~?-]?)([a-z][a-z0-9_.-]*)(?:([:=])(.*?))?((?:/\d+)?(?://\d+)?)", re.IGNORECASE)
_DOMAIN: Final = re.compile(r"(?:[\x21-\x24\x26-\x7e]|%%|%_|%-|%\{[slodiphcrtv]\d*r?[-.+,/_=]*\})+", re.IGNORECASE)
_LENGTHS: Final = re.compile(r"(?:/(\d{1,2}))?(?://(\d{1,3}))?")

WITH_DOMAIN: Final = {"include", "exists", "redirect", "exp"}
MAY_HAVE_DOMAIN: Final = {"a", "mx", "ptr"}
MECHANISMS: Final = WITH_DOMAIN - {"redirect", "exp"} | MAY_HAVE_DOMAIN | {"all", "ip4", "ip6"}
ASKING: Final = {"include", "a", "mx", "ptr", "exists", "redirect"}
"""The terms that count as look-ups (section 4.6.4)."""


class SpfError(ValueError):
    """The term that can't be read."""


class Term(NamedTuple):
    """A mechanism or modifier. `value` is its domain or network, `lengths` the CIDR lengths of `a` and `mx`."""

    text: str
    name: str
    qualifier: Qualifier = "+"
    value: str = ""
    lengths: tuple[int, int] = (32, 128)


def is_spf(text: str) -> bool:
    """Section 4.5: the version, then a space or the end."""
    return text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")


def parse(record: str) -> list[Term]:
    """The terms in their order; raises SpfError with the first that is wrong."""
    terms = [_term(word) for word in record.split(" ")[1:] if word]
    for modifier in ("redirect", "exp"):
        given = [term for term in terms if term.name == modifier]
        if len(given) > 1:
            raise SpfError(given[1].text)
    return terms


def _term(word: str) -> Term:
    match = _TERM.fullmatch(word)
    if not match:
        raise SpfError(word)
    qualifier, name, sign, value, lengths = match[1] or "+", match[2].lower(), match[3], match[4] or "", match[5]
    if sign == "=" and name not in MECHANISMS:
        return _modifier(word, name, value + lengths)
    if name not in MECHANISMS or sign == "=" or (sign and not value):
        raise SpfError(word)
    return _mechanism(word, Term(word, name, qualifier, value), lengths)  # type: ignore[arg-type]


def _modifier(word: str, name: str, value: str) -> Term:
    if word[0] in "+-~?" or (name in WITH_DOMAIN and not _DOMAIN.fullmatch(value)):
        raise SpfError(word)
    return Term(word, name, value=value)


def _mechanism(word: str, term: Term, lengths: str) -> Term:
    if term.name in ("ip4", "ip6"):
        return term._replace(value=_network(word, term.name, term.value + lengths))
    if term.name == "all" and (term.value or lengths):
        raise SpfError(word)
    if term.name not in ("a", "mx") and lengths:
        raise SpfError(word)
    if (term.name in WITH_DOMAIN or term.value) and not _DOMAIN.fullmatch(term.value):
        raise SpfError(word)
    return term._replace(lengths=_lengths(word, lengths))


def _lengths(word: str, text: str) -> tuple[int, int]:
    match = _LENGTHS.fullmatch(text)
    found = (int(match[1] or 32), int(match[2] or 128)) if match else (33, 129)
    if found[0] > 32 or found[1] > 128:
        raise SpfError(word)
    return found


def _network(word: str, name: str, text: str) -> str:
    kind = ipaddress.IPv4Network if name == "ip4" else ipaddress.IPv6Network
    if not re.fullmatch(r"[0-9a-f.:]+(/\d{1,3})?", text, re.IGNORECASE):  # Python takes netmasks too
        raise SpfError(word)
    try:
        return str(kind(text, strict=False))
    except ValueError:
        raise SpfError(word) from None


# --- changes ---


def with_mechanism(record: str, mechanism: str) -> str:
    """The record with one mechanism more, in front, where no `all` or error of another comes before it."""
    version, _space, terms = record.partition(" ")
    return " ".join(filter(None, [version, mechanism, terms.strip()]))


def merged(records: list[str]) -> str:
    """One record that lets all of them send; what is to happen with others is as the last `all` has it."""
    words = list(dict.fromkeys(word for record in records for word in record.split(" ")[1:] if word))
    ends = [word for word in words if word.lower().lstrip("+-~?") == "all"]
    redirects = [word for word in words if word.lower().startswith("redirect=")]
    includes = [f"include:{word.partition('=')[2]}" for word in redirects]
    kept = [word for word in words if word not in ends + redirects]
    return " ".join(["v=spf1", *kept, *includes, *(ends[-1:] or ["~all"])])
