"""Many processes renew a token once, and one that is killed in the middle leaves an account that can be mended."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final
from uuid import uuid4

import pytest

from oauthconnections.providers import Grant
from tests.conftest import IdentityProviderFactory
from tests.oauth_accounts import signed_in, unsaved
from tests.servers.identity_provider import IdentityProvider, Request
from tests.servers.mariadb import mariadb
from tests.servers.postgresql import postgresql
from tests.servers.processes import Site

pytestmark = pytest.mark.slow

DATABASES: Final = ["sqlite", "postgresql", pytest.param("mariadb", marks=pytest.mark.mariadb)]

CREATE: Final = """
from oauthconnections.models import OAuthAccount, OAuthConnection
connection = OAuthConnection.objects.create(**given["connection"])
answer(OAuthAccount.objects.create(connection=connection, **given["account"]).pk)
"""
LOAD: Final = """
import os
from oauthconnections import tokens
from oauthconnections.models import OAuthAccount
account = OAuthAccount.objects.get(pk=given["account"])
"""
USE: Final = """
try:
    found = {"token": str(tokens.access_token(account))}
except tokens.ReauthenticationRequired as error:
    found = {"error": "ReauthenticationRequired", "code": error.code}
except tokens.TokenUnavailable as error:
    found = {"error": "TokenUnavailable", "code": error.code, "details": str(error) + error.details}
answer(found)
"""
KILL: Final = {
    "the provider has answered": """
def die(*arguments):
    os.kill(os.getpid(), 9)
tokens.store_grant = die
""",
    "the row was written": """
save = OAuthAccount.save
def save_and_die(*arguments, **options):
    save(*arguments, **options)
    os.kill(os.getpid(), 9)
OAuthAccount.save = save_and_die
""",
}
"""How a process is killed between what the provider answered and the commit."""


@pytest.fixture(scope="module", params=DATABASES)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with ExitStack() as running:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('site') / 'db'}"
        elif request.param == "postgresql":
            url = running.enter_context(postgresql())
        else:
            url = running.enter_context(mariadb()).replace("/mailconfig?", "/test?")  # which is there from the start
        site = Site(url)
        site.migrate()
        yield site


def create_account(site: Site, provider: IdentityProvider) -> tuple[int, Grant]:
    grant = signed_in(provider, unsaved(provider))
    account = {"email": "jane@example.com", "expires_at": "2026-01-01T00:00Z", "scopes": " ".join(grant.scopes)}
    account |= {"access_token": str(grant.access_token), "refresh_token": str(grant.refresh_token)}
    ended = site.run(CREATE, connection={"name": uuid4().hex, **provider.connection_fields()}, account=account)
    assert ended.status == 0, ended.errors
    return int(ended.answer), grant


def test_sixteen_processes_renew_once(identity_provider: IdentityProviderFactory, site: Site) -> None:  # S-10, P10
    provider = identity_provider(rotate=True)
    account, old = create_account(site, provider)

    def slowly(request: Request) -> None:
        time.sleep(0.5)

    provider.faults["token"] = slowly
    ended = site.run_at_once(USE, [{"account": account}] * 16, prepare=LOAD)
    assert [process.errors for process in ended if process.status] == []
    answers = [process.answer for process in ended]
    assert answers == [answers[0]] * 16
    assert provider.is_active(answers[0]["token"])
    assert answers[0]["token"] != old.access_token
    assert provider.refreshes == 1


@pytest.mark.parametrize("rotate", [True, False])
@pytest.mark.parametrize("moment", KILL)
def test_a_killed_process_leaves_an_account_that_can_be_mended(
    identity_provider: IdentityProviderFactory, site: Site, moment: str, rotate: bool
) -> None:  # S-10
    provider = identity_provider(rotate=rotate)
    account, _old = create_account(site, provider)
    killed = site.run(LOAD + KILL[moment] + USE, account=account)
    assert (killed.status, killed.answer, provider.refreshes) == (-9, None, 1)
    for _turn in range(2):
        ended = site.run(LOAD + USE, account=account)
        assert ended.status == 0, ended.errors
        if rotate:  # the provider has forgotten the only refresh token that there is
            assert ended.answer == {"error": "ReauthenticationRequired", "code": "invalid_grant"}
        else:
            assert provider.is_active(ended.answer["token"])
        assert provider.refreshes == 2
