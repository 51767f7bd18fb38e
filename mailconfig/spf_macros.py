"""Macros in the domains of SPF records, such as %{ir}.%{v}._spf.example.com (RFC 7208 section 7)."""

import re
from ipaddress import IPv6Address
from typing import Final
from urllib.parse import quote

from .host_names import IPAddress

LOCAL_PART: Final = "postmaster"
"""Stands for that of the sender, which is nobody's business here."""

_MACRO: Final = re.compile(r"%(?:([%_-])|\{([slodiphv])(\d*)(r?)([-.+,/_=]*)\})", re.IGNORECASE)
_LITERALS: Final = {"%": "%", "_": " ", "-": "%20"}
LONGEST: Final = 253


def expand(text: str, domain: str, sender_domain: str, address: IPAddress) -> str:
    """The domain that is meant, its first labels left out if it is too long (section 7.3)."""
    values = {
        "s": f"{LOCAL_PART}@{sender_domain}",
        "l": LOCAL_PART,
        "o": sender_domain,
        "d": domain,
        "i": _dotted(address),
        "p": "unknown",
        "v": "ip6" if address.version == 6 else "in-addr",
        "h": sender_domain,
    }
    expanded = _MACRO.sub(lambda match: _replacement(match, values), text)
    while len(expanded) > LONGEST and "." in expanded:
        expanded = expanded.partition(".")[2]
    return expanded


def _replacement(match: re.Match[str], values: dict[str, str]) -> str:
    if match[1]:
        return _LITERALS[match[1]]
    letter, digits, reverse, delimiters = match[2], match[3], match[4], match[5] or "."
    parts = re.split(f"[{re.escape(delimiters)}]", values[letter.lower()])
    if reverse:
        parts.reverse()
    kept = ".".join(parts[-int(digits) :] if digits and int(digits) else parts)
    return quote(kept) if letter.isupper() else kept


def _dotted(address: IPAddress) -> str:
    """IPv6 as its 32 digits with dots between."""
    return ".".join(address.exploded.replace(":", "")) if isinstance(address, IPv6Address) else str(address)
