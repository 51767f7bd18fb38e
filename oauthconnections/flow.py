"""Somebody signs in at a provider: the way there and the way back (RFC 6749 section 4.1, S-5 to S-9)."""

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

from django.contrib.admin.models import ADDITION, CHANGE
from django.core.exceptions import DisallowedRedirect
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from . import tokens
from .consumers import consumer as consumer_of
from .consumers import consumers
from .exceptions import Misconfigured, OAuthError, ProviderRefused
from .explanations import explain
from .fields import Undecryptable
from .flow_errors import (
    AlreadyUsed,
    Cancelled,
    ConsentPending,
    Explained,
    FlowError,
    ForeignState,
    MissingIssuer,
    NoCode,
    NoIdentity,
    NoRefreshToken,
    NotSignedIn,
    TooLate,
    UnknownState,
    Unreadable,
    WrongIssuer,
)
from .history import note, note_failure
from .models import AccountKind, Authorization, OAuthAccount, OAuthConnection
from .providers import Grant, Provider, provider_of
from .redirect_uri import redirect_uri
from .signals import account_authenticated

__all__ = ["Finished", "FlowError", "begin", "begun_by", "finish"]

SESSION_KEY: Final = "oauthconnections"
KEPT: Final = timedelta(days=1)
"""For so long a sign-in that came to nothing can be repeated with one button."""

LONGEST: Final = 10_000
CONSENT_PENDING: Final = re.compile(r"AADSTS(65001|90094|90095)\b|consent_required|admin_policy_enforced")


@dataclass(frozen=True)
class Finished:
    """An account that somebody has authenticated, and what they should know about it."""

    account: OAuthAccount
    authorization: Authorization
    notes: list[str] = field(default_factory=list)


# --- the way there ---


def begin(
    request: HttpRequest,
    connection: OAuthConnection,
    *,
    return_to: str,
    consumer: str = "",
    reference: str = "",
    account: OAuthAccount | None = None,
) -> str:
    """The provider's address to send the browser to; OAuthError if there is none.

    `return_to` is the path of this site that follows success, `account` the one to authenticate again.
    """
    _refuse_elsewhere(return_to)
    state = secrets.token_urlsafe(32)
    uri = redirect_uri(request)
    if not uri:
        raise Misconfigured(connection=connection, reason=_("The addresses of this app are missing in the URLconf."))
    scopes = _scopes(connection, consumer, account)
    begun = provider_of(connection).begin(uri, state, scopes, login_hint=account.login if account else "")
    Authorization.objects.filter(began_at__lt=timezone.now() - KEPT).delete()
    Authorization.objects.create(
        state_hash=_hash(state),
        browser_hash=_hash(request.session.setdefault(SESSION_KEY, secrets.token_urlsafe(32))),
        user_id=request.user.pk,  # type: ignore[misc]
        connection=connection,
        account=account,
        consumer=consumer,
        reference=reference,
        return_to=return_to,
        redirect_uri=uri,
        scopes=" ".join(scopes),
        context=json.dumps(begun.context),
    )
    return begun.url


def _refuse_elsewhere(return_to: str) -> None:
    if not return_to.startswith("/") or not url_has_allowed_host_and_scheme(return_to, allowed_hosts=None):
        raise DisallowedRedirect("return_to must be a path of this site")


def _scopes(connection: OAuthConnection, key: str, account: OAuthAccount | None) -> Sequence[str]:
    """What the consumer wants, and what another one has already of an account that both use."""
    chosen = consumer_of(key)
    wanted = list(chosen.scopes.get(connection.provider, ())) if chosen else []
    granted = set(account.scopes.split()) if account else set()
    shared = [scope for other in consumers() for scope in other.scopes.get(connection.provider, ()) if scope in granted]
    return list(dict.fromkeys([*wanted, *shared]))


def _hash(value: str) -> str:
    return sha256(value.encode()).hexdigest()


# --- the way back ---


def finish(request: HttpRequest) -> Finished:
    """The account of whoever came back from the provider with this request; FlowError if there is none."""
    answer = _parameters(request)
    authorization = _begun_here(request, answer.get("state", ""))
    try:
        _use_up(authorization)
        grant = _redeem(authorization, answer)
        account = _store(authorization, grant)
    except FlowError as error:
        _came_to_nothing(authorization, error)
        raise
    except OAuthError as error:
        explained = Explained(error, explain(error, authorization.connection))
        _came_to_nothing(authorization, explained)
        raise explained from error
    account_authenticated.send(sender=OAuthAccount, account=account, request=request, reference=authorization.reference)
    return Finished(account, authorization, _notes(authorization, grant, account))


def _came_to_nothing(authorization: Authorization, error: FlowError) -> None:
    error.authorization = authorization
    if not isinstance(error, AlreadyUsed):  # a page that is reloaded is no other attempt
        note_failure(authorization.user_id, authorization.connection, error, authorization.connection)


