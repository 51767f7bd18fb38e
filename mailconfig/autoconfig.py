"""What a domain itself says about its mail servers in a file for Thunderbird and others (Mozilla autoconfig).

Only the domain is asked, over https: not Mozilla's database, and not by plain http, where anybody could answer. The
sender's address stays here: servers that want one are told postmaster's, which every domain has (RFC 5321 4.5.1).
"""

import socket
import time
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urljoin, urlsplit
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from .bounded import run_together
from .host_names import host_name, ip_address, is_off_limits
from .provider import Security, Username, Way

if TYPE_CHECKING:
    from requests import Response

ADDRESSES: Final = (
    "https://autoconfig.{domain}/mail/config-v1.1.xml?emailaddress=postmaster%40{domain}",
    "https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
)
MOST_BYTES: Final = 64 * 1024
MOST_REDIRECTS: Final = 3
PIECE: Final = 64
"""Bytes between two looks at the clock: a server may drip, and nobody ends the thread that listens to it."""

_SECURITIES: Final[dict[str, Security]] = {"ssl": "ssl", "starttls": "starttls", "plain": "none"}


class Offer(NamedTuple):
    """One outgoing server of the file."""

    way: Way
    username: Username
    oauth: bool


def ask(domain: str, seconds: float) -> list[Offer]:
    """What the first of the two files that exists says; nothing if none does."""

    def of(address: str) -> list[Offer]:
        return parse(fetch(address.format(domain=domain), seconds), domain)

    tried = run_together([lambda: of(ADDRESSES[0]), lambda: of(ADDRESSES[1])], seconds, lambda _error: [])
    return next(filter(None, tried), [])


# --- the wire ---


def fetch(url: str, seconds: float) -> bytes:
    """What an https address holds, at most MOST_BYTES; raises OSError. Each wait is bounded, not the whole."""
    # Imported here as it takes 0.1 s, and only who detects settings needs it.
    from requests import Session
    from urllib3.exceptions import HTTPError

    try:
        with Session() as session:
            session.auth = lambda request: request  # else a password in ~/.netrc may go along
            session.headers["Accept-Encoding"] = "identity"
            for _redirect in range(MOST_REDIRECTS + 1):
                _require_safe(url)
                with session.get(url, timeout=seconds, stream=True, allow_redirects=False) as response:
                    if not response.is_redirect:
                        response.raise_for_status()
                        return _read(response, time.monotonic() + seconds)
                    url = urljoin(url, response.headers["Location"])
    except (HTTPError, ValueError) as error:
        raise OSError(str(error)) from error
    raise OSError("too many redirects")


def _read(response: "Response", deadline: float) -> bytes:
    content = b""
    while len(content) < MOST_BYTES and (piece := response.raw.read(PIECE, decode_content=False)):
        content += piece
        if time.monotonic() > deadline:
            raise TimeoutError("timed out")
    return content


def _require_safe(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.port not in (None, 443):
        raise OSError("not an https address")
    # The certificate is checked against the name, so an answer that changes between here and there gains nothing.
    if any(is_off_limits(str(entry[4][0])) for entry in socket.getaddrinfo(parts.hostname, 443)):
        raise OSError("an address that is never asked")


# --- the file ---


class _WithoutDoctype(TreeBuilder):
    """With no document type there are no entities, so none that grow or fetch: that makes Python's parser a safe one.

    defusedxml would do the same by one more dependency.
    """

    def doctype(self, _name: str, _public: str | None, _system: str | None) -> None:
        raise ParseError("a document type")


def parse(content: bytes, domain: str) -> list[Offer]:
    """The SMTP servers of a file that can be used, in its order; nothing of what is no such file."""
    parser = XMLParser(target=_WithoutDoctype())  # noqa: S314
    try:
        parser.feed(content)
        root = parser.close()
    except (ParseError, ValueError, LookupError):  # LookupError: an unknown encoding
        return []
    servers = root.iterfind("emailProvider/outgoingServer[@type='smtp']")
    return [offer for server in servers if (offer := _offer(server, domain))]


def _offer(server: Element, domain: str) -> Offer | None:
    host = host_name(_text(server, "hostname").replace("%EMAILDOMAIN%", domain)).lower()
    port = _text(server, "port")
    security = _SECURITIES.get(_text(server, "socketType").lower())
    if not host or ip_address(host) or security is None or not port.isascii() or not port.isdigit() or len(port) > 5:
        return None
    methods = {(method.text or "").strip().lower() for method in server.iterfind("authentication")}
    return Offer(Way(host, int(port), security), _username(_text(server, "username"), domain), "oauth2" in methods)


def _text(server: Element, name: str) -> str:
    return (server.findtext(name) or "").strip()


def _username(pattern: str, domain: str) -> Username:
    forms: dict[str, Username] = {
        "%EMAILADDRESS%": "address",
        "%EMAILLOCALPART%@%EMAILDOMAIN%": "address",
        f"postmaster@{domain}": "address",
        "%EMAILLOCALPART%": "local_part",
        "postmaster": "local_part",
    }
    return forms.get(pattern, "other" if pattern else "")
