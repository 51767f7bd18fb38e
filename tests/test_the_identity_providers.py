"""The identity provider that other tests rely on, used by requests and by the libraries that the apps use too."""

import secrets
import time
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import msal
import pytest
import requests
from playwright.sync_api import Browser

from tests.conftest import IdentityProviderFactory
from tests.servers.identity_kinds import TENANT_ID, Refusal
from tests.servers.identity_provider import IdentityProvider, aadsts
from tests.servers.identity_tokens import challenge_of

BACK = "https://site.example.com/oauth/callback/"
VERIFIER = secrets.token_urlsafe(48)
SMTP_SEND = ["https://outlook.office.com/SMTP.Send"]
SCOPES = {
    "openid": "openid email offline_access",
    "microsoft": "https://outlook.office.com/SMTP.Send offline_access openid email",
    "google": "https://mail.google.com/ openid email",
}


def _url(provider: IdentityProvider, **changes: str) -> str:
    params = {"client_id": provider.client_id, "response_type": "code", "redirect_uri": BACK, "state": "a state"}
    params |= {"scope": SCOPES[provider.kind.name], "nonce": "a nonce"}
    params |= {"code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256"}
    params |= {"access_type": "offline", "prompt": "consent"} if provider.kind.name == "google" else {}
    return provider.endpoint("authorize") + "?" + urlencode(params | changes)


def _answered(url: str) -> dict[str, str]:
    assert url.startswith(BACK + "?")
    return dict(parse_qsl(urlsplit(url).query))


def _post(provider: IdentityProvider, endpoint: str, **params: str) -> requests.Response:
    client = (provider.client_id, provider.client_secret)
    return requests.post(provider.endpoint(endpoint), params, auth=client, timeout=5)


def _redeem(provider: IdentityProvider, code: str, **changes: str) -> requests.Response:
    params = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": VERIFIER}
    return _post(provider, "token", **params | changes)


def _tokens(provider: IdentityProvider, **changes: str) -> dict[str, Any]:
    answer: dict[str, Any] = _redeem(provider, _answered(provider.authorize(_url(provider, **changes)))["code"]).json()
    return answer


def _refresh(provider: IdentityProvider, token: str) -> requests.Response:
    return _post(provider, "token", grant_type="refresh_token", refresh_token=token)


def _refused(response: requests.Response) -> tuple[str, str]:
    assert response.status_code in (400, 401)
    return response.json()["error"], response.json()["error_description"]


@pytest.mark.parametrize("kind", SCOPES)
def test_a_code_becomes_tokens_of_somebody(identity_provider: IdentityProviderFactory, kind: str) -> None:
    provider = identity_provider(kind)
    discovered = requests.get(provider.endpoint("discovery"), timeout=5).json()
    assert discovered["issuer"] == provider.issuer
    back = _answered(provider.authorize(_url(provider)))
    assert back["state"] == "a state"
    assert back.get("iss") == (provider.issuer if kind == "openid" else None)
    tokens = _redeem(provider, back["code"]).json()
    key = jwt.PyJWK(requests.get(discovered["jwks_uri"], timeout=5).json()["keys"][0])
    claims = jwt.decode(tokens["id_token"], key, audience=provider.client_id, issuer=provider.issuer)
    assert (claims["email"], claims["nonce"]) == ("jane@example.com", "a nonce")
    assert tokens["refresh_token"]
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert requests.get(discovered["userinfo_endpoint"], headers=bearer, timeout=5).json()["sub"] == claims["sub"]
    assert [request.endpoint for request in provider.requests][1:3] == ["authorize", "token"]


@pytest.mark.parametrize("kind", SCOPES)
def test_a_code_is_good_once_for_the_one_who_began(identity_provider: IdentityProviderFactory, kind: str) -> None:
    provider = identity_provider(kind)
    code = _answered(provider.authorize(_url(provider)))["code"]
    assert _redeem(provider, code, redirect_uri=BACK + "x").status_code == 400
    assert _refused(_redeem(provider, code, code_verifier="other" * 10))[0] == "invalid_grant"
    assert _refused(_redeem(provider, "made-up"))[0] == "invalid_grant"
    assert _redeem(provider, code).ok
    assert "already redeemed" in _refused(_redeem(provider, code))[1]


@pytest.mark.parametrize("kind", SCOPES)
def test_a_client_has_to_know_its_secret(identity_provider: IdentityProviderFactory, kind: str) -> None:
    provider = identity_provider(kind)
    params = {"grant_type": "refresh_token", "client_id": provider.client_id, "client_secret": "wrong"}
    error, _text = _refused(requests.post(provider.endpoint("token"), params, timeout=5))
    assert error == "invalid_client"
    posted = params | {"client_secret": provider.client_secret}
    assert _refused(requests.post(provider.endpoint("token"), posted, timeout=5))[0] == "invalid_grant"
    assert provider.refreshes == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"client_id": "other"}, "client"),
        ({"redirect_uri": "https://evil.example/"}, "redirect_uri"),
        ({"code_challenge_method": "plain"}, "pkce"),
        ({"code_challenge": ""}, "pkce"),
        ({"response_mode": "form_post"}, "response_mode"),
        ({"scope": "email"}, "openid"),
    ],
)
def test_it_refuses_a_bad_first_leg(
    identity_provider: IdentityProviderFactory, changes: dict[str, str], reason: str
) -> None:
    provider = identity_provider(redirect_uris={BACK})
    with pytest.raises(Refusal, match=f"^\\('{reason}'"):
        provider.authorize(_url(provider, **changes))


