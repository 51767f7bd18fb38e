"""Rows of connections and accounts at the identity provider of a test, and signing in there without a browser."""

from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from django.utils import timezone

from oauthconnections import tokens
from oauthconnections.models import OAuthAccount, OAuthConnection
from oauthconnections.providers import Begun, Grant, provider_of
from tests.servers.identity_provider import IdentityProvider

BACK: Final = "https://site.example.com/oauth/callback/"
SCOPES: Final[dict[str, tuple[str, ...]]] = {
    "openid": (),
    "microsoft": ("https://outlook.office.com/SMTP.Send",),
    "google": ("https://mail.google.com/",),
}
APPLICATION_SCOPES: Final = ("https://outlook.office365.com/.default",)


def unsaved(provider: IdentityProvider, **fields: Any) -> OAuthConnection:
    values: dict[str, Any] = {"name": "Example Ltd", **provider.connection_fields(), **fields}
    return OAuthConnection(**values)


def connected(provider: IdentityProvider, **fields: Any) -> OAuthConnection:
    connection = unsaved(provider, **fields)
    connection.save()
    return connection


def begun(connection: OAuthConnection, **options: Any) -> Begun:
    return provider_of(connection).begin(BACK, "the-state", SCOPES[connection.provider], **options)


def answer(provider: IdentityProvider, url: str, **options: Any) -> dict[str, str]:
    """The parameters with which the browser comes back."""
    return dict(parse_qsl(urlsplit(provider.authorize(url, **options)).query))


def signed_in(provider: IdentityProvider, connection: OAuthConnection) -> Grant:
    start = begun(connection)
    return provider_of(connection).finish(start.context, answer(provider, start.url), BACK)


def account_of(provider: IdentityProvider, connection: OAuthConnection | None = None, **fields: Any) -> OAuthAccount:
    """A row for who has signed in, as the flow makes it."""
    connection = connection or connected(provider)
    grant = signed_in(provider, connection)
    account = OAuthAccount(connection=connection, authenticated_at=timezone.now())
    tokens.store_grant(account, grant)
    if known := grant.identity:
        account.subject, account.email, account.username = known.subject, known.email, known.username
    return changed(account, **fields)


def application_of(provider: IdentityProvider, connection: OAuthConnection | None = None) -> OAuthAccount:
    connection = connection or connected(provider)
    account = OAuthAccount(connection=connection, kind="application")
    tokens.store_grant(account, provider_of(connection).application_grant(APPLICATION_SCOPES))
    account.save()
    return account


def changed(account: OAuthAccount, **fields: Any) -> OAuthAccount:
    for name, value in fields.items():
        setattr(account, name, value)
    account.save()
    return account


def expired(account: OAuthAccount, seconds_left: float = -60) -> OAuthAccount:
    """Its access token was valid for an hour, which is over (or nearly)."""
    ends = timezone.now() + timedelta(seconds=seconds_left)
    return changed(account, expires_at=ends, last_refreshed_at=ends - timedelta(hours=1))
