"""Which addresses this site talks to when it talks to providers, and which never (S-13)."""

import ipaddress
from typing import Final
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from .exceptions import UnsafeAddress

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

METADATA_SERVICES: Final = {
    ipaddress.ip_address(address)
    for address in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254")
}
"""Where clouds tell a machine its secrets, beside the link-local addresses."""

TRANSLATING: Final = ipaddress.ip_network("64:ff9b::/96")
"""Addresses that end in the one of IPv4 which is meant (RFC 6052)."""


def refuse_unsafe(url: str) -> None:
    """Raise UnsafeAddress unless the address may be talked to, as far as its text tells."""
    parts = _split(url)
    host = _hostname(parts)
    if not host or parts.username is not None or parts.password is not None:
        raise _unsafe(url, _("It is not an address such as https://login.example.com/token."))
    if parts.scheme != "https" and not (parts.scheme == "http" and _may_be_open(host)):
        raise _unsafe(url, _("It must begin with https://."))
    if is_forbidden(host):
        raise _unsafe(url, _("It is an address inside the machine's own surroundings."))


def refuse_dialled(url: str, address: str, *, encrypted: bool) -> None:
    """Raise UnsafeAddress unless the address to which the name led may be talked to."""
    if is_forbidden(address) or not (encrypted or is_loopback(address)):
        raise _unsafe(url, _("Its name leads to %(address)s.") % {"address": address})


def validate_endpoint(url: str) -> None:
    """For forms: ValidationError where the address is one that will not be talked to."""
    try:
        refuse_unsafe(url)
    except UnsafeAddress as error:
        raise ValidationError(str(error), "unsafe") from error


def is_loopback(host: str) -> bool:
    """Whether the host can be nothing but this machine, so that nobody can listen or answer in its stead."""
    address = _ip_address(host)
    return address.is_loopback if address else host == "localhost"


def is_forbidden(host: str) -> bool:
    """Whether it is an address (not a name) that belongs to the machine's surroundings alone."""
    address = _ip_address(host)
    return address is not None and (address.is_link_local or address in METADATA_SERVICES)


def shown(url: str) -> str:
    """The address without its query, user name and password: those might be secrets."""
    parts = _split(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.netloc else _("this address")


def host_of(url: str) -> str:
    return _hostname(_split(url)) or _("The provider")


def _may_be_open(host: str) -> bool:
    return bool(settings.DEBUG) and is_loopback(host)


def _ip_address(host: str) -> IPAddress | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return address
    translated = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in TRANSLATING else None
    return address.ipv4_mapped or translated or address


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def _hostname(parts: SplitResult) -> str:
    try:
        return "" if parts.port == 0 else parts.hostname or ""
    except ValueError:  # the port is no number
        return ""


def _unsafe(url: str, reason: str) -> UnsafeAddress:
    return UnsafeAddress(url=shown(url), reason=reason)
