"""What a test tells of a connection that works: its encryption, the server's offers, what the token says of itself."""

import ssl
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, Final

from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .server_certificate import ServerCertificate, read
from .steps import Fact

_CLAIMS: Final = (
    (
        gettext_lazy("Token of"),
        ("upn", "preferred_username", "unique_name", "email", "app_displayname", "appid", "sub"),
    ),
    (gettext_lazy("Tenant"), ("tid",)),
    (gettext_lazy("Audience"), ("aud",)),
    (gettext_lazy("Scopes"), ("scp", "scope")),
    (gettext_lazy("Roles"), ("roles",)),
    (gettext_lazy("Token ends"), ("exp",)),
)
"""What a person may see of a token, each from the first claim that is there."""

MICROSOFT: Final = ("*.office365.com", "*.office365.us", "*.outlook.com", "*.outlook.cn")
_NEEDED: Final = gettext_lazy("https://outlook.office.com, with the scope SMTP.Send or the role SMTP.SendAsApp")


def facts_of_encryption(sock: ssl.SSLSocket) -> tuple[ServerCertificate | None, list[Fact]]:
    shown = sock.getpeercert(binary_form=True)
    certificate = read(shown) if shown else None
    name, _protocol, bits = sock.cipher() or ("", "", 0)
    facts = [Fact(_("Protocol"), sock.version() or ""), Fact(_("Cipher"), f"{name}, {bits} bit")]
    return certificate, [*facts, *facts_of_certificate(certificate)]


def facts_of_certificate(certificate: ServerCertificate | None) -> list[Fact]:
    return [Fact(*known) for known in certificate.described()] if certificate else []


def facts_of_greeting(banner: bytes, ehlo_name: str, features: Mapping[str, str]) -> list[Fact]:
    offers = [f"{keyword.upper()} {value}".strip() for keyword, value in sorted(features.items())]
    return [
        Fact(_("Greeting of the server"), " ".join(banner.decode(errors="replace").split())),
        Fact(_("Name said in EHLO"), ehlo_name),
        Fact(_("Extensions"), ", ".join(offers) or _("none")),
    ]


def facts_of_login(host: str, offered: Sequence[str], used: str, claims: Mapping[str, Any]) -> list[Fact]:
    facts = [Fact(_("Mechanisms offered"), ", ".join(offered) or _("none"))]
    if used:
        facts.append(Fact(_("Mechanism used"), used))
    if claims and is_microsoft(host):
        facts.append(Fact(_("This server needs a token for"), str(_NEEDED)))
    return [*facts, *_facts_of_token(claims)]


def is_microsoft(host: str) -> bool:
    return any(fnmatchcase(host.lower(), pattern) for pattern in MICROSOFT)


def claims_of(token: str) -> dict[str, Any]:
    """Nothing for a token that only its provider can read, such as Google's."""
    claims: dict[str, Any] = import_string("oauthconnections.id_tokens.unverified_claims")(token)
    return claims


def _facts_of_token(claims: Mapping[str, Any]) -> list[Fact]:
    known = ((str(label), _first(claims, names)) for label, names in _CLAIMS)
    return [Fact(label, value) for label, value in known if value]


def _first(claims: Mapping[str, Any], names: Sequence[str]) -> str:
    name = next((name for name in names if claims.get(name)), "")
    value = claims.get(name, "")
    if name == "exp":
        return _time(value)
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)[:500]


def _time(value: Any) -> str:
    try:
        return datetime.fromtimestamp(int(value), UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (TypeError, ValueError, OverflowError, OSError):
        return ""
