"""What a provider has answered is kept, whatever becomes of the transaction of whoever asked for a token."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from oauthconnections import tokens
from oauthconnections.models import OAuthAccount
from oauthconnections.signals import account_lost
from oauthconnections.tokens import ReauthenticationRequired, TokenUnavailable, access_token
from tests.conftest import IdentityProviderFactory
from tests.oauth_accounts import account_of, expired
from tests.servers.identity_provider import IdentityProvider

pytestmark = pytest.mark.django_db(transaction=True)


class RolledBackError(Exception):
    pass


@pytest.fixture
def provider(identity_provider: IdentityProviderFactory) -> IdentityProvider:
    return identity_provider(rotate=True)


@pytest.fixture
def lost() -> Iterator[list[int]]:
    told: list[int] = []

    def receive(account: OAuthAccount, **kwargs: Any) -> None:
        assert not connection.in_atomic_block
        told.append(account.pk)

    account_lost.connect(receive)
    yield told
    account_lost.disconnect(receive)


def stored(account: OAuthAccount) -> OAuthAccount:
    return OAuthAccount.objects.get(pk=account.pk)


def has_row_locks() -> bool:
    """SQLite has none, and one writer, so a renewal is a part of the transaction in which it was asked for."""
    return connection.features.has_select_for_update


def test_a_caller_that_fails_takes_no_token_along(provider: IdentityProvider) -> None:  # S-10
    account = expired(account_of(provider))
    with transaction.atomic():
        token = access_token(account)
        transaction.set_rollback(True)
    assert provider.is_active(token)
    assert account.access_token == token
    if has_row_locks():
        assert stored(account).access_token == token
        assert provider.is_active(access_token(expired(stored(account))))
    else:
        with pytest.raises(ReauthenticationRequired):
            access_token(stored(account))


def test_a_caller_that_succeeds_keeps_the_token(provider: IdentityProvider) -> None:  # S-10
    account = expired(account_of(provider))
    with transaction.atomic():
        token = access_token(account)
        assert access_token(account) == token
    assert stored(account).access_token == token
    assert provider.refreshes == 1


def test_a_caller_that_fails_does_not_revive_a_lost_account(
    provider: IdentityProvider, lost: list[int]
) -> None:  # S-11
    account = expired(account_of(provider))
    provider.revoke_grants()
    with pytest.raises(ReauthenticationRequired), transaction.atomic():
        access_token(account)
    assert stored(account).needs_authentication is has_row_locks()
    assert lost == ([account.pk] if has_row_locks() else [])


def test_a_lost_account_is_told_of_after_it_is_marked(provider: IdentityProvider, lost: list[int]) -> None:  # S-11
    account = expired(account_of(provider))
    provider.revoke_grants()
    for _turn in range(2):
        with pytest.raises(ReauthenticationRequired):
            access_token(account)
    assert stored(account).needs_authentication
    assert lost == [account.pk]


def test_a_receiver_that_fails_does_no_harm(provider: IdentityProvider) -> None:
    def fail(**kwargs: Any) -> None:
        raise RolledBackError

    account = expired(account_of(provider))
    provider.revoke_grants()
    account_lost.connect(fail)
    try:
        with pytest.raises(ReauthenticationRequired):
            access_token(account)
    finally:
        account_lost.disconnect(fail)
    assert stored(account).needs_authentication


def test_whoever_waited_learns_of_the_failure_at_once(
    provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "WAITED", -1.0)
    account = expired(account_of(provider, last_error="server_error: Try later"))
    with pytest.raises(TokenUnavailable) as caught:
        access_token(account)
    assert (caught.value.code, caught.value.details) == ("server_error", "Try later")
    assert provider.refreshes == 0
