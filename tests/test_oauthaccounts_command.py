"""Accounts are listed and renewed from the command line, and by a task, so that no provider forgets them."""

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from oauthconnections import tasks
from oauthconnections.models import OAuthAccount
from oauthconnections.providers.microsoft import Microsoft
from oauthconnections.tokens import ReauthenticationRequired, access_token
from tests.conftest import IdentityProviderFactory
from tests.oauth_accounts import account_of, application_of, changed, connected, expired
from tests.servers.identity_provider import IdentityProvider


@pytest.fixture(autouse=True)
def a_database(db: None) -> None:
    pass


@pytest.fixture
def provider(identity_provider: IdentityProviderFactory) -> IdentityProvider:
    return identity_provider("microsoft")


def run(*arguments: str) -> tuple[int, str]:
    """Exit status and output."""
    out = io.StringIO()
    try:
        call_command("oauthaccounts", *arguments, stdout=out)
    except SystemExit as ending:
        return int(ending.code or 0), out.getvalue()
    return 0, out.getvalue()


def run_json(*arguments: str) -> tuple[int, Any]:
    status, out = run(*arguments, "--json")
    return status, json.loads(out)


def idle(account: OAuthAccount, days: float) -> OAuthAccount:
    return changed(account, last_refreshed_at=timezone.now() - timedelta(days=days))


def test_without_accounts_there_is_nothing_to_do() -> None:
    assert run("list") == (0, "There are no accounts.\n")
    assert run_json("refresh") == (0, {"ok": True, "accounts": []})


def test_all_accounts_are_renewed(provider: IdentityProvider) -> None:
    connection = connected(provider)
    account, application = account_of(provider, connection), application_of(provider, connection)
    before = [str(account.access_token), str(application.access_token)]
    status, found = run_json("refresh")
    assert (status, found["ok"]) == (0, True)
    rows = list(OAuthAccount.objects.order_by("pk"))
    for row, old in zip(rows, before, strict=True):
        assert row.access_token != old
        assert provider.is_active(str(row.access_token))
    assert found["accounts"][0] == {
        "id": account.pk,
        "connection": "Example Ltd",
        "provider": "microsoft",
        "account": "jane@example.com",
        "state": "ok",
        "expires_at": rows[0].expires_at.isoformat() if rows[0].expires_at else "",
        "ok": True,
        "error": "",
    }


def test_it_can_be_read_by_people(provider: IdentityProvider) -> None:
    account = account_of(provider)
    status, out = run("refresh")
    assert status == 0
    assert out.startswith(f"{account.pk}: jane@example.com (Example Ltd) works. Its token is valid until ")
    provider.revoke_grants()
    status, out = run("refresh")
    assert status == 1
    assert out.startswith(f"{account.pk}: jane@example.com (Example Ltd): The account jane@example.com has to be ")
    assert "AADSTS700082" in out


def test_one_that_fails_does_not_stop_the_others(
    provider: IdentityProvider, identity_provider: IdentityProviderFactory
) -> None:
    other = identity_provider()
    lost = account_of(other, connected(other, name="Other Ltd"))
    account_of(provider)
    other.revoke_grants()
    status, found = run_json("refresh")
    assert status == 1
    assert found["ok"] is False
    by_id = {one["id"]: one for one in found["accounts"]}
    assert [by_id[lost.pk][name] for name in ("ok", "state")] == [False, "needs_authentication"]
    assert "has to be authenticated again. The refresh token is expired" in by_id[lost.pk]["error"]
    assert [one["ok"] for one in found["accounts"]] == [False, True]


