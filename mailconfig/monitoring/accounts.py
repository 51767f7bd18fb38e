"""What is known of OAuth accounts and connections, in numbers; that mail waits for one is said of its mail server."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, time
from typing import Final

from django.utils import timezone

from oauthconnections.models import OAuthAccount, OAuthConnection
from oauthconnections.states import account_state

from .health import Figure, Part

STATES: Final = ("ok", "failing", "needs_authentication", "undecryptable")


def figures() -> Iterator[Figure]:
    found = Counter(account_state(account).code for account in OAuthAccount.objects.all())
    for state in STATES:
        yield Figure("mailconfig_oauth_accounts", "OAuth accounts by state.", found[state], {"state": state})
    for connection in OAuthConnection.objects.only("provider", "secret_expires_on"):
        if connection.secret_expires_on:
            ends = timezone.make_aware(datetime.combine(connection.secret_expires_on, time())).timestamp()
            labels = {"connection": str(connection.pk), "provider": connection.provider}
            name = "mailconfig_oauth_secret_expiry_timestamp_seconds"
            yield Figure(name, "When the secret or certificate of a connection ends.", ends, labels)


PART: Final = Part(figures=figures)
