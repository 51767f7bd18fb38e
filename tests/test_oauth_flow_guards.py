"""An answer counts once and leads nowhere else; beginning takes POST, a CSRF token, and whoever began (S-5, S-7)."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest
from django.db import connection, connections
from django.test import Client
from django.urls import reverse

from oauthconnections.models import Authorization, OAuthAccount
from oauthconnections.signals import account_authenticated
from tests.conftest import IdentityProviderFactory
from tests.oauth_flow import begun, come_back, signed_in
from tests.oauth_scene import Scene, stored
from tests.settings_page import Page

pytestmark = pytest.mark.django_db

USED: Final = "This answer was used already"


@pytest.fixture
def scene(identity_provider: IdentityProviderFactory) -> Scene:
    return Scene(identity_provider(), identity_provider())


def test_what_follows_success_is_never_elsewhere(scene: Scene) -> None:
    extra = {
        "next": "https://evil.example",
        "return_to": "https://evil.example",
        "redirect_uri": "https://evil.example",
    }
    response = come_back(scene.kate, scene.returned(), **extra)
    assert response.status_code == 302
    assert response["Location"].startswith("/admin/")


def test_an_answer_counts_once_however_it_is_repeated(scene: Scene) -> None:
    returned = scene.returned()
    assert come_back(scene.kate, returned).status_code == 302
    before = stored()
    response = come_back(scene.kate, returned)
    assert (response.status_code, stored()) == (400, before)
    assert USED in Page.of(response).text
    assert len([request for request in scene.provider.requests if request.params.get("grant_type")]) == 2


def test_of_two_answers_at_once_one_counts(scene: Scene) -> None:
    """The second comes while the first is between reading the state and using it up."""
    returned = scene.returned()
    seconds: list[Any] = []

    def overtake(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE") and "finished_at" in sql and not seconds:
            seconds.append(None)
            seconds[:] = [come_back(scene.kate, returned)]
        return execute(sql, params, many, context)

    with connection.execute_wrapper(overtake):
        first = come_back(scene.kate, returned)
    assert (seconds[0].status_code, first.status_code) == (302, 400)
    assert USED in Page.of(first).text
    assert len([request for request in scene.provider.requests if request.params.get("grant_type")]) == 2


@pytest.mark.django_db(transaction=True)
def test_who_signs_in_several_times_at_once_is_one_account(scene: Scene) -> None:
    """All of them find no account yet; on SQLite they come one after the other."""

    def finish(returned: str) -> int:
        try:
            return int(come_back(scene.kate, returned).status_code)
        finally:
            connections.close_all()

    answers = [scene.returned(begun(scene.kate, scene.connection)) for _number in range(4)]
    if connection.features.has_select_for_update:
        with ThreadPoolExecutor(4) as pool:
            statuses = list(pool.map(finish, answers))
    else:
        statuses = list(map(finish, answers))
    assert statuses == [302] * 4
    assert OAuthAccount.objects.filter(subject="evil").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_state_stays_used_up_and_an_account_stored_whatever_follows(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where each request is one transaction, which an exception takes back."""

    def fail(**call: Any) -> None:
        raise RuntimeError

    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    account_authenticated.connect(fail)
    try:
        with pytest.raises(RuntimeError):
            come_back(scene.kate, scene.returned())
    finally:
        account_authenticated.disconnect(fail)
    assert OAuthAccount.objects.filter(subject="evil").exists()
    assert Authorization.objects.latest("pk").finished_at


# --- beginning ---

BEGINNINGS: Final = ["oauthconnection_authenticate", "oauthconnection_application", "oauthaccount_authenticate"]


@pytest.mark.parametrize("name", BEGINNINGS)
def test_a_flow_begins_by_post_only(scene: Scene, name: str) -> None:  # S-7
    before = Authorization.objects.count()
    address = reverse(f"admin:oauthconnections_{name}", args=[scene.connection.accounts.get().pk])
    assert scene.kate.get(address).status_code == 405
    assert Authorization.objects.count() == before


@pytest.mark.parametrize("name", [*BEGINNINGS, "oauthaccount_renew", "oauthaccount_disconnect"])
def test_nothing_happens_without_a_csrf_token(scene: Scene, name: str) -> None:  # S-7
    client = Client(enforce_csrf_checks=True)
    client.force_login(Authorization.objects.latest("pk").user)
    before = stored()
    address = reverse(f"admin:oauthconnections_{name}", args=[scene.connection.accounts.get().pk])
    assert client.post(address).status_code == 403
    assert stored() == before


def test_again_has_csrf_protection_too(scene: Scene) -> None:
    client = Client(enforce_csrf_checks=True)
    client.cookies = scene.kate.cookies
    address = reverse("oauthconnections:again", args=[Authorization.objects.latest("pk").pk])
    assert client.post(address).status_code == 403
    assert client.get(address).status_code == 405


def test_nobody_repeats_what_another_began(scene: Scene) -> None:
    before = Authorization.objects.count()
    address = reverse("oauthconnections:again", args=[Authorization.objects.latest("pk").pk])
    assert scene.mallory.post(address).status_code == 403
    assert signed_in(Authorization.objects.latest("pk").user).post(address).status_code == 403
    assert Client().post(address).status_code == 403
    assert Authorization.objects.count() == before
