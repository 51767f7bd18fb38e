"""Both legs of signing in, at each kind of provider: what is asked for, what comes back, and what is not believed."""

import json
import logging
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from pytest_django import Settings

from oauthconnections.exceptions import Misconfigured, ProviderRefused, ProviderUnavailable, UnsafeAddress
from oauthconnections.fields import Undecryptable
from oauthconnections.providers import provider_of
from tests.conftest import IdentityProviderFactory
from tests.oauth_accounts import BACK, SCOPES, answer, begun, signed_in, unsaved
from tests.servers.identity_kinds import TENANT_ID
from tests.servers.identity_provider import IdentityProvider, aadsts

KINDS = sorted(SCOPES)
LIVE_SCOPES = {
    "microsoft": {"https://outlook.office.com/SMTP.Send", "offline_access", "openid", "email"},
    "google": {"https://mail.google.com/", "openid", "email"},
    "openid": {"openid", "email", "offline_access"},
}


def asked(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def last_form(provider: IdentityProvider) -> dict[str, str]:
    return [request.params for request in provider.requests if request.endpoint == "token"][-1]


# --- the way there ---


@pytest.mark.parametrize("kind", KINDS)
def test_exactly_what_is_needed_is_asked_for(identity_provider: IdentityProviderFactory, kind: str) -> None:  # S-5, S-8
    url = begun(unsaved(identity_provider(kind)), login_hint="jane@example.com").url
    params = asked(url)
    assert set(params["scope"].split()) == LIVE_SCOPES[kind]
    assert (params["response_type"], params["code_challenge_method"]) == ("code", "S256")
    assert len(params["code_challenge"]) == 43
    assert len(params["nonce"]) >= 32
    assert (params["state"], params["redirect_uri"], params["login_hint"]) == ("the-state", BACK, "jane@example.com")
    assert all(len(values) == 1 for values in parse_qs(urlsplit(url).query).values())


def test_microsoft_lets_people_choose_who_they_are(identity_provider: IdentityProviderFactory) -> None:  # S-7, S-8
    params = asked(begun(unsaved(identity_provider("microsoft"))).url)
    assert (params["prompt"], params["response_mode"]) == ("select_account", "query")
    assert "login_hint" not in params


def test_google_is_asked_for_offline_access_each_time(identity_provider: IdentityProviderFactory) -> None:  # S-8
    params = asked(begun(unsaved(identity_provider("google"))).url)
    assert (params["access_type"], params["prompt"]) == ("offline", "consent")


@pytest.mark.parametrize("kind", KINDS)
def test_each_sign_in_has_secrets_of_its_own(identity_provider: IdentityProviderFactory, kind: str) -> None:  # S-5
    connection = unsaved(identity_provider(kind))
    one, other = begun(connection), begun(connection)
    for name in ("nonce", "code_challenge"):
        assert asked(one.url)[name] != asked(other.url)[name]
    assert one.context["code_verifier"] not in one.url + repr(one)  # S-2


@pytest.mark.parametrize("kind", KINDS)
def test_additional_scopes_are_taken_however_they_were_pasted(
    identity_provider: IdentityProviderFactory, kind: str
) -> None:  # S-4
    connection = unsaved(identity_provider(kind), extra_scopes=" profile\r\n  openid,\tprofile ")
    assert sorted(asked(begun(connection).url)["scope"].split()) == sorted({*LIVE_SCOPES[kind], "profile"})


def test_the_big_ones_are_found_without_an_address(identity_provider: IdentityProviderFactory) -> None:  # S-12
    microsoft = unsaved(identity_provider("microsoft"), authority="", authorize_url="", token_url="")
    google = unsaved(identity_provider("google"), authorize_url="", token_url="")
    assert begun(microsoft).url.startswith(
        "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/authorize?"
    )
    assert begun(google).url.startswith("https://accounts.google.com/o/oauth2/v2/auth?")
    assert provider_of(google).issuer() == "https://accounts.google.com"


def test_a_sovereign_cloud_has_its_own_authority(identity_provider: IdentityProviderFactory) -> None:
    fields = {"authority": "https://login.microsoftonline.us/", "authorize_url": "", "token_url": ""}
    url = begun(unsaved(identity_provider("microsoft"), **fields)).url
    assert url.startswith("https://login.microsoftonline.us/contoso.onmicrosoft.com/oauth2/v2.0/authorize?")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["authorize_url", "token_url"])
