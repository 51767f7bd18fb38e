"""What a domain itself says about its mail servers in a file for Thunderbird and others (Mozilla autoconfig).

Only the domain is asked, over https: not Mozilla's database, and not by plain http, where anybody could answer. The
sender's address stays here: servers that want one are told postmaster's, which every domain has (RFC 5321 4.5.1).
"""

from typing import Final, NamedTuple
from urllib.parse import urljoin, urlsplit
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

from django.utils.module_loading import import_string

from oauthconnections.bounded import run_together
from oauthconnections.exceptions import OAuthError

from .host_names import host_name, ip_address
from .provider import Security, Username, Way

ADDRESSES: Final = (
    "https://autoconfig.{domain}/mail/config-v1.1.xml?emailaddress=postmaster%40{domain}",
    "https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
)
MOST_REDIRECTS: Final = 3

_SECURITIES: Final[dict[str, Security]] = {"ssl": "ssl", "starttls": "starttls", "plain": "none"}


class Offer(NamedTuple):
    """One outgoing server of the file."""

    way: Way
    username: Username
    oauth: bool


def ask(domain: str, seconds: float) -> list[Offer]:
    """What the first of the two files that exists says; nothing if none does."""

    def of(address: str) -> list[Offer]:
        return parse(fetch(address.format(domain=domain)), domain)

    tried = run_together([lambda: of(ADDRESSES[0]), lambda: of(ADDRESSES[1])], seconds, lambda _error: [])
    return next(filter(None, tried), [])


# --- the wire ---


def fetch(url: str) -> bytes:
    """What an https address holds; raises OSError. Bounded in time and size, as providers are (S-13)."""
    session = import_string("oauthconnections.http.session")  # loads `requests`, which only who detects settings needs
    try:
        with session() as asking:
            for _redirect in range(MOST_REDIRECTS + 1):
                _require_usual_port(url)
                response = asking.get(url, allow_redirects=False)
                if not response.is_redirect:
                    response.raise_for_status()
                    content: bytes = response.content
                    return content
                url = urljoin(url, response.headers["Location"])
    except (OAuthError, ValueError) as error:
        raise OSError(str(error)) from error
    raise OSError("too many redirects")


def _require_usual_port(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" or parts.port not in (None, 443):
        raise OSError("not the address of a public web server")


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
