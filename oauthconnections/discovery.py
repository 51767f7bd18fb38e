"""What an issuer says of itself (OpenID Connect Discovery 1.0), and where it keeps its keys."""

import time
from typing import Any, Final

from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from .endpoints import host_of, refuse_unsafe
from .exceptions import ProviderUnavailable
from .models import OAuthConnection

WELL_KNOWN: Final = "/.well-known/openid-configuration"
REQUIRED: Final = ("authorization_endpoint", "token_endpoint")
ENDPOINTS: Final = (*REQUIRED, "jwks_uri", "userinfo_endpoint", "revocation_endpoint")
AN_HOUR: Final = 3600

_documents: Final[dict[str, tuple[float, dict[str, Any]]]] = {}


def discover(issuer: str, at_most: float = 0) -> dict[str, Any]:
    """The document of an issuer, asked for now; ProviderUnavailable or UnsafeAddress if it is not usable."""
    url = _without_slash(issuer) + WELL_KNOWN
    document = document_of(url, at_most)
    if not _is_same(document.get("issuer"), issuer):
        raise _unusable(url, _("It calls itself %(issuer)s.") % {"issuer": str(document.get("issuer"))[:200]})
    for name in REQUIRED:
        if name not in document:
            raise _unusable(url, _("Its description has no %(name)s.") % {"name": name})
    for name in ENDPOINTS:
        if name in document:
            refuse_unsafe(str(document[name]))
    return document


def metadata_of(connection: OAuthConnection) -> dict[str, Any]:
    """What was stored with the connection; if that isn't of this issuer, what the issuer says (asked once an hour)."""
    stored: dict[str, Any] = connection.metadata
    return stored if _is_same(stored.get("issuer"), connection.issuer) else discover(connection.issuer, AN_HOUR)


def document_of(url: str, at_most: float = AN_HOUR) -> dict[str, Any]:
    """A JSON document, not older than `at_most` seconds."""
    when, document = _documents.get(url, (0.0, {}))
    if not document or time.monotonic() - when >= at_most:
        get_json = import_string("oauthconnections.http.get_json")  # loads `requests`, which few pages need
        document = get_json(url)
        _documents[url] = (time.monotonic(), document)
    return document


def _is_same(found: object, issuer: str) -> bool:
    """Section 4.3 wants them equal; whether a slash is at the end is left to the one who typed it."""
    return isinstance(found, str) and bool(found) and found.rstrip("/") == _without_slash(issuer)


def _without_slash(issuer: str) -> str:
    return "".join(issuer.split()).removesuffix(WELL_KNOWN).rstrip("/")


def _unusable(url: str, reason: str) -> ProviderUnavailable:
    return ProviderUnavailable(host=host_of(url), reason=reason)
