"""The providers by their keys. Each one's library is imported when it is used first: that takes up to 0.3 seconds."""

from typing import Final

from django.utils.module_loading import import_string

from oauthconnections.models import OAuthConnection, ProviderKind

from .base import Begun, Grant, Identity, Provider

__all__ = ["Begun", "Grant", "Identity", "Provider", "provider_of"]

_CLASSES: Final[dict[str, str]] = {
    ProviderKind.MICROSOFT: "oauthconnections.providers.microsoft.Microsoft",
    ProviderKind.GOOGLE: "oauthconnections.providers.google.Google",
    ProviderKind.OPENID: "oauthconnections.providers.openid.OpenID",
}


def provider_of(connection: OAuthConnection) -> Provider:
    provider: Provider = import_string(_CLASSES[connection.provider])(connection)
    return provider