@pytest.mark.parametrize("url", ["http://sso.example.com/", "https://169.254.169.254/"])
def test_nobody_is_sent_to_an_unsafe_address(
    identity_provider: IdentityProviderFactory, kind: str, name: str, url: str
) -> None:  # S-13
    with pytest.raises(UnsafeAddress):
        begun(unsaved(identity_provider(kind), **{name: url}))


@pytest.mark.parametrize(("kind", "missing"), [("microsoft", "tenant"), ("openid", "issuer")])
def test_what_is_missing_is_named(identity_provider: IdentityProviderFactory, kind: str, missing: str) -> None:
    with pytest.raises(Misconfigured, match=f"Example Ltd.+its {missing} is missing"):
        begun(unsaved(identity_provider(kind), **{missing: " "}))


# --- and back ---


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_who_signed_in_is_known(
    identity_provider: IdentityProviderFactory, settings: Settings, kind: str, tls: bool
) -> None:
    settings.DEBUG = True
    provider = identity_provider(kind, tls=tls)
    connection = unsaved(provider)
    start = begun(connection)
    context = json.loads(json.dumps(start.context))  # as it is stored
    grant = provider_of(connection).finish(context, answer(provider, start.url), BACK)
    assert provider.is_active(grant.access_token)
    assert grant.refresh_token
    assert set(SCOPES[kind]) <= set(grant.scopes)
    assert grant.identity
    assert (grant.identity.subject, grant.identity.email) == ("248289761001", "jane@example.com")
    assert grant.identity.username == ("" if kind == "google" else "jane@example.com")
    assert grant.access_token not in repr(grant)  # S-2
    assert last_form(provider)["redirect_uri"] == BACK  # S-6


