"""Forged, replayed and foreign answers at the redirect URI: none is accepted, each has its sentence (S-5, S-7)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import jwt
import pytest
from django.urls import reverse

from oauthconnections.fields import Undecryptable
from oauthconnections.models import Authorization, OAuthConnection
from tests.conftest import IdentityProviderFactory
from tests.oauth_flow import CALLBACK, begun, come_back, keeper, signed_in
from tests.oauth_scene import Scene, stored
from tests.servers.identity_provider import Request
from tests.settings_page import Page

pytestmark = pytest.mark.django_db

UNKNOWN: Final = "This answer belongs to no sign-in that was begun here."
FOREIGN: Final = "This sign-in was begun by another user, or in another browser or session."
NOT_SIGNED_IN: Final = "this site does not know you in this browser"
USED: Final = "This answer was used already"
LATE: Final = "More than 10 minutes have passed since you began."
MIXED_UP: Final = "This answer comes from another provider than the one that you were sent to."
NO_ISSUER: Final = "This answer does not say which provider it comes from"
UNREADABLE: Final = "This answer can't be read"
NO_CODE: Final = "The provider sent you back with neither a code nor an error."
NO_ADDRESS: Final = 405


def without(address: str, *names: str) -> str:
    parts = urlsplit(address)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name not in names]
    return urlunsplit(parts._replace(query=urlencode(query)))


# --- state ---


def no_state(scene: Scene) -> Any:
    return come_back(scene.kate, scene.returned(), state=None)


def empty_state(scene: Scene) -> Any:
    return come_back(scene.kate, scene.returned(), state="")


def guessed_state(scene: Scene) -> Any:
    return come_back(scene.kate, scene.returned(), state="a" * 43)


def state_in_other_case(scene: Scene) -> Any:
    return come_back(scene.kate, scene.returned(), state=scene.value("state").swapcase())


def longer_state(scene: Scene) -> Any:
    return come_back(scene.kate, scene.returned(), state=scene.value("state") + "=")


def hash_of_state(scene: Scene) -> Any:
    """What somebody finds who can read the database."""
    return come_back(scene.kate, scene.returned(), state=Authorization.objects.latest("pk").state_hash)


def nul_in_state(scene: Scene) -> Any:
    return come_back(scene.kate, scene.returned(), state=scene.value("state") + "\0")


def huge_state(scene: Scene) -> Any:
    return come_back(scene.kate, scene.returned(), state="a" * 1024 * 1024)


def state_twice(scene: Scene) -> Any:
    return scene.kate.get(f"{CALLBACK}?{urlsplit(scene.returned()).query}&state={scene.value('state')}")


def code_twice(scene: Scene) -> Any:
    return scene.kate.get(f"{CALLBACK}?{urlsplit(scene.returned()).query}&code=another")


def replayed(scene: Scene) -> Any:
    returned = scene.returned()
    come_back(scene.kate, returned, error="access_denied", code=None)
    return come_back(scene.kate, returned)


def too_late(scene: Scene) -> Any:
    row = Authorization.objects.latest("pk")
    Authorization.objects.filter(pk=row.pk).update(began_at=row.began_at - timedelta(seconds=601))
    return come_back(scene.kate, scene.returned())


def late_and_repeated(scene: Scene) -> Any:
    too_late(scene)
    Authorization.objects.update(began_at=Authorization.objects.latest("pk").began_at + timedelta(seconds=601))
    return come_back(scene.kate, scene.returned())


# --- who ---


def login_csrf(scene: Scene) -> Any:
    """Mallory's answer, opened by Kate: her site would send mail from his account."""
    return come_back(scene.kate, scene.returned(begun(scene.mallory, scene.connection)))


def stolen_answer(scene: Scene) -> Any:
    return come_back(scene.mallory, scene.returned())


def other_browser_of_the_same_user(scene: Scene) -> Any:
    user = Authorization.objects.latest("pk").user
    client = signed_in(user)
    begun(client, scene.connection)  # so that this session has a value of its own
    return come_back(client, scene.returned())


def session_without_a_beginning(scene: Scene) -> Any:
    return come_back(signed_in(Authorization.objects.latest("pk").user), scene.returned())


def another_user_in_the_same_browser(scene: Scene) -> Any:
    scene.kate.force_login(keeper("nina"))
    return come_back(scene.kate, scene.returned())


def signed_out(scene: Scene) -> Any:
    scene.kate.logout()
    return come_back(scene.kate, scene.returned())


def deactivated(scene: Scene) -> Any:
    user = Authorization.objects.latest("pk").user
    user.is_active = False
    user.save()
    return come_back(scene.kate, scene.returned())


# --- which provider ---


