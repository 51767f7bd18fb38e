"""How accounts and connections are, and what is going to stop working soon."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .fields import Undecryptable
from .models import AccountKind, OAuthAccount, OAuthConnection

IDLE: Final = timedelta(days=60)
"""A month before Microsoft forgets a refresh token that nobody uses."""

SECRET_WARNING_DAYS: Final = 30


@dataclass(frozen=True)
class State:
    """`level` is one of Django's message tags: success, warning, error. `code` is for machines."""

    level: str
    text: str
    code: str = "ok"


def account_state(account: OAuthAccount) -> State:
    if isinstance(account.access_token, Undecryptable) or isinstance(account.refresh_token, Undecryptable):
        text = _("The tokens can't be decrypted: the encryption key has changed. Authenticate the account again.")
        return State("error", text, "undecryptable")
    if account.needs_authentication:
        return State("error", _("Needs authentication"), "needs_authentication")
    if account.last_error:
        return State("warning", _("The last renewal failed"), "failing")
    renewed = _last_renewed(account)
    if renewed is None:
        return State("warning", _("Not authenticated yet"))
    return State("success", _("Works, renewed %(time)s ago") % {"time": timesince(renewed)})


def idle_warning(account: OAuthAccount) -> str:
    """That a provider is about to forget an account that nobody uses; empty if it is not."""
    renewed = _last_renewed(account)
    ends = account.kind == AccountKind.USER and not account.needs_authentication
    if not (ends and renewed and timezone.now() - renewed > IDLE):
        return ""
    text = _(
        "The token was not renewed for %(time)s. Providers forget accounts that are idle, Microsoft after 90 days: "
        "press “Renew now”, or have it done regularly (“manage.py oauthaccounts refresh”)."
    )
    return text % {"time": timesince(renewed)}


def _last_renewed(account: OAuthAccount) -> datetime | None:
    return account.last_refreshed_at or account.authenticated_at


def secret_state(connection: OAuthConnection) -> State | None:
    """When its secret or certificate ends, if that was entered."""
    if connection.secret_expires_on is None:
        return None
    days = (connection.secret_expires_on - timezone.localdate()).days
    if days < 0:
        return State("error", ngettext("ended %(days)d day ago", "ended %(days)d days ago", -days) % {"days": -days})
    if days == 0:
        return State("error", _("ends today"))
    text = ngettext("ends in %(days)d day", "ends in %(days)d days", days) % {"days": days}
    return State("warning" if days <= SECRET_WARNING_DAYS else "success", text)
