"""The server, port and security that well-known providers want of everybody."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from oauthconnections.models import OAuthConnection, ProviderKind


@dataclass(frozen=True)
class Preset:
    """Fields of a mail server that a provider has decided."""

    host: str
    port: int = 587
    security: str = "starttls"


_PRESETS: Final[dict[str, dict[str, Preset]]] = {
    ProviderKind.MICROSOFT: {
        "": Preset("smtp.office365.com"),
        "login.microsoftonline.com": Preset("smtp.office365.com"),
        "login.microsoftonline.us": Preset("smtp.office365.us"),
        "login.chinacloudapi.cn": Preset("smtp.partner.outlook.cn"),
        "login.partner.microsoftonline.cn": Preset("smtp.partner.outlook.cn"),
    },
    ProviderKind.GOOGLE: {"": Preset("smtp.gmail.com"), "accounts.google.com": Preset("smtp.gmail.com")},
}
"""By provider and the host of its authority."""


def preset_of(connection: OAuthConnection | None) -> Preset | None:
    """What is decided for the mail of a connection's accounts; None where the administrator enters it.

    Endpoints of somebody's own belong to a provider of somebody's own: nothing is known of its mail server.
    """
    if connection is None or connection.authorize_url or connection.token_url:
        return None
    return _PRESETS.get(connection.provider, {}).get(_host(connection.authority))


def _host(authority: str) -> str:
    """ "" if there is none; with or without scheme and path."""
    address = authority.strip()
    try:
        return urlsplit(address if "://" in address else f"//{address}").hostname or address
    except ValueError:
        return address
