"""An access token is renewed early, kept when a renewal fails, and asked for no more once only a person can help."""

import logging
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings

from oauthconnections import tokens
from oauthconnections.fields import Undecryptable
from oauthconnections.models import OAuthAccount
from oauthconnections.providers import Grant
from oauthconnections.signals import account_lost
from oauthconnections.tokens import ReauthenticationRequired, TokenUnavailable, access_token, renew
from tests import settings as project
from tests.conftest import IdentityProviderFactory
from tests.oauth_accounts import SCOPES, account_of, application_of, changed, connected, expired
from tests.servers.identity_provider import IdentityProvider, aadsts

KINDS = sorted(SCOPES)


@pytest.fixture(autouse=True)
def a_database(db: None) -> None:
    pass


@pytest.fixture
def provider(identity_provider: IdentityProviderFactory) -> IdentityProvider:
    """One that forgets a refresh token once it was used."""
    return identity_provider(rotate=True)


@pytest.fixture
def lost() -> Iterator[list[OAuthAccount]]:
    """Accounts of which it was said that they work no longer."""
    told: list[OAuthAccount] = []

    def receive(account: OAuthAccount, **kwargs: Any) -> None:
        told.append(account)

    account_lost.connect(receive)
    yield told
    account_lost.disconnect(receive)


def stored(account: OAuthAccount) -> OAuthAccount:
    return OAuthAccount.objects.get(pk=account.pk)


# --- when it is renewed ---