def _parameters(request: HttpRequest) -> dict[str, str]:
    for _name, values in request.GET.lists():
        if len(values) > 1 or len(values[0]) > LONGEST or "\0" in values[0]:
            raise Unreadable
    return request.GET.dict()


def _begun_here(request: HttpRequest, state: str) -> Authorization:
    rows = Authorization.objects.select_related("connection", "account")
    authorization = rows.filter(state_hash=_hash(state)).first()
    if authorization is None:
        raise UnknownState
    if not request.user.is_authenticated:
        raise NotSignedIn
    if not begun_by(request, authorization):
        raise ForeignState
    return authorization


def begun_by(request: HttpRequest, authorization: Authorization) -> bool:
    """Whether this user began it, in this session."""
    browser = _hash(request.session.get(SESSION_KEY, ""))
    return authorization.user_id == request.user.pk and _same(browser, authorization.browser_hash)


def _use_up(authorization: Authorization) -> None:
    """Take the only use of a state, before anything is done with what came with it."""
    now = timezone.now()
    unused = Authorization.objects.filter(pk=authorization.pk, finished_at=None)
    if not unused.update(finished_at=now):
        raise AlreadyUsed
    if authorization.is_late(now):
        raise TooLate


def _redeem(authorization: Authorization, answer: Mapping[str, str]) -> Grant:
    provider = provider_of(authorization.connection)
    _check_issuer(provider, answer.get("iss", ""))
    _check_error(answer)
    if not answer.get("code"):
        raise NoCode
    return provider.finish(_context(authorization), answer, authorization.redirect_uri)


def _check_issuer(provider: Provider, found: str) -> None:
    expected = provider.issuer()
    if found and expected and not _same(found, expected):
        raise WrongIssuer(details=found)
    if not found and provider.requires_issuer():
        raise MissingIssuer


def _same(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode(), other.encode())


def _check_error(answer: Mapping[str, str]) -> None:
    code, details = answer.get("error", ""), answer.get("error_description", "")
    if not code:
        return
    if CONSENT_PENDING.search(f"{code} {details}"):
        raise ConsentPending(code=code, details=details)
    if code == "access_denied":
        raise Cancelled(code=code, details=details)
    raise ProviderRefused(code=code, details=details)


def _context(authorization: Authorization) -> dict[str, Any]:
    if isinstance(authorization.context, Undecryptable):
        raise UnknownState  # the site's key was changed meanwhile
    context: dict[str, Any] = json.loads(authorization.context)
    return context


@transaction.atomic
def _store(authorization: Authorization, grant: Grant) -> OAuthAccount:
    """Give the grant to the account of whoever signed in, wherever the sign-in began (S-9)."""
    if grant.identity is None or not grant.identity.subject:
        raise NoIdentity
    # What nobody needs any more; and so this transaction begins by writing, which SQLite lets only one do at a time.
    Authorization.objects.filter(pk=authorization.pk).update(context="")
    connection = OAuthConnection.objects.select_for_update().get(pk=authorization.connection_id)
    known = connection.accounts.select_for_update().filter(kind=AccountKind.USER, subject=grant.identity.subject)
    account = known.first() or OAuthAccount(connection=connection)
    if not grant.refresh_token and not _can_renew(account):
        raise NoRefreshToken
    store(account, grant, authorization.user_id)
    return account


def _can_renew(account: OAuthAccount) -> bool:
    token = account.refresh_token
    return bool(token) and not isinstance(token, Undecryptable) and not account.needs_authentication


def store(account: OAuthAccount, grant: Grant, user_id: int) -> None:
    """Save what was granted, to whom, and by whose doing."""
    tokens.store_grant(account, grant)
    if known := grant.identity:
        account.subject, account.email, account.username = known.subject, known.email, known.username
        account.claims = known.claims
    flag = CHANGE if account.pk else ADDITION
    account.authenticated_at = timezone.now()
    account.authenticated_by_id = user_id
    account.save()
    text = _("Authenticated as %(account)s.") % {"account": account}
    note(user_id, account, text, flag)


def _notes(authorization: Authorization, grant: Grant, account: OAuthAccount) -> list[str]:
    notes = []
    expected = authorization.account
    if expected and expected.pk != account.pk:
        notes.append(
            _(
                "You signed in as %(account)s, not as %(expected)s. %(account)s was stored as an account of its own; "
                "nothing was changed about %(expected)s."
            )
            % {"account": account, "expected": expected}
        )
    granted = {scope.casefold() for scope in grant.scopes}
    refused = [scope for scope in authorization.scopes.split() if granted and scope.casefold() not in granted]
    if refused:
        notes.append(
            _("The provider did not grant: %(scopes)s. Authenticate again, and tick every box there.")
            % {"scopes": " ".join(refused)}
        )
    return notes
