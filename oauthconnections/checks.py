"""System checks of this app. Retired ids stay reserved.

E001 EXTERNAL_URL is no address. E002 FIELD_ENCRYPTION_KEYS is no list of strings. W001 a key is short.
W002 a stored secret can't be decrypted.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice
from typing import Any, Final

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.utils.translation import gettext as _

from .encryption import field_encryption_keys
from .external_url import locked_url
from .fields import Undecryptable
from .stored_secrets import StoredSecret, batches

SHORTEST_KEY: Final = 32
MOST_LISTED: Final = 20


@checks.register()
def check_external_url(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    try:
        locked_url()
    except ValidationError as error:
        message = _("EXTERNAL_URL is not usable. %(reason)s") % {"reason": " ".join(error.messages)}
        hint = _("Set it to the address of this site, such as https://www.example.com, or leave it out.")
        return [checks.Error(message, hint=hint, id="oauthconnections.E001")]
    return []


@checks.register(checks.Tags.security)
def check_keys(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    configured = getattr(settings, "FIELD_ENCRYPTION_KEYS", None) or []
    if not isinstance(configured, (list, tuple)) or not all(isinstance(key, str) for key in configured):
        message = _("FIELD_ENCRYPTION_KEYS must be a list of strings.")
        return [checks.Error(message, hint=_("Write [key], also for one key."), id="oauthconnections.E002")]
    return [
        checks.Warning(
            _("Entry %(number)d of FIELD_ENCRYPTION_KEYS is shorter than %(length)d characters, so it can be guessed.")
            % {"number": number, "length": SHORTEST_KEY},
            hint=_("Put a long random key first, run “manage.py rotate_encryption_keys”, then remove the short one."),
            id="oauthconnections.W001",
        )
        for number, key in enumerate(field_encryption_keys(), start=1)
        if len(key) < SHORTEST_KEY
    ]


@checks.register(checks.Tags.database)
def check_stored_secrets(
    app_configs: Sequence[AppConfig] | None, databases: Collection[str] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Runs with `check --database` and with `migrate`."""
    found: list[checks.CheckMessage] = []
    for alias in databases or ():
        # Before the first migration there is no table, and nothing to warn of.
        with suppress(DatabaseError), transaction.atomic(using=alias):
            found += [_undecryptable(value) for value in islice(_unreadable(alias), MOST_LISTED)]
    return found


def _unreadable(alias: str) -> Iterator[StoredSecret]:
    values = chain.from_iterable(batches(databases=[alias]))
    return (value for value in values if isinstance(value.opened(), Undecryptable))


def _undecryptable(value: StoredSecret) -> checks.CheckMessage:
    return checks.Warning(
        _("A stored secret can't be decrypted: %(model)s, row %(pk)s, field %(field)s.") % value.place,
        hint=_(
            "Put the key that encrypted it back into FIELD_ENCRYPTION_KEYS or SECRET_KEY_FALLBACKS, "
            "or enter this secret again."
        ),
        id="oauthconnections.W002",
    )
