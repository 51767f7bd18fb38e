"""How a client shows an identity provider who it is: secret in the header or the form, or a signed assertion."""

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

import jwt
from cryptography import x509

from .identity_kinds import Refusal
from .identity_tokens import BEARER_ASSERTION

if TYPE_CHECKING:
    from .identity_provider import IdentityProvider, Request


def check_client(provider: "IdentityProvider", request: "Request") -> None:
    """RFC 6749 section 2.3.1, RFC 7523 section 2.2."""
    if request.params.get("client_assertion_type") == BEARER_ASSERTION:
        _check_assertion(provider, request.params)
        return
    client_id, secret = _basic(request.headers) or _posted(request.params)
    if client_id != provider.client_id:
        raise Refusal("client", client=client_id)
    # Libraries disagree on whether the header's parts are form-encoded, as they should be; providers take both.
    if provider.client_secret not in (secret, unquote_plus(secret)):
        raise Refusal("secret", client=client_id)


def _basic(headers: Mapping[str, str]) -> tuple[str, str] | None:
    scheme, _space, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _colon, secret = base64.b64decode(value).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return client_id, secret


def _posted(params: Mapping[str, str]) -> tuple[str, str]:
    return params.get("client_id", ""), params.get("client_secret", "")


def _check_assertion(provider: "IdentityProvider", params: Mapping[str, str]) -> None:
    certificate = x509.load_pem_x509_certificates(provider.client_certificate.encode())[0]
    try:
        claims = jwt.decode(
            params.get("client_assertion", ""),
            certificate.public_key(),  # type: ignore[arg-type]
            algorithms=["RS256", "PS256"],
            audience=provider.endpoint("token"),
            options={"require": ["exp", "jti"]},
        )
    except jwt.InvalidTokenError as error:
        raise Refusal("secret", client=provider.client_id) from error
    if not claims.get("iss") == claims.get("sub") == provider.client_id:
        raise Refusal("client", client=str(claims.get("iss")))
