"""The usual mix-ups in what a provider's console shows, named at the field where they land."""

import re
from collections.abc import Iterable
from typing import Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
DOMAIN: Final = re.compile(r"((?!-)[a-z0-9-]{1,63}\.)+[a-z0-9-]{2,63}", re.IGNORECASE)
RESOURCE: Final = re.compile(r"[a-z]+://([^/]+)")
ANY_TENANT: Final = ("common", "organizations", "consumers")
IDENTITY_SCOPES: Final = {"openid", "email", "profile", "offline_access"}


def refuse_email(value: str) -> None:
    if re.fullmatch(r"[^@]+@[^@]+\.[^@]+", value):
        raise ValidationError(
            _("This is an email address. The client ID is what the provider calls the application, not a person."),
            "email",
        )


def refuse_guid(value: object) -> None:
    """Microsoft shows the ID of a secret beside its value, and the value only once."""
    if isinstance(value, str) and GUID.fullmatch(value.strip()):
        raise ValidationError(
            _(
                "This is the ID of the secret, not its value. Copy what stands in the column “Value”; if it is not "
                "shown any more, make a new secret."
            ),
            "guid",
        )


def validate_tenant(value: str) -> None:
    if not (GUID.fullmatch(value) or DOMAIN.fullmatch(value) or value.lower() in ANY_TENANT):
        raise ValidationError(
            _(
                "Enter the directory (tenant) ID, which looks like 8eaef023-2b34-4da1-9baa-8bc8c9d6a490, or a domain "
                "such as contoso.com; or common, organizations or consumers."
            ),
            "tenant",
        )


def validate_one_resource(scopes: Iterable[str]) -> None:
    """Microsoft gives a token for one resource only (AADSTS28000)."""
    resources = sorted({_resource(scope) for scope in scopes if scope not in IDENTITY_SCOPES})
    if len(resources) > 1:
        raise ValidationError(
            _("Microsoft gives one token for one resource only, but these scopes belong to several: %(resources)s."),
            "resources",
            {"resources": ", ".join(resources)},
        )


def _resource(scope: str) -> str:
    """Who a scope is for; one without an address is Microsoft Graph's."""
    address = RESOURCE.match(scope.lower())
    host = address[1] if address else "graph.microsoft.com"
    return host.replace("office365.com", "office.com")  # two names of one
