"""How tests sign in at a provider: press the button, be the person there, come back."""

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from oauthconnections.models import OAuthAccount, OAuthConnection
from tests.servers.identity_provider import IdentityProvider

CALLBACK = "/oauth/callback/"


def keeper(name: str) -> User:
    """Somebody who may do all with connections and accounts, and nothing else."""
    user = User.objects.create_user(name, f"{name}@example.com", "password", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="oauthconnections"))
    return user


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def connected(provider: IdentityProvider, name: str = "Contoso", **fields: Any) -> OAuthConnection:
    """The connection that an administrator would save for the provider."""
    return OAuthConnection.objects.create(**{**provider.connection_fields(), "name": name, **fields})


def begun(client: Client, row: OAuthConnection | OAuthAccount, **posted: str) -> str:
    """Press "Authenticate account" (or "Authenticate again"); where the page leads that follows."""
    response = client.post(
        reverse(f"admin:{row._meta.label_lower.replace('.', '_')}_authenticate", args=[row.pk]), posted
    )
    assert response.status_code == 200, response
    return destination(response)


def destination(response: Any) -> str:
    """Where a page leads that sends the browser on."""
    found = re.search(r'<meta http-equiv="refresh" content="0; url=([^"]+)">', response.content.decode())
    assert found
    return unescape(found[1])


def come_back(client: Client, address: str, **changed: str | None) -> Any:
    """Open the address that the provider sent the browser to; None leaves a parameter out."""
    parts = urlsplit(address)
    assert parts.path == CALLBACK
    answer = {**dict(parse_qsl(parts.query, keep_blank_values=True)), **changed}
    query = urlencode({name: value for name, value in answer.items() if value is not None})
    return client.get(f"{CALLBACK}?{query}")


def authenticated(client: Client, connection: OAuthConnection, provider: IdentityProvider) -> OAuthAccount:
    """The account of whoever is the provider's user now."""
    assert come_back(client, provider.authorize(begun(client, connection))).status_code == 302
    return connection.accounts.get(subject=provider.user["sub"])