def code_of_another_provider(scene: Scene) -> Any:
    """Mixed up (RFC 9207): the code of one provider, to be sent to another's token endpoint."""
    code = dict(parse_qsl(urlsplit(scene.other.authorize(begun(scene.kate, scene.second))).query))
    return come_back(scene.kate, scene.returned(), code=code["code"], iss=code["iss"])


def swapped_states_of_two_connections(scene: Scene) -> Any:
    begun_second = begun(scene.kate, scene.second)
    return come_back(scene.kate, scene.other.authorize(begun_second), state=scene.value("state"))


def no_issuer(scene: Scene) -> Any:
    return come_back(scene.kate, scene.returned(), iss=None)


def issuer_in_other_case(scene: Scene) -> Any:
    return come_back(scene.kate, scene.returned(), iss=scene.provider.issuer.upper())


def issuer_with_a_slash(scene: Scene) -> Any:
    return come_back(scene.kate, scene.returned(), iss=scene.provider.issuer + "/x")


def other_connection_meanwhile(scene: Scene) -> Any:
    """Somebody who may change the connection wants Kate's code and verifier sent elsewhere."""
    page = reverse("admin:oauthconnections_oauthconnection_change", args=[scene.connection.pk])
    posted = {"name": "Contoso", "issuer": scene.other.issuer, "client_id": scene.other.client_id}
    scene.mallory.post(page, {**posted, "client_secret": scene.other.client_secret})
    assert OAuthConnection.objects.get(pk=scene.connection.pk).issuer == scene.other.issuer
    return come_back(scene.kate, scene.returned())


# --- code ---


def swapped_states_of_two_flows(scene: Scene) -> Any:
    return come_back(scene.kate, scene.returned(begun(scene.kate, scene.connection)), state=scene.value("state"))


def injected_code(scene: Scene) -> Any:
    """Mallory's code in Kate's answer."""
    code = scene.value("code", scene.returned(begun(scene.mallory, scene.connection)))
    return come_back(scene.kate, scene.returned(), code=code)


def injected_code_without_pkce(scene: Scene) -> Any:
    """The same by a provider that lets PKCE be left out (RFC 9700 section 4.8.2): the nonce is another."""
    scene.provider.pkce_required = False
    address = without(begun(scene.mallory, scene.connection), "code_challenge", "code_challenge_method")
    return come_back(scene.kate, scene.returned(), code=scene.value("code", scene.returned(address)))


def without_pkce_and_nonce(scene: Scene) -> Any:
    scene.provider.pkce_required = False
    address = without(begun(scene.mallory, scene.connection), "code_challenge", "code_challenge_method", "nonce")
    return come_back(scene.kate, scene.returned(), code=scene.value("code", scene.returned(address)))


def code_redeemed_by_somebody_else(scene: Scene) -> Any:
    returned = scene.returned()
    scene.provider.issued.codes[scene.value("code", returned)].redeemed = True
    return come_back(scene.kate, returned)


def code_for_another_redirect_uri(scene: Scene) -> Any:
    address = scene.address.replace("testserver", "testserver.evil.example")
    return come_back(scene.kate, f"http://testserver{CALLBACK}?{urlsplit(scene.returned(address)).query}")


def guessed_code(scene: Scene) -> Any:
    return come_back(scene.kate, scene.returned(), code="guessed")


def no_code(scene: Scene) -> Any:
    return come_back(scene.kate, scene.returned(), code=None)


def empty_code(scene: Scene) -> Any:
    return come_back(scene.kate, scene.returned(), code="")


def huge_code(scene: Scene) -> Any:
    return come_back(scene.kate, scene.returned(), code="a" * 1024 * 1024)


def nul_in_code(scene: Scene) -> Any:
    return come_back(scene.kate, scene.returned(), code="a\0b")


def code_beside_an_error(scene: Scene) -> Any:
    return come_back(scene.kate, scene.returned(), error="server_error")


def html_in_the_error(scene: Scene) -> Any:
    evil = "<script>alert(1)</script>"
    response = come_back(scene.kate, scene.returned(), error=evil, error_description=f"{evil}\r\n{evil}", code=None)
    assert evil not in response.content.decode()
    assert "&lt;script&gt;" in response.content.decode()
    return response


# --- id token ---


def with_claims(**claims: Any) -> Callable[[Scene], Any]:
    def attack(scene: Scene) -> Any:
        scene.provider.id_token_changes = claims
        return come_back(scene.kate, scene.returned())

    attack.__name__ = "id token with " + ", ".join(f"{name} {value}" for name, value in claims.items())
    return attack


def with_foreign_signature(scene: Scene) -> Any:
    scene.provider.forge_id_tokens = True
    return come_back(scene.kate, scene.returned())


