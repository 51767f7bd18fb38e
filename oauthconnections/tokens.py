"""A valid access token, renewed once however many ask for it at once (S-10, S-11)."""

import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, connections, router, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from .bounded import run_bounded
from .exceptions import OAuthError, ProviderRefused, ReauthenticationRequired, TokenUnavailable
from .fields import Undecryptable
from .models import AccountKind, OAuthAccount
from .providers import Grant, provider_of
from .signals import account_lost

__all__ = ["ReauthenticationRequired", "TokenUnavailable", "access_token", "renew", "store_grant"]

EARLY: Final = timedelta(minutes=5)
"""So long before its end a token is renewed; one that lives less than twice as long, at half of its life."""
LOST: Final = frozenset({"invalid_grant", "interaction_required", "consent_required", "login_required"})
"""What a provider says when only somebody who signs in can help (RFC 6749 section 5.2; OpenID Connect Core 3.1.2.6)."""
NO_REFRESH_TOKEN: Final = "no_refresh_token"  # noqa: S105 - a code beside those of providers
UNDECRYPTABLE: Final = "undecryptable"
WAITED: Final = 1.0
"""Seconds; whoever waited longer for the lock came while somebody else asked the provider."""
PATIENCE: Final = 30.0
"""Seconds to wait for a renewal in a thread of its own, which itself may wait for another's."""
TOKEN_FIELDS: Final = (
    *("access_token", "refresh_token", "expires_at", "last_refreshed_at", "scopes"),
    *("last_error", "needs_authentication"),
)

log = logging.getLogger(__name__)


def access_token(account: OAuthAccount, *, rejected: str = "") -> str:
    """The token to use now. `rejected` is one that a server has just refused, so that it is not given again.

    Raises ReauthenticationRequired, or TokenUnavailable where trying again later may help.
    """
    if _is_usable(account, rejected) and _is_fresh(account):
        return str(account.access_token)
    return str(_renewed(account, rejected).access_token)


def renew(account: OAuthAccount) -> OAuthAccount:
    """Get another token, also if the present one would do; one that came in since `account` was read is enough."""
    return _renewed(account, _text(account.access_token))


def store_grant(account: OAuthAccount, grant: Grant) -> None:
    """Put into the row what a provider granted. Does not save."""
    account.access_token = grant.access_token
    account.expires_at = grant.expires_at
    account.last_refreshed_at = timezone.now()
    # An answer to a refresh may leave these out: then they stay as they are.
    account.refresh_token = grant.refresh_token or account.refresh_token
    account.scopes = " ".join(grant.scopes) or account.scopes
    account.last_error = ""
    account.needs_authentication = False


# --- what a row has ---


def _text(value: Any) -> str:
    return "" if isinstance(value, Undecryptable) else str(value or "")


def _is_usable(row: OAuthAccount, rejected: str) -> bool:
    token = _text(row.access_token)
    return bool(token) and token != rejected and not row.needs_authentication


def _is_fresh(row: OAuthAccount) -> bool:
    if row.expires_at is None:
        return False
    lifetime = row.expires_at - row.last_refreshed_at if row.last_refreshed_at else 2 * EARLY
    return row.expires_at - timezone.now() > min(EARLY, lifetime / 2)


def _is_valid(row: OAuthAccount) -> bool:
    return row.expires_at is not None and row.expires_at > timezone.now()


# --- one renews, the others wait ---


@dataclass
class _Outcome:
    row: OAuthAccount
    error: OAuthError | None = None


def _renewed(account: OAuthAccount, rejected: str) -> OAuthAccount:
    work = partial(_locked, account.pk, _database(account), rejected)
    try:
        provider_of(account.connection)  # loads its library before others have to wait for it
        outcome = _apart(_database(account), work)
    except (DatabaseError, OSError) as error:
        reason = _("the database did not let it be renewed.")
        raise TokenUnavailable(account=str(account), reason=reason, details=str(error)) from error
    except ObjectDoesNotExist:
        raise TokenUnavailable(account=str(account), reason=_("it was deleted.")) from None
    for name in TOKEN_FIELDS:
        setattr(account, name, getattr(outcome.row, name))
    if outcome.error:
        raise outcome.error
    return account


def _database(account: OAuthAccount) -> str:
    return router.db_for_write(type(account), instance=account)


