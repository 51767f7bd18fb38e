"""What an external visible URL may look like, and the model field that holds it in one spelling."""

import ipaddress
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    _CharField = models.CharField[str, str]
else:
    _CharField = models.CharField

USUAL_PORTS: Final = {"http": 80, "https": 443}
_LABEL: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
_PATH: Final = re.compile(r"(/([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)*")
_OTHER_SCHEME: Final = re.compile(r"(?!https?:)[a-z][a-z0-9+.-]*:(?!\d)", re.IGNORECASE)


class ExternalURLField(_CharField):
    """An address as `normalized` spells it, or nothing."""

    def to_python(self, value: Any) -> Any:
        return normalized(value) if isinstance(value, str) else super().to_python(value)


def normalized(typed: str) -> str:
    """The one spelling of an address; ValidationError if it can't be one.

    Without what comes along when it is pasted (spaces around, line breaks) and without the slash at the end; the host
    in lower case and ASCII, as providers and mail servers compare it; without the usual port.
    """
    text = re.sub(r"[\r\n\t]", "", typed.strip())
    if not text:
        return ""
    url = _split(text)
    _refuse_parts(text, url)
    host, port = _host(url), _port(url)
    shown_port = "" if port in (None, USUAL_PORTS[url.scheme]) else f":{port}"
    return f"{url.scheme}://{host}{shown_port}{_path(url)}"


def _split(text: str) -> SplitResult:
    if _OTHER_SCHEME.match(text):
        raise ValidationError(_("The address must begin with https:// (or http://)."), "scheme")
    if not re.match(r"https?://", text, re.IGNORECASE):
        raise ValidationError(
            _("The address must begin with https://. Did you mean https://%(address)s?"),
            "no_scheme",
            {"address": re.sub(r"^https?:", "", text, flags=re.IGNORECASE).lstrip("/")},
        )
    try:
        return urlsplit(text)
    except ValueError as error:
        raise _invalid_host() from error


def _refuse_parts(text: str, url: SplitResult) -> None:
    if "@" in url.netloc:
        raise ValidationError(_("Leave out user name and password: everybody sees this address."), "userinfo")
    if "?" in text:
        raise ValidationError(_("Leave out the question mark and what follows it."), "query")
    if "#" in text:
        raise ValidationError(_("Leave out the “#” and what follows it."), "fragment")


def _port(url: SplitResult) -> int | None:
    try:
        port = url.port
    except ValueError:
        port = 0
    if port == 0 or url.netloc.endswith(":"):
        raise ValidationError(_("The port, after the colon, must be a number from 1 to 65535."), "port")
    return port


def _path(url: SplitResult) -> str:
    path = url.path.rstrip("/")
    if not _PATH.fullmatch(path) or {".", ".."} & set(path.split("/")):
        raise ValidationError(
            _("The part after the host has characters that an address can't have. Copy it from the browser."), "path"
        )
    return path


def _host(url: SplitResult) -> str:
    host = url.hostname or ""
    if url.netloc.startswith("["):
        return f"[{_ip_address(host, ipaddress.IPv6Address)}]"
    name = _ascii(host).removesuffix(".")
    if name.rpartition(".")[2].isdecimal():  # no top-level domain is a number
        return _ip_address(name, ipaddress.IPv4Address)
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise _invalid_host()
    return name


def _ip_address(host: str, kind: type[ipaddress.IPv4Address | ipaddress.IPv6Address]) -> str:
    try:
        address = str(kind(host))
    except ValueError as error:
        raise _invalid_host() from error
    if "%" in address:  # the zone of a link-local address means something on one machine only
        raise _invalid_host()
    return address


def _ascii(host: str) -> str:
    if host.isascii():
        return host
    import idna  # on first use: its tables are large, and few names need them

    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise _invalid_host() from error


def _invalid_host() -> ValidationError:
    return ValidationError(
        _("The host is not a valid name or IP address. Write the address as in https://www.example.com."), "host"
    )


def is_locked() -> bool:
    """Whether the setting EXTERNAL_URL decides, so that the saved address doesn't count."""
    return bool(_setting().strip())


def locked_url() -> str:
    """What EXTERNAL_URL says; ValidationError if it is no address."""
    return normalized(_setting())


def _setting() -> str:
    return str(getattr(settings, "EXTERNAL_URL", None) or "")


def address_notes(url: str, opened_as: str) -> list[str]:
    """What a person should know who looks at the saved address in a browser that came by another."""
    notes = []
    values = {"opened": opened_as, "url": url}
    if not url:
        notes.append(gettext("No address is known yet. You opened this page as %(opened)s.") % values)
    elif url != opened_as:
        notes.append(
            gettext(
                "You opened this page as %(opened)s; the external visible URL is %(url)s. "
                "If people don't reach this site under that address, signing in at a provider won't come back here."
            )
            % values
        )
    if url.startswith("http://"):
        notes.append(gettext("Most providers accept only an address that begins with https://."))
    return notes
