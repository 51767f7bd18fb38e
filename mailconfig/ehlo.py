"""The name by which this site introduces itself to mail servers (EHLO), and whether they will like it."""

from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.mail.utils import DNS_NAME
from django.utils.translation import gettext_lazy as _

from oauthconnections.bounded import run_bounded

from . import public_address
from .findings import NO_ANSWER, Finding
from .host_names import IPAddress, ehlo_argument, host_name, ip_address, literal_address, qualified_host_name
from .resolver import LookUpFailed
from .reverse_dns import SYSTEM, Resolver, addresses_of, confirmed_names

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

LAST_RESORT: Final = "[127.0.0.1]"
"""Servers that refuse `localhost` and names without a domain take this, and smtplib says it too."""
LOOK_UP_LIMIT: Final = 5.0


def name(source: str, custom: str, external_url: str) -> str:
    """What to say in EHLO; always valid there (S-19), whatever was stored. Only `public_address` may ask somebody."""
    if source == "public_address":
        chosen = public_address.determine().name
    elif source == "custom":
        chosen = custom.strip()
    else:
        chosen = _host(external_url)
    return ehlo_argument(chosen) or fallback()


def fallback() -> str:
    """This machine's own full name; Django remembers it, as finding it may take seconds."""
    try:
        find_own_name()
        return qualified_host_name(DNS_NAME.get_fqdn()) or LAST_RESORT
    except (OSError, UnicodeError):
        return LAST_RESORT


@cache
def find_own_name() -> None:
    """Only the first time needs a thread that may be late; what is raised is not cached."""
    run_bounded(DNS_NAME.get_fqdn, LOOK_UP_LIMIT)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


# --- a name that somebody typed ---


def clean_ehlo_name(value: str) -> str:
    """As it will be said: without spaces around, an international name in ASCII, an address in brackets."""
    argument = ehlo_argument(value.strip())
    if not argument:
        raise ValidationError(_why_not(value), "ehlo_name")
    return argument


def validate_ehlo_name(value: str) -> None:
    """Accept a host name or an IP address, with or without brackets."""
    clean_ehlo_name(value)


def _why_not(value: str) -> "_StrPromise":
    if "://" in value or "/" in value:
        return _("Enter only the name, such as mail.example.com, without “https://” and without a path.")
    if "@" in value:
        return _("This is an e-mail address. Enter the name of this site, such as mail.example.com.")
    if "_" in value:
        return _("This is not a valid host name: mail servers refuse names with an underscore.")
    return _("This is not a host name such as mail.example.com, nor an IP address such as 192.0.2.1 or 2001:db8::1.")


# --- whether others will believe it ---


class NameCheck(NamedTuple):
    """What spam filters look at in a name; `ok` if they will find nothing."""

    name: str
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        return all(finding.ok for finding in self.findings)


def check_name(name: str, *, seconds: float = LOOK_UP_LIMIT, resolver: Resolver = SYSTEM) -> NameCheck:
    """Look the name up as a mail server would. Asks name servers, so only when a person wants it."""
    known = public_address.state()
    public = ip_address(known.address) if known else None
    try:
        found = run_bounded(lambda: _look_up(name, public, resolver), seconds)
    except (TimeoutError, LookUpFailed):
        found = [Finding("problem", NO_ANSWER)]
    return NameCheck(name, (_qualified(name), *found))


def _qualified(name: str) -> Finding:
    if literal_address(name):
        text = _("%(name)s is an address, not a name. Mail servers accept it, but spam filters trust a name more.")
        return Finding("ok", text, {"name": name})
    if qualified_host_name(name):
        return Finding("ok", _("%(name)s is a full name with a domain."), {"name": name})
    text = _("%(name)s has no domain, and many servers refuse that. Choose a full name such as mail.example.com.")
    return Finding("problem", text, {"name": name})


def _look_up(name: str, public: IPAddress | None, resolver: Resolver) -> list[Finding]:
    if literal := literal_address(name):
        return [_reverse_of_literal(literal, resolver)]
    addresses = addresses_of(name, resolver) if host_name(name) else []
    if not addresses:
        text = _("%(name)s is not found in DNS, and many servers refuse that. Enter it there, or choose another name.")
        return [Finding("problem", text, {"name": name})]
    return [_forward(name, addresses, public), _reverse(name, public, addresses, resolver)]


def _forward(name: str, addresses: list[IPAddress], public: IPAddress | None) -> Finding:
    values = {"name": name, "addresses": ", ".join(map(str, addresses)), "public": str(public)}
    if public and public not in addresses:
        text = _("%(name)s belongs to %(addresses)s, but this site is seen from outside as %(public)s.")
        return Finding("problem", text, values)
    return Finding("ok", _("%(name)s is found in DNS: %(addresses)s."), values)


def _reverse(name: str, public: IPAddress | None, addresses: list[IPAddress], resolver: Resolver) -> Finding:
    """Of the public address, if it is known: that is where mail comes from. Else any of the name's own will do."""
    looked_at = [public] if public else addresses
    for address in looked_at:
        names = [qualified_host_name(found).lower() for found in resolver.names(str(address))]
        if name.lower() in names:
            text = _("The reverse name of %(address)s is %(name)s, as it should be.")
            return Finding("ok", text, {"address": str(address), "name": name})
    text = _(
        "The reverse name of %(address)s is not %(name)s, which makes mail look like spam. "
        "Whoever gave you the address can set its reverse name."
    )
    return Finding("problem", text, {"address": ", ".join(map(str, looked_at)), "name": name})


def _reverse_of_literal(address: IPAddress, resolver: Resolver) -> Finding:
    if not address.is_global:
        text = _("%(address)s is an address inside your network, so servers outside can't check it.")
        return Finding("ok", text, {"address": str(address)})
    if names := confirmed_names(address, resolver):
        text = _("%(address)s has the name %(name)s. Choose it as a custom name.")
        return Finding("problem", text, {"address": str(address), "name": names[0]})
    text = _(
        "%(address)s has no name that leads back to it, which makes mail look like spam. "
        "Whoever gave you the address can set its reverse name."
    )
    return Finding("problem", text, {"address": str(address)})
