"""What may be entered as server, text on one line or certificate: cleaned of pasting accidents, then checked."""

import ipaddress
import re
import ssl
import unicodedata
from typing import Final

from django.core.exceptions import ValidationError
from django.utils.encoding import punycode
from django.utils.translation import gettext_lazy as _

# Underscores are no part of host names (RFC 952) but common in the names of containers, and resolvers take them.
_LABEL: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.IGNORECASE)
_ZONE: Final = re.compile(r"[a-z0-9._-]+", re.IGNORECASE)  # of a link-local address: fe80::1%eth0
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def clean_host(value: str) -> str:
    """Without what comes along when a name is pasted: white space, the brackets of an IPv6 address, a last dot."""
    pasted = host = "".join(character for character in value if not _is_blank(character))
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1].removeprefix("IPv6:")
    return host.rstrip(".") or pasted  # what is left of "." would be no mistake any more


def _is_blank(character: str) -> bool:
    """White space, or of no width at all, such as web pages put in to break a long name."""
    return character.isspace() or unicodedata.category(character) == "Cf"


def validate_host(value: str) -> None:
    """Accept a host name (also an international one) or an IP address; say what else it looks like."""
    if "://" in value:
        raise ValidationError(
            _("Enter only the name of the server, without “%(scheme)s://”."), "scheme", _scheme(value)
        )
    if "@" in value:
        raise ValidationError(
            _("This is an e-mail address. Enter the name of the server, such as smtp.example.com."), "address"
        )
    if not _is_address(value):
        _validate_name(value)


def _scheme(value: str) -> dict[str, str]:
    return {"scheme": value.partition("://")[0]}


def _is_address(value: str) -> bool:
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    zone = getattr(address, "scope_id", None)  # Python takes any characters for one
    return zone is None or bool(_ZONE.fullmatch(zone))


def _validate_name(value: str) -> None:
    name, colon, port = value.rpartition(":")
    if colon and port.isdigit() and (":" not in name or name.endswith("]")):
        raise ValidationError(_("Enter the port %(port)s in its own field."), "port", {"port": port})
    try:
        labels = punycode(value).split(".")
    except UnicodeError:
        labels = [""]
    if len(value) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValidationError(_("This is not a valid server name or IP address."), "host")
    if labels[-1].isdigit():
        raise ValidationError(_("This is not a valid IP address: it needs four numbers from 0 to 255."), "host")


def validate_one_line(value: str) -> None:
    """Refuse line breaks and other control characters, which could become headers or commands (S-19)."""
    if _CONTROL.search(value):
        raise ValidationError(_("This must be on one line, without control characters."), "control")


def validate_ca_bundle(value: str) -> None:
    """Accept certificates in PEM form; a private key has no business here."""
    if "PRIVATE KEY-----" in value:
        raise ValidationError(_("This is a private key. Keep it secret, and enter the certificate instead."), "key")
    if "-----BEGIN CERTIFICATE-----" not in value:
        raise ValidationError(_("Enter a certificate in PEM form: it begins with -----BEGIN CERTIFICATE-----."), "pem")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=value)
    except (ssl.SSLError, TypeError) as error:  # TypeError: not ASCII
        raise ValidationError(
            _("This certificate can't be read. Copy all its lines, first and last included."), "pem"
        ) from error
