"""System checks of this app. Retired ids stay reserved.

E001 EXTERNAL_URL is no address. E002 FIELD_ENCRYPTION_KEYS is no list of strings. W001 a key is short.
W002 a stored secret can't be decrypted. W003 the session's cookie stays behind when a provider sends the browser back.
W004 the secret of a connection ends soon. W005 an account needs authentication.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice
from typing import Any, Final

from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.core.exceptions import ValidationError
from django.db import DatabaseError, router, transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from .encryption import field_encryption_keys
from .external_url import locked_url
from .fields import Undecryptable
from .models import OAuthAccount, OAuthConnection
from .redirect_uri import samesite_is_strict
from .states import State, secret_state
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


@checks.register(checks.Tags.security)
def check_session_cookie(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    if not samesite_is_strict():
        return []
    return [
        checks.Warning(
            _(
                "SESSION_COOKIE_SAMESITE is “Strict”: who comes back from an OAuth provider is not signed in to this "
                "site then, so no account can be authenticated."
            ),
            hint=_("Set it to “Lax”."),
            id="oauthconnections.W003",
        )
    ]


@checks.register(checks.Tags.database)
def check_secrets_ends(
    app_configs: Sequence[AppConfig] | None, databases: Collection[str] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Runs with `check --database` and with `migrate`."""
    return from_database(OAuthConnection, databases, _ending_secrets)


def _ending_secrets(alias: str) -> Iterator[checks.CheckMessage]:
    for connection in OAuthConnection.objects.using(alias).only("name", "secret_expires_on"):
        state = secret_state(connection)
        if state and state.level != "success":
            yield _ending(connection, state)


def _ending(connection: OAuthConnection, state: State) -> checks.CheckMessage:
    return checks.Warning(
        _("The secret or certificate of the OAuth connection “%(connection)s” %(end)s.")
        % {"connection": connection, "end": state.text},
        hint=_("Make a new one at the provider and enter it on the page of the connection."),
        id="oauthconnections.W004",
    )


@checks.register(checks.Tags.database)
def check_accounts(
    app_configs: Sequence[AppConfig] | None, databases: Collection[str] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Runs with `check --database` and with `migrate`."""
    return from_database(OAuthAccount, databases, _lost_accounts)


def _lost_accounts(alias: str) -> Iterator[checks.CheckMessage]:
    lost = OAuthAccount.objects.using(alias).filter(needs_authentication=True).select_related("connection")
    return map(_needs_authentication, lost[:MOST_LISTED])


def from_database(
    model: type[Model], databases: Collection[str] | None, find: Callable[[str], Iterable[checks.CheckMessage]]
) -> list[checks.CheckMessage]:
    """What is found in the database of a model, whose alias `find` gets; nothing if it is none of `databases`."""
    alias = router.db_for_read(model)
    if alias not in (databases or ()):
        return []
    # Before the first migration there is no table, and nothing to warn of.
    with suppress(DatabaseError), transaction.atomic(using=alias):
        return list(find(alias))
    return []


def _needs_authentication(account: OAuthAccount) -> checks.CheckMessage:
    return checks.Warning(
        _("The account %(account)s of the OAuth connection “%(connection)s” needs authentication.")
        % {"account": account, "connection": account.connection},
        hint=_("Open it in the admin under “OAuth accounts”, and press “Authenticate again”."),
        id="oauthconnections.W005",
    )


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