def test_the_ids_of_microsoft_are_kept(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider("microsoft")
    grant = signed_in(provider, unsaved(provider))
    assert grant.identity
    assert grant.identity.claims["tid"] == TENANT_ID
    assert len(grant.identity.claims["oid"]) == 36
    assert "nonce" not in grant.identity.claims


def test_microsoft_accounts_without_an_address_have_a_name(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider("microsoft")
    provider.id_token_changes = {"email": None}
    identity = signed_in(provider, unsaved(provider)).identity
    assert identity
    assert (identity.email, identity.username) == ("jane@example.com", "jane@example.com")


@pytest.mark.parametrize("methods", [["client_secret_basic"], ["client_secret_post"], ["private_key_jwt"], None])
def test_the_secret_goes_the_way_the_provider_wants(
    identity_provider: IdentityProviderFactory, methods: list[str] | None
) -> None:
    provider = identity_provider()
    provider.metadata_changes = {"token_endpoint_auth_methods_supported": methods}
    assert signed_in(provider, unsaved(provider)).access_token
    assert ("client_secret" in last_form(provider)) is (methods == ["client_secret_post"])


def test_a_public_client_sends_no_secret(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider()
    with pytest.raises(ProviderRefused):
        signed_in(provider, unsaved(provider, client_secret=""))
    assert "client_secret" not in last_form(provider)
    assert last_form(provider)["client_id"] == provider.client_id


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_refresh_token_there_is_none(identity_provider: IdentityProviderFactory, kind: str) -> None:
    provider = identity_provider(kind, send_refresh_token=False)
    assert signed_in(provider, unsaved(provider)).refresh_token == ""


def test_scopes_that_somebody_did_not_allow_are_not_claimed(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider("google", granted=lambda scopes: ["openid", "email"])
    assert "https://mail.google.com/" not in signed_in(provider, unsaved(provider)).scopes


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_on_the_way_back_is_the_provider_s(identity_provider: IdentityProviderFactory, kind: str) -> None:
    provider = identity_provider(kind)
    connection = unsaved(provider)
    start = begun(connection)
    back = answer(provider, start.url, error="access_denied", description="The user pressed Cancel")
    with pytest.raises(ProviderRefused) as caught:
        provider_of(connection).finish(start.context, back, BACK)
    assert (caught.value.code, caught.value.details) == ("access_denied", "The user pressed Cancel")


# --- what is not believed ---


def redeemed(provider: IdentityProvider, **changes: str) -> Any:
    connection = unsaved(provider)
    start = begun(connection)
    back = answer(provider, start.url)
    return provider_of(connection).finish(start.context | changes, back, BACK)


@pytest.mark.parametrize("kind", KINDS)
def test_another_nonce_is_refused(identity_provider: IdentityProviderFactory, kind: str) -> None:  # S-5
    with pytest.raises(ProviderUnavailable) as caught:
        redeemed(identity_provider(kind), nonce="another")
    assert "another" not in str(caught.value) + caught.value.details


@pytest.mark.parametrize("kind", KINDS)
def test_another_verifier_is_refused(identity_provider: IdentityProviderFactory, kind: str) -> None:  # S-5
    with pytest.raises(ProviderRefused) as caught:
        redeemed(identity_provider(kind), code_verifier="x" * 64)
    assert caught.value.code == "invalid_grant"


@pytest.mark.parametrize("kind", KINDS)
def test_a_code_can_be_redeemed_once(identity_provider: IdentityProviderFactory, kind: str) -> None:
    provider = identity_provider(kind)
    connection = unsaved(provider)
    start = begun(connection)
    back = answer(provider, start.url)
    provider_of(connection).finish(start.context, back, BACK)
    with pytest.raises(ProviderRefused, match="invalid_grant"):
        provider_of(connection).finish(start.context, back, BACK)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "changes", [{"aud": "somebody-else"}, {"exp": 1}, {"exp": None}, {"sub": None}, {"azp": "somebody-else"}]
)
def test_an_id_token_for_somebody_else_is_refused(
    identity_provider: IdentityProviderFactory, kind: str, changes: dict[str, Any]
) -> None:  # S-5
    provider = identity_provider(kind)
    provider.id_token_changes = changes
    with pytest.raises(ProviderUnavailable):
        signed_in(provider, unsaved(provider))


@pytest.mark.parametrize("kind", ["microsoft", "google"])
@pytest.mark.parametrize("id_token", [None, "", "garbage", "a.b.c", 7, {"sub": "1"}])
def test_without_an_id_token_nobody_has_signed_in(
    identity_provider: IdentityProviderFactory, kind: str, id_token: object
) -> None:
    provider = identity_provider(kind)
    tokens = {"access_token": "an-access-token", "expires_in": 3600, "token_type": "Bearer"}
    provider.faults["token"] = (200, tokens if id_token is None else tokens | {"id_token": id_token})
    with pytest.raises(ProviderUnavailable):
        signed_in(provider, unsaved(provider))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "value", ["x" * 500, "jane\0@example.com", "jane\n@example.com", 7, ["jane@example.com"], None]
)
def test_a_name_that_does_not_fit_is_none(
    identity_provider: IdentityProviderFactory, kind: str, value: object
) -> None:  # S-19
    provider = identity_provider(kind)
    provider.user |= {"email": value, "preferred_username": value, "name": "\0"}
    identity = signed_in(provider, unsaved(provider)).identity
    assert identity
    assert (identity.subject, identity.email, identity.username) == ("248289761001", "", "")
    assert r"\u0000" not in json.dumps(identity.claims)


# --- providers that fail ---

GARBAGE: list[Any] = [
    (200, b"<html>"),
    (200, []),
    (200, {}),
    (200, None),
    (200, 7),
    (200, {"access_token": ""}),
    (200, {"access_token": ["x"]}),
    (200, {"access_token": None, "token_type": "Bearer"}),
    (500, {"error": "server_error"}),
    "close",
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", GARBAGE, ids=str)
def test_garbage_is_no_token(identity_provider: IdentityProviderFactory, kind: str, fault: Any) -> None:
    provider = identity_provider(kind)
    provider.faults["token"] = fault
    with pytest.raises(ProviderUnavailable, match="localhost does not answer as it should"):
        signed_in(provider, unsaved(provider))
    with pytest.raises(ProviderUnavailable, match="localhost does not answer as it should"):
        provider_of(unsaved(provider)).refresh("a-refresh-token", SCOPES[kind])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"error": "invalid_client"}, "invalid_client"),
        ({"error": "something_new", "error_description": "Ünknown"}, "something_new"),
        ({"error": {"code": 400, "message": "Bad Request"}}, "invalid_response"),
        ({"error": "<script>"}, "invalid_response"),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 401, 403])
