"""What to do in each provider's console, in its own words, before the form of a connection can be filled in."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .consumers import consumers
from .models import ProviderKind

Step = str | Promise

SUMMARIES: Final[dict[str, Step]] = {
    ProviderKind.MICROSOFT: _("Accounts of Microsoft 365 (Exchange Online), or of Outlook.com."),
    ProviderKind.GOOGLE: _("Accounts of Google Workspace, or of Gmail."),
    ProviderKind.OPENID: _("Keycloak, Authentik, Zitadel, Okta and whatever else speaks OpenID Connect."),
}
"""A line for each, to choose by."""

_FIRST: Final[dict[str, tuple[Step, ...]]] = {
    ProviderKind.MICROSOFT: (
        _("Open https://entra.microsoft.com, “App registrations”, “New registration”, and give it any name."),
        _("Choose “Accounts in this organizational directory only”, and “Web” with the redirect URI above; register."),
        _("From “Overview”, copy the application (client) ID and the directory (tenant) ID into the form below."),
        _("Under “Certificates & secrets”, make a new client secret. Copy its value, shown only once, and its end."),
    ),
    ProviderKind.GOOGLE: (
        _("Open https://console.cloud.google.com/auth and choose or create a project."),
        _(
            "Under “Audience”, choose “Internal” if all accounts are of your Google Workspace. Otherwise choose "
            "“External” and publish the application: while it is in “Testing”, accounts stop working after 7 days."
        ),
        _("Under “Clients”, create one of the type “Web application”, with the redirect URI above."),
        _("Download its JSON and paste the content below, or copy the client ID and the client secret."),
    ),
    ProviderKind.OPENID: (
        _("At your provider, register an application (a client) for the authorization code flow, of the type “web”."),
        _("Enter the redirect URI above there."),
        _("Allow it the scopes openid, email and offline_access, or refresh tokens, however that is called there."),
        _("Copy the issuer's address, the client ID and the client secret into the form below."),
    ),
}
_LAST: Final = _("Save this page, then press “Authenticate account”.")


def steps(provider: str) -> list[Step]:
    of_consumers = [step for consumer in consumers() for step in consumer.steps.get(provider, ())]
    return [*_FIRST[provider], *of_consumers, _LAST]
