"""What is a host name or an IP address, and how either is written in EHLO (RFC 5321, 4.1.1.1 and 4.1.3)."""

import ipaddress
import re
from functools import lru_cache
from typing import Final

from django.utils.encoding import punycode

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_LABEL: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)", re.IGNORECASE)
_LITERAL: Final = re.compile(r"\[(?:IPv6:)?([0-9a-f.:]+)\]", re.IGNORECASE)


@lru_cache(maxsize=64)
def ehlo_argument(text: str) -> str:
    """The text as EHLO says it: a host name in ASCII or an address in brackets; empty if it is neither."""
    bracketed = _LITERAL.fullmatch(text)
    address = ip_address(bracketed[1] if bracketed else text)
    return address_literal(address) if address else host_name(text)


@lru_cache(maxsize=64)
def host_name(text: str) -> str:
    """The name in ASCII without the dot at its end; empty if it is no host name (also `a_b` and `1.2.3` are none)."""
    try:
        name = punycode(text).removesuffix(".")
    except UnicodeError:
        return ""
    labels = name.split(".")
    valid = len(name) <= 253 and all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()
    return name if valid else ""


def qualified_host_name(text: str) -> str:
    """As `host_name()`; empty also for a name without a domain, such as `localhost` or a container's id."""
    name = host_name(text)
    return name if "." in name else ""


def ip_address(text: str) -> IPAddress | None:
    """The address, or None; one with a zone (`fe80::1%eth0`) means nothing on another machine, so it is none."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return address
    return None if address.scope_id is not None else address.ipv4_mapped or address


def address_literal(address: IPAddress) -> str:
    return f"[{address}]" if address.version == 4 else f"[IPv6:{address}]"


def literal_address(argument: str) -> IPAddress | None:
    """The address that an EHLO argument consists of, if it is one in brackets."""
    bracketed = _LITERAL.fullmatch(argument)
    return ip_address(bracketed[1]) if bracketed else None