def test_a_refusal_has_the_provider_s_code(
    identity_provider: IdentityProviderFactory, kind: str, status: int, body: dict[str, Any], code: str
) -> None:
    provider = identity_provider(kind)
    provider.faults["token"] = (status, body)
    with pytest.raises(ProviderRefused) as caught:
        provider_of(unsaved(provider)).refresh("a-refresh-token", SCOPES[kind])
    assert (caught.value.code, caught.value.details) == (code, body.get("error_description", ""))


@pytest.mark.parametrize("expires_in", ["3599", 3599, 3599.5])
@pytest.mark.parametrize("kind", KINDS)
def test_a_lifetime_is_read_in_each_spelling(
    identity_provider: IdentityProviderFactory, kind: str, expires_in: object
) -> None:
    provider = identity_provider(kind)
    provider.faults["token"] = (200, {"access_token": "a", "expires_in": expires_in, "token_type": "Bearer"})
    grant = provider_of(unsaved(provider)).refresh("a-refresh-token", SCOPES[kind])
    assert 3590 < (grant.expires_at - grant.expires_at.now(grant.expires_at.tzinfo)).total_seconds() < 3600


# --- secrets ---


@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_is_logged_or_in_an_error(
    identity_provider: IdentityProviderFactory, kind: str, caplog: pytest.LogCaptureFixture
) -> None:  # S-2
    caplog.set_level(logging.DEBUG)
    for name in list(logging.root.manager.loggerDict):
        caplog.set_level(logging.DEBUG, name)
    provider = identity_provider(kind)
    connection = unsaved(provider)
    start = begun(connection)
    back = answer(provider, start.url)
    grant = provider_of(connection).finish(start.context, back, BACK)
    again = provider_of(connection).refresh(grant.refresh_token, grant.scopes)
    secrets = [back["code"], start.context["code_verifier"], grant.access_token, grant.refresh_token]
    secrets += [again.access_token, provider.client_secret]

    def repeating(request: Any) -> Any:
        return aadsts("invalid_grant", f"AADSTS70000: {' '.join(request.params.values())} and {grant.access_token}")

    provider.faults["token"] = repeating
    with pytest.raises(ProviderRefused) as caught:
        provider_of(connection).refresh(grant.refresh_token, grant.scopes)
    assert "AADSTS70000" in caught.value.details
    assert "Trace ID: " in caught.value.details
    provider.faults["token"] = (200, f"not JSON {grant.access_token}".encode())
    with pytest.raises(ProviderUnavailable):
        provider_of(connection).refresh(grant.refresh_token, grant.scopes)
    told = caplog.text + str(caught.value) + caught.value.details
    assert [secret for secret in secrets if secret in told] == []
    assert caught.value.__suppress_context__ or not caught.value.__context__


@pytest.mark.parametrize("kind", KINDS)
def test_a_secret_that_cannot_be_decrypted_is_never_sent(
    identity_provider: IdentityProviderFactory, kind: str
) -> None:  # S-3
    provider = identity_provider(kind)
    connection = unsaved(provider, client_secret=Undecryptable("enc:v1:x"))
    with pytest.raises(Misconfigured, match="its client secret can't be decrypted"):
        provider_of(connection).refresh("a-refresh-token", SCOPES[kind])
    assert [request for request in provider.requests if request.endpoint == "token"] == []