def test_a_fresh_token_costs_nothing(
    provider: IdentityProvider, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    account = account_of(provider)
    with django_assert_num_queries(0):
        assert access_token(account) == account.access_token
    assert provider.refreshes == 0


@pytest.mark.parametrize(("seconds_left", "renewed"), [(310, False), (290, True), (1, True), (-1, True), (-9e6, True)])
def test_a_token_is_renewed_five_minutes_before_it_ends(
    provider: IdentityProvider, seconds_left: float, renewed: bool
) -> None:  # S-10
    account = expired(account_of(provider), seconds_left)
    before = account.access_token
    assert (access_token(account) != before) is renewed
    assert provider.refreshes == renewed


@pytest.mark.parametrize(("lifetime", "left", "renewed"), [(240, 130, False), (240, 110, True), (600, 290, True)])
def test_a_token_of_short_life_is_renewed_in_its_second_half(
    provider: IdentityProvider, lifetime: int, left: int, renewed: bool
) -> None:
    account = account_of(provider)
    ends = timezone.now() + timedelta(seconds=left)
    changed(account, expires_at=ends, last_refreshed_at=ends - timedelta(seconds=lifetime))
    access_token(account)
    assert provider.refreshes == renewed


def test_a_short_life_is_no_endless_renewing(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider(lifetime=60)
    account = account_of(provider)
    for _turn in range(3):
        access_token(account)
    assert provider.refreshes == 0


def test_an_account_of_which_nothing_is_known_is_renewed(provider: IdentityProvider) -> None:
    account = account_of(provider, expires_at=None, last_refreshed_at=None)
    assert provider.is_active(access_token(account))
    assert provider.refreshes == 1


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_renewed_is_in_the_row_and_in_the_object(
    identity_provider: IdentityProviderFactory, kind: str
) -> None:  # S-10
    provider = identity_provider(kind)
    account = expired(account_of(provider, last_error="server_error: Try later"))
    before = stored(account)
    token = access_token(account)
    assert provider.is_active(token)
    for row in (account, stored(account)):
        assert row.access_token == token
        assert row.expires_at
        assert row.expires_at > timezone.now() + timedelta(minutes=55)
        assert row.last_refreshed_at
        assert row.last_refreshed_at > timezone.now() - timedelta(minutes=1)
        assert (row.last_error, row.needs_authentication) == ("", False)
        assert row.scopes == before.scopes
    assert (stored(account).refresh_token == before.refresh_token) is (kind != "microsoft")


def test_a_refresh_token_is_not_lost_where_none_comes(identity_provider: IdentityProviderFactory) -> None:  # S-10
    provider = identity_provider("google")
    account = expired(account_of(provider))
    refresh_token = account.refresh_token
    access_token(account)
    assert stored(account).refresh_token == refresh_token
    access_token(expired(account))
    assert provider.refreshes == 2


def test_a_rotated_refresh_token_is_kept(provider: IdentityProvider) -> None:  # S-10
    account = account_of(provider)
    for _turn in range(3):
        assert provider.is_active(access_token(expired(account)))
    assert provider.refreshes == 3


def test_what_another_process_has_renewed_is_taken(provider: IdentityProvider) -> None:  # S-10
    account = expired(account_of(provider))
    token = access_token(stored(account))
    assert access_token(account) == token
    assert provider.refreshes == 1


def test_an_application_asks_anew(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider("microsoft")
    account = expired(application_of(provider))
    token = access_token(account)
    assert provider.is_active(token)
    assert stored(account).access_token == token
    assert [request.params["grant_type"] for request in provider.requests] == ["client_credentials"] * 2


# --- a token that a server has refused ---


def test_a_refused_token_is_renewed_once(provider: IdentityProvider) -> None:  # S-10
    account = account_of(provider)
    other = stored(account)
    refused = str(account.access_token)
    token = access_token(account, rejected=refused)
    assert token != refused
    assert access_token(other, rejected=refused) == token
    assert provider.refreshes == 1


def test_a_refused_token_is_never_given_again(provider: IdentityProvider) -> None:
    account = account_of(provider)
    provider.faults["token"] = (503, {})
    with pytest.raises(TokenUnavailable, match="status 503"):
        access_token(account, rejected=str(account.access_token))


def test_a_refused_token_that_cannot_be_renewed_is_no_lost_account(provider: IdentityProvider) -> None:
    account = account_of(provider, refresh_token="")
    with pytest.raises(TokenUnavailable):
        access_token(account, rejected=str(account.access_token))
    assert access_token(account) == account.access_token
    assert not stored(account).needs_authentication


def test_renewing_does_not_wait_for_the_end(provider: IdentityProvider) -> None:
    account = account_of(provider)
    before, other = str(account.access_token), stored(account)
    assert renew(account) is account
    assert account.access_token != before
    assert renew(other).access_token == account.access_token  # somebody else was first
    assert provider.refreshes == 1


# --- what fails for the moment ---

PASSING: list[Any] = ["close", (500, {}), (503, b"<html>"), (429, {}), (200, b"<html>"), (200, {})]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", PASSING, ids=str)
def test_a_failing_provider_does_not_mark_the_account(
    identity_provider: IdentityProviderFactory, lost: list[OAuthAccount], kind: str, fault: Any
) -> None:  # S-11
    provider = identity_provider(kind)
    account = expired(account_of(provider))
    provider.faults["token"] = fault
    with pytest.raises(TokenUnavailable, match=r"no access token for jane@example\.com just now: .*localhost"):
        access_token(account)
    row = stored(account)
    assert not row.needs_authentication
    assert "localhost does not answer as it should" in row.last_error
    assert account.last_error == row.last_error
    assert (row.refresh_token, lost) == (account.refresh_token, [])
    del provider.faults["token"]
    assert provider.is_active(access_token(account))
    assert stored(account).last_error == ""


def test_meanwhile_the_old_token_is_used(provider: IdentityProvider) -> None:
    account = expired(account_of(provider), seconds_left=100)
    provider.faults["token"] = (500, {})
    assert access_token(account) == account.access_token
    assert "status 500" in stored(account).last_error


def test_an_answer_that_was_lost_on_the_way_needs_a_person(provider: IdentityProvider) -> None:
    account = expired(account_of(provider))
    provider.faults["token"] = "lost"
    with pytest.raises(TokenUnavailable):
        access_token(account)
    del provider.faults["token"]
    with pytest.raises(ReauthenticationRequired):  # the provider has forgotten the only refresh token that there is
        access_token(account)


def test_words_that_no_database_takes_are_stored_without_them(provider: IdentityProvider) -> None:
    account = expired(account_of(provider))
    provider.faults["token"] = (400, {"error": "invalid_grant", "error_description": "No\0no"})
    with pytest.raises(ReauthenticationRequired):
        access_token(account)
    assert stored(account).last_error == "invalid_grant: No no"


@pytest.mark.parametrize("code", ["invalid_client", "unauthorized_client", "invalid_scope", "something_new"])
def test_a_refused_client_does_not_mark_its_accounts(
    provider: IdentityProvider, lost: list[OAuthAccount], code: str
) -> None:  # S-11
    account = expired(account_of(provider))
    provider.faults["token"] = aadsts(code, "AADSTS7000222: The provided client secret keys are expired.")
    with pytest.raises(TokenUnavailable) as caught:
        access_token(account)
    assert caught.value.code == code
    assert caught.value.details.startswith("AADSTS7000222: ")
    row = stored(account)
    assert row.last_error.startswith(f"{code}: AADSTS7000222: ")
    assert (row.needs_authentication, lost) == (False, [])


# --- what only a person can mend ---


@pytest.mark.parametrize("code", ["invalid_grant", "interaction_required", "consent_required", "login_required"])
def test_a_lost_account_is_marked_and_told_once(
    provider: IdentityProvider,
    lost: list[OAuthAccount],
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    code: str,
) -> None:  # S-11
    account = expired(account_of(provider))
    kept = stored(account)
    provider.faults["token"] = aadsts(code, "AADSTS50173: The provided grant has expired due to it being revoked.")
    caplog.set_level(logging.INFO, "oauthconnections")
    with django_capture_on_commit_callbacks(execute=True):
        for _turn in range(3):
            with pytest.raises(ReauthenticationRequired, match=r"jane@example.com has to be") as caught:
                access_token(account)
            assert caught.value.code == code
            assert caught.value.details.startswith("AADSTS50173: ")
    assert (provider.refreshes, [row.pk for row in lost]) == (1, [account.pk])
    assert len(caplog.records) == 1
    assert str(kept.refresh_token) not in caplog.text
    row = stored(account)
    assert row.needs_authentication
    assert row.last_error.startswith(f"{code}: AADSTS50173: ")
    for name in ("refresh_token", "scopes", "email", "subject"):  # every setting stays
        assert getattr(row, name) == getattr(kept, name)


def test_a_lost_account_is_not_used_to_its_end(provider: IdentityProvider) -> None:
    account = expired(account_of(provider), seconds_left=100)
    provider.revoke_grants()
    with pytest.raises(ReauthenticationRequired):
        access_token(account)


def test_whoever_has_an_old_object_is_told_too(provider: IdentityProvider) -> None:
    account = expired(account_of(provider))
    old = stored(account)
    provider.revoke_grants()
    for row in (account, old):
        with pytest.raises(ReauthenticationRequired):
            access_token(row)
    assert provider.refreshes == 1


def test_authenticated_again_it_works_also_for_an_old_object(provider: IdentityProvider) -> None:
    account = expired(account_of(provider))
    provider.revoke_grants()
    with pytest.raises(ReauthenticationRequired):
        access_token(account)
    again = account_of(provider, account.connection)
    row = stored(account)
    tokens.store_grant(row, Grant(str(again.access_token), again.expires_at or timezone.now(), "r"))
    row.save()
    assert access_token(account) == again.access_token


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_refresh_token_it_ends_with_the_access_token(
    identity_provider: IdentityProviderFactory, kind: str
) -> None:
    provider = identity_provider(kind, send_refresh_token=False)
    account = expired(account_of(provider), seconds_left=100)
    assert access_token(account) == account.access_token
    with pytest.raises(ReauthenticationRequired) as caught:
        access_token(expired(account))
    assert caught.value.code == "no_refresh_token"
    assert stored(account).needs_authentication
    assert provider.refreshes == 0


def test_a_deleted_account_is_said(provider: IdentityProvider) -> None:
    account = expired(account_of(provider))
    OAuthAccount.objects.all().delete()
    with pytest.raises(TokenUnavailable, match="it was deleted"):
        access_token(account)


# --- keys that were changed ---


def with_other_key(account: OAuthAccount, settings: Settings) -> OAuthAccount:
    settings.SECRET_KEY = "another key, which opens nothing of what was stored before it"
    return OAuthAccount.objects.select_related("connection").get(pk=account.pk)


def test_tokens_that_cannot_be_decrypted_are_said(provider: IdentityProvider, settings: Settings) -> None:  # S-3
    account = with_other_key(account_of(provider), settings)
    with pytest.raises(ReauthenticationRequired) as caught:
        access_token(account)
    assert (caught.value.code, caught.value.details) == ("undecryptable", "The stored tokens can't be decrypted.")
    assert provider.refreshes == 0
    settings.SECRET_KEY = project.SECRET_KEY
    row = stored(account)
    assert not row.needs_authentication
    assert provider.is_active(access_token(row))


def test_an_access_token_that_cannot_be_decrypted_is_renewed(provider: IdentityProvider) -> None:  # S-3
    account = account_of(provider)
    OAuthAccount.objects.update(access_token=Undecryptable("enc:v1:x"))
    assert provider.is_active(access_token(stored(account)))


def test_a_client_secret_that_cannot_be_decrypted_is_said(provider: IdentityProvider) -> None:  # S-3
    account = expired(account_of(provider, connected(provider)))
    type(account.connection).objects.update(client_secret=Undecryptable("enc:v1:x"))
    with pytest.raises(TokenUnavailable, match="its client secret can't be decrypted"):
        access_token(stored(account))
    assert not stored(account).needs_authentication


def test_no_token_is_in_an_error(provider: IdentityProvider) -> None:  # S-2
    account = expired(account_of(provider))

    def repeat(request: Any) -> Any:
        return aadsts("invalid_grant", f"AADSTS70000: {request.params}")

    provider.faults["token"] = repeat
    with pytest.raises(ReauthenticationRequired) as caught:
        access_token(account)
    told = repr(caught.value) + caught.value.details + stored(account).last_error
    assert str(account.refresh_token) not in told


def test_only_the_columns_of_a_grant_are_written(provider: IdentityProvider) -> None:
    account = expired(account_of(provider))
    with database.execute_wrapper(_refuse_columns("email", "claims", "authenticated_at")):
        access_token(account)


def _refuse_columns(*names: str) -> Callable[..., Any]:
    def refuse(execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        assert not (sql.startswith("UPDATE") and re.search(rf"\b({'|'.join(names)})\b.+WHERE", sql)), sql
        return execute(sql, *arguments)

    return refuse