def test_somebody_may_say_no(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider()
    back = _answered(provider.authorize(_url(provider), error="access_denied", description="No"))
    assert back == {
        "error": "access_denied",
        "error_description": "No",
        "state": "a state",
        "iss": provider.issuer,
    }


# --- refreshing ---


@pytest.mark.parametrize(("kind", "sent"), [("openid", "same"), ("microsoft", "new"), ("google", "none")])
def test_a_refresh_token_lives_on(identity_provider: IdentityProviderFactory, kind: str, sent: str) -> None:
    provider = identity_provider(kind)
    tokens = _tokens(provider)
    first = tokens["refresh_token"]
    answer = _refresh(provider, first).json()
    assert answer["access_token"] != tokens["access_token"]
    next_one = answer.get("refresh_token")
    assert {"same": next_one == first, "new": next_one not in (None, first), "none": next_one is None}[sent]
    assert _refresh(provider, first).ok
    provider.revoke_grants()
    assert _refused(_refresh(provider, first))[0] == "invalid_grant"
    assert provider.is_active(answer["access_token"])
    assert provider.refreshes == 3


def test_a_rotated_refresh_token_is_good_once(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider(rotate=True)
    first = _tokens(provider)["refresh_token"]
    second = _refresh(provider, first).json()["refresh_token"]
    assert _refused(_refresh(provider, first))[0] == "invalid_grant"
    assert _refresh(provider, second).ok


@pytest.mark.parametrize("changes", [{"access_type": "online"}, {"prompt": "select_account"}])
def test_google_gives_a_refresh_token_only_when_asked_for(
    identity_provider: IdentityProviderFactory, changes: dict[str, str]
) -> None:
    tokens = _tokens(identity_provider("google"), **changes)
    assert "refresh_token" not in tokens
    assert tokens["scope"] == "https://mail.google.com/ https://www.googleapis.com/auth/userinfo.email openid"


def test_a_revoked_token_is_dead(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider()
    tokens = _tokens(provider)
    introspected = _post(provider, "introspect", token=tokens["access_token"]).json()
    assert introspected["active"]
    assert introspected["username"] == "jane@example.com"
    assert requests.post(provider.endpoint("introspect"), {"token": "x"}, timeout=5).status_code == 401
    assert _post(provider, "revoke", token=tokens["refresh_token"]).ok
    assert _post(provider, "introspect", token=tokens["access_token"]).json() == {"active": False}
    assert _refused(_refresh(provider, tokens["refresh_token"]))[0] == "invalid_grant"


def test_access_tokens_end(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider(lifetime=0)
    tokens = _tokens(provider)
    assert tokens["expires_in"] == 0
    assert provider.is_active(tokens["access_token"]) is None


# --- Microsoft ---


def _msal(provider: IdentityProvider, credential: Any = None) -> msal.ConfidentialClientApplication:
    fields = provider.connection_fields()
    return msal.ConfidentialClientApplication(
        provider.client_id,
        credential or provider.client_secret,
        authority=f"{fields['authority']}/{fields['tenant']}",
        instance_discovery=False,
    )


@pytest.mark.filterwarnings("ignore:response_mode='form_post':UserWarning")
def test_microsofts_own_library_signs_in(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider("microsoft")
    client = _msal(provider)
    flow = client.initiate_auth_code_flow(SMTP_SEND, BACK)
    answer = client.acquire_token_by_auth_code_flow(flow, _answered(provider.authorize(flow["auth_uri"])))
    assert answer["id_token_claims"]["tid"] == TENANT_ID
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert (claims["aud"], claims["scp"]) == ("https://outlook.office.com", "SMTP.Send")
    assert client.acquire_token_by_refresh_token(answer["refresh_token"], SMTP_SEND)["access_token"]


@pytest.mark.parametrize("by_certificate", [False, True])
def test_microsofts_own_library_signs_in_the_application(
    identity_provider: IdentityProviderFactory, by_certificate: bool
) -> None:
    provider = identity_provider("microsoft")
    client = _msal(provider, _certificate(provider.client_certificate) if by_certificate else None)
    answer = client.acquire_token_for_client(["https://outlook.office365.com/.default"])
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert (claims["aud"], claims["roles"]) == ("https://outlook.office365.com", ["SMTP.SendAsApp"])
    assert "refresh_token" not in answer


def _certificate(pem: str) -> dict[str, str]:
    key, begin, certificate = pem.partition("-----BEGIN CERTIFICATE-----")
    return {"private_key": key, "public_certificate": begin + certificate}


def test_microsoft_takes_no_certificate_that_it_does_not_know(identity_provider: IdentityProviderFactory) -> None:
    stranger = identity_provider("microsoft").client_certificate
    client = _msal(identity_provider("microsoft"), _certificate(stranger))
    answer = client.acquire_token_for_client(["https://outlook.office365.com/.default"])
    assert answer["error"] == "invalid_client"


def test_microsoft_answers_in_its_own_words(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider("microsoft")
    _error, text = _refused(_refresh(provider, "dead"))
    assert text.startswith("AADSTS700082: The refresh token has expired due to inactivity.")
    assert " Trace ID: " in text
    provider.faults["token"] = aadsts(
        "invalid_client", "AADSTS7000222: The provided client secret keys are expired", 401
    )
    response = _refresh(provider, "dead")
    assert (response.status_code, response.json()["error_codes"]) == (401, [7000222])
    elsewhere = provider.endpoint("token").replace("contoso.onmicrosoft.com", "common")
    assert "AADSTS50194" in _refused(requests.post(elsewhere, timeout=5))[1]


def test_microsoft_wants_one_resource(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider("microsoft")
    with pytest.raises(Refusal, match="resources"):
        provider.authorize(_url(provider, scope=SCOPES["microsoft"] + " https://graph.microsoft.com/User.Read"))


# --- what it does wrong when told to ---


def test_its_id_tokens_can_lie(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider(id_token_changes={"aud": "other", "nonce": None}, forge_id_tokens=True)
    token = _tokens(provider)["id_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["aud"] == "other"
    assert "nonce" not in claims
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, jwt.PyJWK(provider.issued.jwks()["keys"][0]), audience="other")


def test_it_may_change_its_key(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider()
    before = provider.issued.jwks()
    provider.change_key()
    assert provider.issued.jwks()["keys"][0]["kid"] != before["keys"][0]["kid"]


@pytest.mark.parametrize("fault", ["close", "lost", "stall", "drip"])
def test_it_plays_faults(identity_provider: IdentityProviderFactory, fault: str) -> None:
    provider = identity_provider(rotate=True)
    first = _tokens(provider)["refresh_token"]
    provider.faults["token"] = fault
    params = {"grant_type": "refresh_token", "refresh_token": first}
    client = (provider.client_id, provider.client_secret)
    with (
        pytest.raises(requests.RequestException),
        requests.post(provider.endpoint("token"), params, auth=client, timeout=0.3, stream=True) as response,
    ):
        _read_for(response, 0.3)
    provider.faults.clear()
    assert _refresh(provider, first).ok is (fault != "lost")


def _read_for(response: requests.Response, seconds: float) -> None:
    until = time.monotonic() + seconds
    for _byte in response.iter_content(1):
        if time.monotonic() > until:
            raise requests.Timeout


def test_it_sends_too_much(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider(faults={"discovery": "huge"})
    with requests.get(provider.endpoint("discovery"), timeout=5, stream=True) as response:
        assert sum(map(len, response.iter_content(100_000))) > 50_000_000


def test_a_fault_may_depend_on_the_request(identity_provider: IdentityProviderFactory) -> None:
    provider = identity_provider()
    answers = [(503, b"busy"), None]
    provider.faults["discovery"] = lambda request: answers.pop(0)
    assert [requests.get(provider.endpoint("discovery"), timeout=5).status_code for _ in range(2)] == [503, 200]


# --- in a browser ---


@pytest.mark.browser
@pytest.mark.parametrize("tls", [True, False])
def test_a_person_signs_in_and_allows(identity_provider: IdentityProviderFactory, browser: Browser, tls: bool) -> None:
    provider = identity_provider("microsoft", tls=tls)
    page = browser.new_page(ignore_https_errors=True)
    page.route(BACK + "*", lambda route: route.fulfill(body="Back"))
    page.goto(_url(provider, login_hint="j&ne@example.com"))
    assert page.get_by_label("Login name").input_value() == "j&ne@example.com"
    page.get_by_label("Login name").fill("bob@example.com")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Allow").click()
    page.wait_for_url(BACK + "*")
    tokens = _redeem(provider, _answered(page.url)["code"]).json()
    introspected = provider.is_active(tokens["access_token"])
    page.close()
    assert introspected
    assert introspected["username"] == "bob@example.com"


@pytest.mark.browser
def test_a_person_denies(identity_provider: IdentityProviderFactory, browser: Browser) -> None:
    provider = identity_provider()
    page = browser.new_page(ignore_https_errors=True)
    page.route(BACK + "*", lambda route: route.fulfill(body="Back"))
    page.goto(_url(provider))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Deny").click()
    page.wait_for_url(BACK + "*")
    error = _answered(page.url)["error"]
    page.close()
    assert error == "access_denied"


@pytest.mark.browser
def test_a_person_sees_why_it_can_not_be(identity_provider: IdentityProviderFactory, browser: Browser) -> None:
    provider = identity_provider("microsoft", redirect_uris=set())
    page = browser.new_page(ignore_https_errors=True)
    page.goto(_url(provider))
    text = page.inner_text("main")
    page.close()
    assert f"AADSTS50011: The redirect URI '{BACK}'" in text
