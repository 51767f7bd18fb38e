"""How tests use the pages of connections as a browser would."""

from typing import Any, Final

from django.test import Client
from django.urls import reverse

from oauthconnections.models import OAuthConnection
from tests.settings_page import Page

ADD: Final = "/admin/oauthconnections/oauthconnection/add/"
LIST: Final = "/admin/oauthconnections/oauthconnection/"

TYPED: Final[dict[str, dict[str, str]]] = {
    "microsoft": {
        "name": "Contoso",
        "tenant": "8eaef023-2b34-4da1-9baa-8bc8c9d6a490",
        "client_id": "11112222-bbbb-3333-cccc-4444dddd5555",
        "client_secret": "Qx8~typed-s3cr3t",
    },
    "google": {
        "name": "Example",
        "client_id": "1234.apps.googleusercontent.com",
        "client_secret": "GOCSPX-typed-s3cr3t",
    },
    "openid": {
        "name": "Keycloak",
        "issuer": "https://localhost:1/realms/main",
        "client_id": "site",
        "client_secret": "typed-s3cr3t",
    },
}
"""What somebody types who makes no mistake; nobody listens at the issuer."""


def place(row: OAuthConnection) -> str:
    return reverse("admin:oauthconnections_oauthconnection_change", args=[row.pk])


def added(client: Client, provider: str, **typed: Any) -> Page:
    """The page that follows when the form of a provider was filled in and saved; None leaves a field empty."""
    page = Page.of(client.get(ADD, {"provider": provider}))
    return _sent(client, f"{ADD}?provider={provider}", page, {**TYPED[provider], **typed})


def changed(client: Client, row: OAuthConnection, **typed: Any) -> Page:
    return _sent(client, place(row), Page.of(client.get(place(row))), typed)


def _sent(client: Client, address: str, page: Page, typed: dict[str, Any]) -> Page:
    data = {name: value for name, value in {**page.values, **typed}.items() if value is not None}
    response = client.post(address, data, follow=True)
    assert response.status_code == 200
    return Page.of(response)
