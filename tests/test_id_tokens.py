"""An ID token is believed only if the issuer has signed it, for this site and this sign-in."""

import time
from typing import Any

import jwt
import pytest

from oauthconnections import discovery, id_tokens
from oauthconnections.exceptions import ProviderUnavailable
from oauthconnections.providers import provider_of
from tests.conftest import IdentityProviderFactory
from tests.oauth_accounts import signed_in, unsaved
from tests.servers.identity_provider import IdentityProvider


def asked(provider: IdentityProvider, endpoint: str) -> int:
    return sum(request.endpoint == endpoint for request in provider.requests)


def metadata(provider: IdentityProvider) -> dict[str, Any]:
    return discovery.discover(provider.issuer)


def claims(provider: IdentityProvider, **changes: Any) -> dict[str, Any]:
    now = int(time.time())
    right = {"iss": provider.issuer, "aud": provider.client_id, "sub": "1", "iat": now, "exp": now + 60, "nonce": "n"}
    return {name: value for name, value in {**right, **changes}.items() if value is not None}


def verified(provider: IdentityProvider, token: str) -> dict[str, Any]:
    return id_tokens.verified_claims(token, metadata(provider), provider.client_id, "n")


def test_a_right_one_is_believed(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider()
    assert verified(provider, provider.issued.sign(claims(provider)))["sub"] == "1"


def test_one_for_several_names_this_site(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider()
    several = claims(provider, aud=[provider.client_id, "other"], azp=provider.client_id)
    assert verified(provider, provider.issued.sign(several))["sub"] == "1"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example.com"},
        {"iss": None},
        {"aud": "somebody-else"},
        {"aud": ["one", "two"]},
        {"aud": None},
        {"azp": "somebody-else"},
        {"exp": 1},
        {"exp": "soon"},
        {"exp": None},
        {"iat": 99_999_999_999},
        {"nbf": 99_999_999_999},
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": ["n"]},
        {"sub": None},
        {"sub": 7},
    ],
    ids=str,
)
def test_one_with_another_claim_is_not(
    identity_provider: IdentityProviderFactory, changes: dict[str, Any]
) -> None:  # S-5
    provider = identity_provider()
    token = provider.issued.sign(claims(provider, **changes))
    with pytest.raises(ProviderUnavailable, match="ID token is not valid") as caught:
        verified(provider, token)
    assert caught.value.code == "invalid_id_token"


def test_several_audiences_need_to_say_which_is_meant(identity_provider: IdentityProviderFactory) -> None:  # S-5
    provider = identity_provider()
    with pytest.raises(ProviderUnavailable):
        verified(provider, provider.issued.sign(claims(provider, aud=[provider.client_id, "other"])))


def test_one_that_somebody_else_has_signed_is_not_believed(identity_provider: IdentityProviderFactory) -> None:  # S-5
    provider = identity_provider()
    with pytest.raises(ProviderUnavailable, match="ID token"):
        verified(provider, provider.issued.sign(claims(provider), forged=True))


@pytest.mark.parametrize("algorithm", ["none", "HS256", "HS512"])
def test_one_that_anybody_could_have_signed_is_not_believed(
    identity_provider: IdentityProviderFactory, algorithm: str
) -> None:  # S-5
    provider = identity_provider()
    key: Any = None if algorithm == "none" else provider.client_secret.ljust(64, "x")
    token = jwt.encode(claims(provider), key, algorithm=algorithm, headers={"kid": "key-0"})
    with pytest.raises(ProviderUnavailable, match="ID token"):
        verified(provider, token)
    assert asked(provider, "jwks") == 0


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.b.c", "é.é.é", "e30.e30.", "bnVsbA.bnVsbA."])
def test_garbage_is_not_believed(identity_provider: IdentityProviderFactory, token: str) -> None:
    with pytest.raises(ProviderUnavailable, match="ID token"):
        verified(identity_provider(), token)


@pytest.mark.parametrize("document", [{}, {"keys": []}, {"keys": "x"}, {"keys": [{"kty": "oct", "k": "AA"}]}, []])
def test_without_usable_keys_nothing_is_believed(identity_provider: IdentityProviderFactory, document: Any) -> None:
    provider = identity_provider()
    provider.faults["jwks"] = (200, document)
    with pytest.raises(ProviderUnavailable):
        verified(provider, provider.issued.sign(claims(provider)))


def test_a_new_key_is_looked_up_once(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider()
    for _turn in range(2):
        verified(provider, provider.issued.sign(claims(provider)))
    assert asked(provider, "jwks") == 1
    provider.change_key()
    for _turn in range(2):
        verified(provider, provider.issued.sign(claims(provider)))
    assert asked(provider, "jwks") == 2


def test_one_that_names_no_key_is_of_the_only_one(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider()
    token = jwt.encode(claims(provider), provider.issued.key, algorithm="RS256")
    assert verified(provider, token)["sub"] == "1"


# --- as a provider uses it ---


def test_a_forged_one_signs_nobody_in(identity_provider: IdentityProviderFactory) -> None:  # S-5
    provider = identity_provider(forge_id_tokens=True)
    with pytest.raises(ProviderUnavailable, match="ID token"):
        signed_in(provider, unsaved(provider))


def test_an_address_that_is_not_in_it_is_asked_for(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider()
    provider.id_token_changes = {"email": None}
    identity = signed_in(provider, unsaved(provider)).identity
    assert identity
    assert (identity.subject, identity.email) == ("248289761001", "jane@example.com")


@pytest.mark.parametrize("fault", [(500, {}), "close", (401, {"error": "invalid_token"}), (200, b"<html>")])
def test_an_address_that_nobody_tells_is_done_without(identity_provider: IdentityProviderFactory, fault: Any) -> None:
    provider = identity_provider()
    provider.id_token_changes, provider.faults["userinfo"] = {"email": None}, fault
    identity = signed_in(provider, unsaved(provider)).identity
    assert identity
    assert (identity.subject, identity.email) == ("248289761001", "")


def test_an_address_of_somebody_else_is_refused(identity_provider: IdentityProviderFactory) -> None:  # S-5
    provider = identity_provider()
    provider.id_token_changes = {"email": None}
    provider.faults["userinfo"] = (200, {"sub": "2", "email": "eve@example.com"})
    with pytest.raises(ProviderUnavailable, match="ID token"):
        signed_in(provider, unsaved(provider))


def without_id_token(provider: IdentityProvider) -> None:
    tokens = {"access_token": "an-access-token", "token_type": "Bearer", "refresh_token": "r"}
    provider.faults["token"] = (200, tokens)


def test_a_provider_without_id_tokens_is_asked_who_it_is(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider()
    without_id_token(provider)
    provider.faults["userinfo"] = (200, {"sub": "3", "email": "jim@example.com"})
    identity = signed_in(provider, unsaved(provider)).identity
    assert identity
    assert (identity.subject, identity.email) == ("3", "jim@example.com")


def test_who_it_is_may_stay_unknown(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider()
    provider.metadata_changes = {"userinfo_endpoint": None}
    without_id_token(provider)
    assert signed_in(provider, unsaved(provider)).identity is None


def test_the_issuer_of_the_callback_is_known(identity_provider: IdentityProviderFactory) -> None:  # RFC 9207, S-5
    provider = provider_of(unsaved(server := identity_provider()))
    assert (provider.issuer(), provider.requires_issuer()) == (server.issuer, True)
    silent = provider_of(unsaved(identity_provider(send_issuer=False)))
    assert silent.requires_issuer() is False
