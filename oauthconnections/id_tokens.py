"""ID tokens (OpenID Connect Core 1.0 section 3.1.3.7): whose they are, whom they are for, and that they are genuine.

Loading it loads PyJWT, so only the providers do.
"""

import hmac
from collections.abc import Mapping
from typing import Any, Final

import jwt
from django.utils.translation import gettext as _

from .discovery import document_of
from .endpoints import host_of
from .exceptions import ProviderUnavailable

ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Asymmetric ones only: with others the client secret, or nothing, would do to forge a token."""
CLOCK_SKEW: Final = 60
REQUIRED: Final = ["iss", "sub", "aud", "exp", "iat"]


def verified_claims(token: str, metadata: Mapping[str, Any], client_id: str, nonce: str) -> dict[str, Any]:
    """The claims of a token that a key of the issuer has signed."""
    issuer, url = str(metadata["issuer"]), str(metadata.get("jwks_uri") or "")
    try:
        claims = _decoded(token, url, issuer, client_id)
    except (jwt.PyJWTError, TypeError, ValueError) as error:
        raise invalid(issuer, str(error)) from None
    return _checked(claims, issuer, client_id, nonce)


def claims_received_directly(token: str, host: str, client_id: str, nonce: str | None = None) -> dict[str, Any]:
    """The claims of a token that came from the provider itself by TLS, which stands in for the signature (point 6)."""
    checks: Any = {"verify_signature": False, "verify_aud": True, "verify_exp": True, "require": REQUIRED}
    try:
        claims = jwt.decode(token, options=checks, audience=client_id, leeway=CLOCK_SKEW)
    except (jwt.PyJWTError, TypeError, ValueError) as error:
        raise invalid(host, str(error)) from None
    return _checked(claims, host, client_id, nonce)


def unverified_claims(token: str) -> dict[str, Any]:
    """What an access token says of itself, if it is one that can be read. Not for deciding anything."""
    try:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, TypeError, ValueError):
        return {}
    return claims


def invalid(address: str, details: str) -> ProviderUnavailable:
    host = host_of(address) if "//" in address else address
    reason = _("Its ID token is not valid for this sign-in.")
    return ProviderUnavailable(code="invalid_id_token", details=details, host=host, reason=reason)


def _decoded(token: str, jwks_uri: str, issuer: str, client_id: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(
        token,
        _key(jwt.get_unverified_header(token), jwks_uri),
        algorithms=ALGORITHMS,
        audience=client_id,
        issuer=issuer,
        leeway=CLOCK_SKEW,
        options={"require": REQUIRED},
    )
    return claims


def _key(header: Mapping[str, Any], jwks_uri: str) -> Any:
    """The key that a token names; asked for once more if it is new (section 10.1.1)."""
    if header.get("alg") not in ALGORITHMS:
        raise jwt.InvalidAlgorithmError("The specified alg value is not allowed")
    found = _find(header, document_of(jwks_uri)) or _find(header, document_of(jwks_uri, at_most=0))
    if not found:
        raise jwt.InvalidKeyError("The provider publishes no key of that name")
    return found.key


def _find(header: Mapping[str, Any], document: dict[str, Any]) -> jwt.PyJWK | None:
    keys = jwt.PyJWKSet.from_dict(document).keys
    # One that names no key was signed by the only one that there is.
    named = keys if "kid" not in header and len(keys) == 1 else [k for k in keys if k.key_id == header.get("kid")]
    return named[0] if named else None


def _checked(claims: dict[str, Any], address: str, client_id: str, nonce: str | None) -> dict[str, Any]:
    if nonce is not None and not hmac.compare_digest(str(claims.get("nonce") or "").encode(), nonce.encode()):
        raise invalid(address, "nonce")
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if (several or "azp" in claims) and claims.get("azp") != client_id:
        raise invalid(address, "azp")
    return claims
