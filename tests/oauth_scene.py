"""A sign-in that was begun, and somebody who would like to have its answer, or to have it replaced."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.contrib.admin.models import LogEntry
from django.test import Client

from oauthconnections.models import OAuthAccount
from tests.oauth_flow import authenticated, begun, connected, keeper, signed_in
from tests.servers.identity_provider import IdentityProvider


@dataclass
class Scene:
    """Kate has begun to sign in; Mallory, who may do the same, wants her site to take what it should not."""

    provider: IdentityProvider
    other: IdentityProvider
    kate: Client = field(default_factory=lambda: signed_in(keeper("kate")))
    mallory: Client = field(default_factory=lambda: signed_in(keeper("mallory")))

    def __post_init__(self) -> None:
        self.connection = connected(self.provider, "Contoso")
        self.second = connected(self.other, "Second")
        authenticated(self.kate, self.connection, self.provider)
        self.provider.user = {"sub": "evil", "email": "mallory@evil.example", "preferred_username": "mallory"}
        self.begin()

    def begin(self) -> None:
        self.address = begun(self.kate, self.connection)

    def returned(self, address: str = "") -> str:
        return self.provider.authorize(address or self.address)

    def value(self, name: str, address: str = "") -> str:
        return dict(parse_qsl(urlsplit(address or self.address).query))[name]


def stored() -> list[Any]:
    accounts = OAuthAccount.objects.order_by("pk").values()
    return [*accounts, *LogEntry.objects.filter(content_type__model="oauthaccount").values()]
