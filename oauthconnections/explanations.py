"""What the words of a provider mean, and what to do about them."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .catalogue import BY_CODE, BY_WORDS, GOOGLE_IN_TESTING, Entry
from .exceptions import Misconfigured, OAuthError, ProviderUnavailable, UnsafeAddress
from .models import OAuthAccount, OAuthConnection, ProviderKind

IN_TESTING: Final = (timedelta(days=6), timedelta(days=8))
"""About when a grant ends that was made while the consent screen was in Testing."""

UNTRUSTED: Final = re.compile("CERTIFICATE_VERIFY_FAILED|certificate verify failed", re.IGNORECASE)

_ACTIONS: Final[tuple[tuple[type[OAuthError], Promise], ...]] = (
    (Misconfigured, _("Correct the OAuth connection, then try again.")),
    (UnsafeAddress, _("Correct the addresses of the OAuth connection, then try again.")),
    (
        ProviderUnavailable,
        _("Check the addresses of the OAuth connection, and that a firewall lets this machine reach them."),
    ),
)


@dataclass(frozen=True)
class Explanation:
    meaning: str
    action: str


def explain(error: OAuthError, connection: OAuthConnection, account: OAuthAccount | None = None) -> Explanation:
    """In our words; the provider's own are in `error.details`. An account lets more be told of why its grant ended."""
    if entry := entry_of(error, account):
        values = {"connection": connection.name, "code": error.code}
        return Explanation(str(entry.meaning) % values, str(entry.action) % values)
    if not error.code:
        return Explanation(str(error), _action(error))
    meaning = _("The provider refused and gave “%(code)s” as the reason, which this site has no explanation for.")
    action = _("The provider's own words, under “Details”, may say more. Its documentation or support knows the code.")
    return Explanation(str(meaning) % {"code": error.code}, str(action))


def entry_of(error: OAuthError, account: OAuthAccount | None = None) -> Entry | None:
    """Words are more exact than codes: providers use few codes for many causes."""
    words = f"{error.code}: {error.details}"
    found = next((entry for entry in BY_WORDS if re.search(entry.pattern, words)), None) or BY_CODE.get(error.code)
    in_testing = found and found.id == "google-ended" and account and _is_in_testing(account)
    return GOOGLE_IN_TESTING if in_testing else found


def _is_in_testing(account: OAuthAccount) -> bool:
    """As far as the age tells that the grant had when it worked for the last time."""
    if account.connection.provider != ProviderKind.GOOGLE:
        return False
    if not account.authenticated_at or not account.last_refreshed_at:
        return False
    shortest, longest = IN_TESTING
    return shortest < account.last_refreshed_at - account.authenticated_at < longest


def _action(error: OAuthError) -> str:
    if UNTRUSTED.search(error.details):
        return str(
            _(
                "If it has a certificate of your own authority, set REQUESTS_CA_BUNDLE to the file of that authority. "
                "Otherwise somebody stands between, such as a firewall that looks into encrypted connections."
            )
        )
    return next((str(action) for kind, action in _ACTIONS if isinstance(error, kind)), "")
