"""The JSON that Google offers for download beside a client."""

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


def client_of(text: str) -> dict[str, Any]:
    """The client in the JSON that Google offers for download, with client_id, client_secret and redirect_uris."""
    try:
        downloaded = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValidationError(_("This is not JSON. Paste the whole content of the file."), "json") from error
    if not isinstance(downloaded, dict):
        raise _no_client()
    if downloaded.get("type") == "service_account":
        raise ValidationError(
            _("This is the key of a service account, which nobody can sign in to. Create an OAuth client instead."),
            "service_account",
        )
    if "installed" in downloaded:
        raise ValidationError(
            _("This client is of the type “Desktop app”. Create one of the type “Web application”."), "installed"
        )
    return _checked(downloaded.get("web"))


def _checked(client: Any) -> dict[str, Any]:
    if not isinstance(client, dict) or not all(
        isinstance(client.get(name), str) and client[name].strip() for name in ("client_id", "client_secret")
    ):
        raise _no_client()
    uris = client.get("redirect_uris")
    return {
        "client_id": client["client_id"].strip(),
        "client_secret": client["client_secret"].strip(),
        "redirect_uris": [uri for uri in uris if isinstance(uri, str)] if isinstance(uris, list) else [],
    }


def _no_client() -> ValidationError:
    return ValidationError(_("There is no client ID and client secret in this JSON."), "no_client")
