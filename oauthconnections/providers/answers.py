"""What a provider answers, checked and freed of secrets."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from django.db.models import CharField
from django.utils import timezone
from django.utils.translation import gettext as _

from oauthconnections.encryption import MASK
from oauthconnections.exceptions import ProviderRefused, ProviderUnavailable
from oauthconnections.models import OAuthAccount

from .base import Grant, Identity

USUAL_LIFETIME: Final = 3600
"""Seconds; assumed where the provider does not tell (RFC 6749 section 5.1 only recommends that it does)."""
LONGEST_LIFETIME: Final = 365 * 24 * 3600
MOST_WORDS: Final = 2000
KEPT_CLAIMS: Final = ("sub", "oid", "tid", "hd", "name", "preferred_username", "upn", "email")
APPLICATION_CLAIMS: Final = ("oid", "tid", "appid", "azp", "roles", "aud")

_LOOKS_LIKE_A_TOKEN: Final = re.compile(r"[\w.~+-]{50,}=*")
"""Longer than what providers name a request by, which is a UUID."""


def code_of(answer: Mapping[str, str]) -> str:
    """The authorization code in the parameters of a callback; ProviderRefused if they bring an error."""
    if answer.get("error") or not answer.get("code"):
        raise refused(answer)
    return answer["code"]


def refused(answer: Mapping[str, Any], *secrets: str) -> ProviderRefused:
    """An error response (RFC 6749 sections 4.1.2.1 and 5.2) as an exception."""
    code = answer.get("error")
    usable = isinstance(code, str) and re.fullmatch(r"[\w.-]{1,100}", code)
    return ProviderRefused(
        code=str(code) if usable else "invalid_response",
        details=without_secrets(str(answer.get("error_description") or ""), *secrets),
    )


def without_secrets(text: str, *secrets: str) -> str:
    """A provider's own words. It may repeat what it was sent, or say what it should not."""
    for secret in filter(None, secrets):
        text = text.replace(secret, MASK)
    return _LOOKS_LIKE_A_TOKEN.sub(MASK, text.replace("\0", " "))[:MOST_WORDS].strip()


def grant(answer: Mapping[str, Any], host: str, asked: Sequence[str], identity: Identity | None = None) -> Grant:
    """A token response (RFC 6749 section 5.1). Where it names no scopes, they are those that were asked for."""
    token = answer.get("access_token")
    if not (isinstance(token, str) and token):
        raise ProviderUnavailable(host=host, reason=_("Its answer has no access token."))
    granted = answer.get("scope") or asked
    scopes = granted.split() if isinstance(granted, str) else map(str, granted)
    return Grant(
        access_token=token,
        expires_at=timezone.now() + timedelta(seconds=_lifetime(answer.get("expires_in"))),
        refresh_token=str(answer.get("refresh_token") or ""),
        scopes=tuple(scope for scope in scopes if scope.isprintable()),
        identity=identity,
    )


def identity(claims: Mapping[str, Any]) -> Identity:
    return Identity(
        subject=_text(claims, "sub", "subject"),
        email=_text(claims, "email", "email"),
        username=_text(claims, "preferred_username", "username"),
        claims=kept(claims, KEPT_CLAIMS),
    )


def kept(claims: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: claims[name] for name in names if claims.get(name) and r"\u0000" not in json.dumps(claims[name])}


def _text(claims: Mapping[str, Any], name: str, column: str) -> str:
    """What fits the column; a part of a name would be somebody else's."""
    value, field = claims.get(name), OAuthAccount._meta.get_field(column)
    assert isinstance(field, CharField)
    fits = isinstance(value, str) and value.isprintable() and len(value) <= (field.max_length or 0)
    return str(value).strip() if fits else ""


def _lifetime(seconds: object) -> float:
    try:
        lifetime = float(str(seconds)) if seconds else USUAL_LIFETIME
    except ValueError:
        lifetime = USUAL_LIFETIME
    return min(max(lifetime, 0), LONGEST_LIFETIME)