def resigned(scene: Scene, key: Any, algorithm: str) -> Any:
    def answer(request: Request) -> Any:
        scene.provider.faults.clear()
        status, body, headers = scene.provider.answer(request)
        claims = jwt.decode(body["id_token"], options={"verify_signature": False})
        return status, {**body, "id_token": jwt.encode(claims, key, algorithm)}, headers

    scene.provider.faults["token"] = answer
    return come_back(scene.kate, scene.returned())


def without_signature(scene: Scene) -> Any:
    return resigned(scene, None, "none")


def signed_by_the_client_secret(scene: Scene) -> Any:
    return resigned(scene, scene.provider.client_secret + " " * 32, "HS256")


# --- method ---


def by_post(scene: Scene) -> Any:
    return scene.kate.post(CALLBACK, dict(parse_qsl(urlsplit(scene.returned()).query)))


def by_head(scene: Scene) -> Any:
    return scene.kate.head(f"{CALLBACK}?{urlsplit(scene.returned()).query}")


def key_of_the_site_changed(scene: Scene) -> Any:
    Authorization.objects.update(context=Undecryptable("enc:v1:gAAAAABnothing-opens-this"))
    return come_back(scene.kate, scene.returned())


BAD_ID_TOKEN: Final = "invalid_id_token"
OTHER_VERIFIER: Final = "invalid_grant"

ATTACKS: Final[dict[Callable[[Scene], Any], str | int]] = {
    no_state: UNKNOWN,
    empty_state: UNKNOWN,
    guessed_state: UNKNOWN,
    state_in_other_case: UNKNOWN,
    longer_state: UNKNOWN,
    hash_of_state: UNKNOWN,
    nul_in_state: UNREADABLE,
    huge_state: UNREADABLE,
    state_twice: UNREADABLE,
    code_twice: UNREADABLE,
    replayed: USED,
    too_late: LATE,
    late_and_repeated: USED,
    login_csrf: FOREIGN,
    stolen_answer: FOREIGN,
    other_browser_of_the_same_user: FOREIGN,
    session_without_a_beginning: FOREIGN,
    another_user_in_the_same_browser: FOREIGN,
    signed_out: NOT_SIGNED_IN,
    deactivated: NOT_SIGNED_IN,
    code_of_another_provider: MIXED_UP,
    swapped_states_of_two_connections: MIXED_UP,
    no_issuer: NO_ISSUER,
    issuer_in_other_case: MIXED_UP,
    issuer_with_a_slash: MIXED_UP,
    other_connection_meanwhile: UNKNOWN,
    swapped_states_of_two_flows: OTHER_VERIFIER,
    injected_code: OTHER_VERIFIER,
    injected_code_without_pkce: BAD_ID_TOKEN,
    without_pkce_and_nonce: BAD_ID_TOKEN,
    code_redeemed_by_somebody_else: OTHER_VERIFIER,
    code_for_another_redirect_uri: OTHER_VERIFIER,
    guessed_code: OTHER_VERIFIER,
    no_code: NO_CODE,
    empty_code: NO_CODE,
    huge_code: UNREADABLE,
    nul_in_code: UNREADABLE,
    code_beside_an_error: "server_error",
    html_in_the_error: "The provider refused",
    with_claims(nonce=None): BAD_ID_TOKEN,
    with_claims(nonce="another"): BAD_ID_TOKEN,
    with_claims(aud="another"): BAD_ID_TOKEN,
    with_claims(iss="https://evil.example"): BAD_ID_TOKEN,
    with_claims(exp=1): BAD_ID_TOKEN,
    with_claims(azp="another"): BAD_ID_TOKEN,
    with_claims(sub=None): BAD_ID_TOKEN,
    with_foreign_signature: BAD_ID_TOKEN,
    without_signature: BAD_ID_TOKEN,
    signed_by_the_client_secret: BAD_ID_TOKEN,
    by_post: NO_ADDRESS,
    by_head: NO_ADDRESS,
    key_of_the_site_changed: UNKNOWN,
}


@pytest.fixture
def scene(identity_provider: IdentityProviderFactory) -> Scene:
    return Scene(identity_provider(), identity_provider())


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
def test_an_attack_changes_no_account(scene: Scene, attack: Callable[[Scene], Any]) -> None:
    before = stored()
    response = attack(scene)
    if attack is other_connection_meanwhile:  # changing it took the tokens of its accounts, as it should
        before = stored()
        assert [account["access_token"] for account in before if "access_token" in account] == [""]
    assert stored() == before
    expected = ATTACKS[attack]
    if isinstance(expected, int):
        assert response.status_code == expected
        return
    assert response.status_code == 400
    assert expected in Page.of(response).text
    assert response["Referrer-Policy"] == "same-origin"  # nobody else is told the code
    assert "no-store" in response["Cache-Control"]
