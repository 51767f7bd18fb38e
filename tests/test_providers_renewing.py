"""What is done at a provider without anybody there: renewing, a token for the application itself, revoking."""

from typing import Any

import pytest
import trustme

from oauthconnections import discovery
from oauthconnections.exceptions import Misconfigured, OAuthError, ProviderRefused
from oauthconnections.fields import Undecryptable
from oauthconnections.providers import provider_of
from tests.conftest import IdentityProviderFactory
from tests.oauth_accounts import APPLICATION_SCOPES, SCOPES, signed_in, unsaved
from tests.servers.identity_kinds import TENANT_ID
from tests.servers.identity_provider import IdentityProvider, Request

KINDS = sorted(SCOPES)


def last(provider: IdentityProvider, endpoint: str) -> Request:
    return [request for request in provider.requests if request.endpoint == endpoint][-1]


# --- renewing ---


@pytest.mark.parametrize("rotate", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_a_refresh_token_brings_another_access_token(
    identity_provider: IdentityProviderFactory, kind: str, rotate: bool
) -> None:  # S-10
    provider = identity_provider(kind, rotate=rotate)
    connection = unsaved(provider)
    first = signed_in(provider, connection)
    second = provider_of(connection).refresh(first.refresh_token, first.scopes)
    assert second.access_token != first.access_token
    assert provider.is_active(second.access_token)
    assert second.scopes == first.scopes
    assert second.refresh_token != first.refresh_token
    assert bool(second.refresh_token) is (rotate or kind == "microsoft")


def test_microsoft_is_told_the_scopes_again(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider("microsoft")
    connection = unsaved(provider)
    grant = signed_in(provider, connection)
    provider_of(connection).refresh(grant.refresh_token, grant.scopes)
    scopes = {"https://outlook.office.com/SMTP.Send", "offline_access", "openid", "email"}
    assert set(last(provider, "token").params["scope"].split()) == scopes


@pytest.mark.parametrize("kind", KINDS)
def test_a_dead_refresh_token_is_refused(identity_provider: IdentityProviderFactory, kind: str) -> None:  # S-11
    provider = identity_provider(kind)
    connection = unsaved(provider)
    grant = signed_in(provider, connection)
    provider.revoke_grants()
    with pytest.raises(ProviderRefused) as caught:
        provider_of(connection).refresh(grant.refresh_token, grant.scopes)
    assert caught.value.code == "invalid_grant"
    assert caught.value.details


@pytest.mark.parametrize("kind", KINDS)
def test_a_failure_is_not_remembered(identity_provider: IdentityProviderFactory, kind: str) -> None:
    provider = identity_provider(kind)
    connection = unsaved(provider)
    grant = signed_in(provider, connection)
    provider.faults["token"] = (400, {"error": "invalid_grant"}, {"Retry-After": "60"})
    with pytest.raises(ProviderRefused):
        provider_of(connection).refresh(grant.refresh_token, grant.scopes)
    del provider.faults["token"]
    assert provider_of(connection).refresh(grant.refresh_token, grant.scopes).access_token


# --- the application itself ---


def test_an_application_gets_a_token_of_its_own(identity_provider: IdentityProviderFactory) -> None:  # S-8
    provider = identity_provider("microsoft")
    grant = provider_of(unsaved(provider)).application_grant(APPLICATION_SCOPES)
    assert provider.is_active(grant.access_token)
    assert (grant.refresh_token, grant.scopes) == ("", APPLICATION_SCOPES)
    assert grant.identity
    assert grant.identity.claims["tid"] == TENANT_ID
    assert grant.identity.claims["appid"] == provider.client_id
    assert grant.identity.claims["roles"] == ["SMTP.SendAsApp"]
    assert grant.identity.subject == grant.identity.claims["oid"]
    assert last(provider, "token").params["scope"] == APPLICATION_SCOPES[0]


@pytest.mark.parametrize("token", ["opaque", "a.b.c", "é" * 20])
def test_a_token_that_cannot_be_read_tells_nothing(identity_provider: IdentityProviderFactory, token: str) -> None:
    provider = identity_provider("microsoft")
    provider.faults["token"] = (200, {"access_token": token, "expires_in": 3600})
    identity = provider_of(unsaved(provider)).application_grant(APPLICATION_SCOPES).identity
    assert identity
    assert (identity.subject, identity.claims) == ("", {})


@pytest.mark.parametrize("tenant", ["common", "organizations", "consumers"])
def test_an_application_belongs_to_one_tenant(identity_provider: IdentityProviderFactory, tenant: str) -> None:
    with pytest.raises(Misconfigured, match=f"one tenant, not “{tenant}”"):
        provider_of(unsaved(identity_provider("microsoft"), tenant=tenant)).application_grant(APPLICATION_SCOPES)


def test_only_microsoft_lets_an_application_in(identity_provider: IdentityProviderFactory) -> None:
    able = {kind: provider_of(unsaved(identity_provider(kind))).can_be_application for kind in KINDS}
    assert able == {"google": False, "microsoft": True, "openid": False}


def test_a_certificate_stands_in_for_the_secret(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider("microsoft")
    connection = unsaved(provider, client_secret="", certificate=provider.client_certificate)
    assert signed_in(provider, connection).refresh_token
    assert provider_of(connection).application_grant(APPLICATION_SCOPES).access_token
    assert "client_secret" not in last(provider, "token").params


def test_a_certificate_of_nobody_is_refused(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider("microsoft")
    other = trustme.CA().issue_cert("other.example.com", key_type=trustme.KeyType.RSA)
    connection = unsaved(provider, certificate=other.private_key_and_cert_chain_pem.bytes().decode())
    with pytest.raises(ProviderRefused, match="invalid_client"):
        provider_of(connection).application_grant(APPLICATION_SCOPES)


HALF: list[Any] = [
    "garbage",
    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    Undecryptable("enc:v1:x"),
]


@pytest.mark.parametrize("pem", HALF, ids=repr)
def test_an_unusable_certificate_is_said(identity_provider: IdentityProviderFactory, pem: Any) -> None:  # S-3
    connection = unsaved(identity_provider("microsoft"), certificate=pem)
    with pytest.raises(Misconfigured, match="its certificate") as caught:
        provider_of(connection).application_grant(APPLICATION_SCOPES)
    assert "AAAA" not in str(caught.value) + caught.value.details  # S-2


# --- revoking ---


@pytest.mark.parametrize("kind", ["google", "openid"])
def test_a_revoked_token_is_dead(identity_provider: IdentityProviderFactory, kind: str) -> None:  # S-14
    provider = identity_provider(kind)
    connection = unsaved(provider)
    if kind == "openid":
        connection.metadata = discovery.discover(connection.issuer)
    grant = signed_in(provider, connection)
    assert provider_of(connection).can_revoke()
    provider_of(connection).revoke(grant.refresh_token)
    assert not provider.is_active(grant.access_token)
    with pytest.raises(ProviderRefused):
        provider_of(connection).refresh(grant.refresh_token, grant.scopes)


def test_microsoft_revokes_nothing(identity_provider: IdentityProviderFactory) -> None:
    assert not provider_of(unsaved(identity_provider("microsoft"))).can_revoke()


def test_a_refused_revocation_is_said(identity_provider: IdentityProviderFactory) -> None:
    with pytest.raises(ProviderRefused) as caught:
        provider_of(unsaved(identity_provider("google"))).revoke("an-unknown-refresh-token")
    assert (caught.value.code, caught.value.details) == ("invalid_token", "Token expired or revoked")


def test_whether_an_openid_provider_revokes_is_known_from_what_is_stored(
    identity_provider: IdentityProviderFactory,
) -> None:  # S-12
    provider = identity_provider()
    assert not provider_of(unsaved(provider)).can_revoke()
    assert provider.requests == []


# --- discovery ---


def test_an_issuer_is_discovered(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider()
    for typed in (provider.issuer, provider.issuer + "/", f" {provider.issuer}/.well-known/openid-configuration\n"):
        found = discovery.discover(typed)
        assert (found["issuer"], found["token_endpoint"]) == (provider.issuer, provider.endpoint("token"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"issuer": "https://evil.example.com"}, "It calls itself https://evil.example.com"),
        ({"issuer": None}, "It calls itself None"),
        ({"issuer": 7}, "It calls itself 7"),
        ({"token_endpoint": None}, "has no token_endpoint"),
        ({"authorization_endpoint": None}, "has no authorization_endpoint"),
        ({"token_endpoint": "http://sso.example.com/token"}, "It must begin with https"),
        ({"jwks_uri": "https://169.254.169.254/keys"}, "surroundings"),
        ({"userinfo_endpoint": "file:///etc/passwd"}, "It must begin|such as"),
    ],
)
def test_a_description_that_is_not_its_own_is_refused(
    identity_provider: IdentityProviderFactory, changes: dict[str, Any], reason: str
) -> None:  # S-13
    provider = identity_provider()
    provider.metadata_changes = changes
    connection = unsaved(provider)
    for _turn in range(2):  # what is refused is not believed the next time
        with pytest.raises(OAuthError, match=reason):
            discovery.metadata_of(connection)


def test_what_was_discovered_is_remembered_for_an_hour(
    identity_provider: IdentityProviderFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = identity_provider()
    for _turn in range(2):
        discovery.metadata_of(unsaved(provider))
    assert len(provider.requests) == 1
    monkeypatch.setattr(discovery, "AN_HOUR", 0)
    discovery.metadata_of(unsaved(provider))
    assert len(provider.requests) == 2


def test_what_is_stored_needs_no_provider(identity_provider: IdentityProviderFactory) -> None:  # S-12
    provider = identity_provider()
    stored = {"issuer": provider.issuer, "stored": True}
    assert discovery.metadata_of(unsaved(provider, metadata=stored)) is stored
    assert provider.requests == []
    other = {"issuer": "https://former.example.com"}
    assert discovery.metadata_of(unsaved(provider, metadata=other))["issuer"] == provider.issuer