def _apart(database: str, work: "partial[_Outcome]") -> _Outcome:
    """Do it in a transaction that nothing else belongs to.

    What a provider has answered must be kept, also if the caller's own transaction is rolled back: with it would go
    a refresh token whose predecessor the provider has forgotten. SQLite has one writer, and a second connection would
    wait for the caller in vain, so there it becomes a part of the caller's transaction.
    """
    if connections[database].features.has_select_for_update and _is_in_transaction(database):
        return run_bounded(partial(_in_own_connection, database, work), PATIENCE)
    return work()


def _is_in_transaction(database: str) -> bool:
    try:
        with transaction.atomic(using=database, durable=True):
            return False
    except RuntimeError:  # the transaction that a test case is in does not count, as for Django itself
        return True


def _in_own_connection(database: str, work: "partial[_Outcome]") -> _Outcome:
    try:
        return work()
    finally:
        connections[database].close()


def _locked(pk: Any, database: str, rejected: str) -> _Outcome:
    began = time.monotonic()
    with transaction.atomic(using=database):
        row = _lock(pk, database)
        waited = time.monotonic() - began > WAITED
        if _is_usable(row, rejected) and _is_fresh(row):
            return _Outcome(row)  # somebody else was first
        if row.needs_authentication or (waited and row.last_error):
            return _failure(row, rejected)  # as somebody else has found out
        return _ask(row, rejected)


def _lock(pk: Any, database: str) -> OAuthAccount:
    """The row as it is once nobody else renews it."""
    rows = OAuthAccount._base_manager.using(database).filter(pk=pk)
    if connections[database].features.has_select_for_update:
        return rows.select_for_update().get()
    rows.update(subject=F("subject"))  # there is no lock but the one that comes with writing
    return rows.get()


# --- the provider's answer ---


def _ask(row: OAuthAccount, rejected: str) -> _Outcome:
    try:
        store_grant(row, _grant(row))
    except OAuthError as error:
        return _failed(row, error, rejected)
    row.save(update_fields=TOKEN_FIELDS)
    return _Outcome(row)


def _grant(row: OAuthAccount) -> Grant:
    provider, scopes = provider_of(row.connection), row.scopes.split()
    if row.kind == AccountKind.APPLICATION:
        return provider.application_grant(scopes)
    if isinstance(row.refresh_token, Undecryptable):
        raise ProviderRefused(code=UNDECRYPTABLE, details=_("The stored tokens can't be decrypted."))
    if not row.refresh_token:
        raise ProviderRefused(code=NO_REFRESH_TOKEN, details=_("The provider gave no refresh token."))
    return provider.refresh(str(row.refresh_token), scopes)


def _failed(row: OAuthAccount, error: OAuthError, rejected: str) -> _Outcome:
    row.last_error = _remembered(error)
    row.needs_authentication = error.code in LOST or (error.code == NO_REFRESH_TOKEN and not _is_valid(row))
    row.save(update_fields=["last_error", "needs_authentication"])
    if row.needs_authentication:
        _tell(row, error)
    return _failure(row, rejected)


def _failure(row: OAuthAccount, rejected: str) -> _Outcome:
    """The old token as long as it is good, else what has become of it."""
    return _Outcome(row, None if _is_usable(row, rejected) and _is_valid(row) else _error_of(row))


def _remembered(error: OAuthError) -> str:
    """The provider's own words where there are some: they are the same in all languages."""
    return f"{error.code}: {error.details}" if error.code else " ".join(filter(None, [str(error), error.details]))


def _error_of(row: OAuthAccount) -> OAuthError:
    """What a row that can't be used has to say, to whoever renewed it in vain and to those who come later."""
    code, colon, details = row.last_error.partition(": ")
    known = {"code": code, "details": details} if colon and " " not in code else {"details": row.last_error}
    if row.needs_authentication or code == UNDECRYPTABLE:
        return ReauthenticationRequired(account=str(row), **known)
    return TokenUnavailable(account=str(row), reason=row.last_error, **known)


def _tell(row: OAuthAccount, error: OAuthError) -> None:
    log.warning("OAuth account %s has to be authenticated again: %s", row.pk, error.code)
    told = partial(account_lost.send_robust, sender=OAuthAccount, account=row)
    transaction.on_commit(told, using=row._state.db)
