"""What every provider can do, and what comes of it."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from oauthconnections.models import OAuthConnection


@dataclass(frozen=True)
class Identity:
    """Who a token belongs to. `claims` are those worth keeping: ids and names, never a token."""

    subject: str
    email: str = ""
    username: str = ""
    claims: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Grant:
    """What a provider answered to a code, to a refresh token or to the credentials of the application."""

    access_token: str = field(repr=False)
    expires_at: datetime
    refresh_token: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ()
    identity: Identity | None = None


@dataclass(frozen=True)
class Begun:
    """Where to send the browser, and what to remember until it comes back (JSON; it has secrets)."""

    url: str = field(repr=False)
    context: dict[str, Any] = field(repr=False)


class Provider(ABC):
    """One connection, as its provider's library uses it.

    Each method raises ProviderRefused, ProviderUnavailable, UnsafeAddress or Misconfigured. None writes a row.
    """

    identity_scopes: ClassVar[tuple[str, ...]] = ("openid", "email")
    """Asked for always: who somebody is, and where the provider wants to be told so, a refresh token."""
    can_be_application: ClassVar[bool] = False

    def __init__(self, connection: OAuthConnection) -> None:
        self.connection = connection

    @abstractmethod
    def begin(self, redirect_uri: str, state: str, scopes: Sequence[str], login_hint: str = "") -> Begun:
        """The first leg: authorization code with PKCE S256 and a nonce (S-5)."""

    @abstractmethod
    def finish(self, context: Mapping[str, Any], answer: Mapping[str, str], redirect_uri: str) -> Grant:
        """The second leg: the code in the callback's parameters for tokens; checks nonce and id token."""

    @abstractmethod
    def refresh(self, refresh_token: str, scopes: Sequence[str]) -> Grant:
        """A new access token. `Grant.refresh_token` is empty where the provider sent none: the old one stays."""

    def application_grant(self, scopes: Sequence[str]) -> Grant:
        """A token for the application itself (RFC 6749 section 4.4), where `can_be_application`."""
        raise NotImplementedError

    def issuer(self) -> str:
        """What `iss` of the callback must be (RFC 9207), or "" where it can't be known before."""
        return ""

    def requires_issuer(self) -> bool:
        """Whether a callback without `iss` is to be refused (RFC 9207 section 2.4)."""
        return False

    def can_revoke(self) -> bool:
        return False

    def revoke(self, token: str) -> None:
        """Have the provider forget a token (RFC 7009), where `can_revoke()`."""
        raise NotImplementedError