def test_what_nobody_expected_does_not_stop_the_others(
    provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    connection = connected(provider)
    broken, account = account_of(provider, connection), account_of(provider, connection)
    monkeypatch.setattr("oauthconnections.providers.microsoft.Microsoft.refresh", _fail_once(str(broken.refresh_token)))
    status, found = run_json("refresh")
    assert (status, [one["ok"] for one in found["accounts"]]) == (1, [False, True])
    assert found["accounts"][0]["error"] == "ZeroDivisionError"
    assert f"OAuth account {broken.pk} can't be renewed" in caplog.text
    assert account.pk == found["accounts"][1]["id"]


def _fail_once(token: str) -> Any:
    refresh = Microsoft.refresh

    def fail(self: Microsoft, refresh_token: str, scopes: Any) -> Any:
        return 1 // 0 if refresh_token == token else refresh(self, refresh_token, scopes)

    return fail


@pytest.mark.parametrize(("days", "renewed"), [("3", 1), ("0.5", 1), ("30", 0)])
def test_only_idle_ones_can_be_chosen(provider: IdentityProvider, days: str, renewed: int) -> None:
    connection = connected(provider)
    idle(account_of(provider, connection), 10)
    account_of(provider, connection)
    status, found = run_json("refresh", "--idle-days", days)
    assert (status, len(found["accounts"]), provider.refreshes) == (0, renewed, renewed)


def test_one_account_can_be_chosen(provider: IdentityProvider) -> None:
    connection = connected(provider)
    account = account_of(provider, connection)
    account_of(provider, connection)
    _status, found = run_json("refresh", "--account", str(account.pk))
    assert [one["id"] for one in found["accounts"]] == [account.pk]
    with pytest.raises(CommandError, match="There is no account 0"):
        run("refresh", "--account", "0")


def test_the_list_asks_no_provider(provider: IdentityProvider) -> None:
    account = account_of(provider)
    asked = len(provider.requests)
    assert run_json("list")[0] == 0
    changed(account, last_error="invalid_client: AADSTS7000222: expired")
    status, found = run_json("list")
    one = found["accounts"][0]
    assert (status, one["state"], one["error"]) == (1, "failing", "invalid_client: AADSTS7000222: expired")
    assert len(provider.requests) == asked


def test_no_token_is_printed(provider: IdentityProvider) -> None:  # S-2
    account = account_of(provider)
    _status, out = run("list", "--json")
    account.refresh_from_db()
    _status, refreshed = run("refresh", "--json")
    for row in (account, OAuthAccount.objects.get()):
        assert str(row.access_token) not in out + refreshed
        assert str(row.refresh_token) not in out + refreshed


def test_tokens_that_cannot_be_decrypted_are_listed(provider: IdentityProvider, settings: Settings) -> None:  # S-3
    account_of(provider)
    settings.SECRET_KEY = "another key, which opens nothing of what was stored before it"
    assert run_json("list")[1]["accounts"][0]["state"] == "undecryptable"
    status, found = run_json("refresh")
    assert status == 1
    assert "can't be decrypted" in found["accounts"][0]["error"]


# --- the task ---


def test_the_task_renews_what_is_idle(provider: IdentityProvider) -> None:
    connection = connected(provider)
    idle(account_of(provider, connection), 8)
    account_of(provider, connection)
    assert tasks.renew_idle_accounts.call() == {"renewed": 1, "failed": 0}
    assert tasks.renew_idle_accounts.call() == {"renewed": 0, "failed": 0}
    assert tasks.renew_idle_accounts.call(idle_days=0) == {"renewed": 2, "failed": 0}


def test_the_task_leaves_alone_what_only_a_person_can_mend(provider: IdentityProvider) -> None:
    account = expired(account_of(provider))
    provider.revoke_grants()
    with pytest.raises(ReauthenticationRequired):
        access_token(account)
    idle(account, 8)
    assert tasks.renew_idle_accounts.call() == {"renewed": 0, "failed": 0}
    assert provider.refreshes == 1


def test_the_task_counts_what_fails(provider: IdentityProvider) -> None:
    idle(account_of(provider), 8)
    provider.faults["token"] = "close"
    assert tasks.renew_idle_accounts.call() == {"renewed": 0, "failed": 1}


def test_the_task_runs_where_tasks_run(provider: IdentityProvider) -> None:
    idle(account_of(provider), 8)
    result = tasks.renew_idle_accounts.enqueue()
    assert result.return_value == {"renewed": 1, "failed": 0}
