"""The npm package oidc-provider that other tests rely on, as it comes and dressed up as Microsoft and Google."""

import secrets
import smtplib
import ssl
from base64 import b64encode
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import msal
import pytest
import requests
from playwright.sync_api import Browser

from tests.conftest import DovecotFactory, NodeProviderFactory
from tests.servers.certificates import Authority
from tests.servers.identity_kinds import TENANT_ID
from tests.servers.identity_tokens import challenge_of
from tests.servers.node_provider import NodeProvider

pytestmark = [pytest.mark.npm, pytest.mark.slow]

BACK = "https://site.example.com/oauth/callback/"
VERIFIER = secrets.token_urlsafe(48)
SMTP_SEND = ["https://outlook.office.com/SMTP.Send"]
PARAMS = {
    "openid": {"scope": "openid email offline_access", "prompt": "consent"},
    "microsoft": {"scope": f"{SMTP_SEND[0]} offline_access openid email", "prompt": "select_account"},
    "google": {"scope": "https://mail.google.com/ openid email", "access_type": "offline", "prompt": "consent"},
}


def _url(provider: NodeProvider, back: str = BACK, **changes: str) -> str:
    params = {"client_id": provider.client_id, "response_type": "code", "redirect_uri": back, "state": "a state"}
    params |= {"nonce": "a nonce", "code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256"}
    return f"{provider.endpoint('authorize')}?{urlencode(params | PARAMS[provider.kind] | changes)}"


def _post(provider: NodeProvider, **params: str) -> requests.Response:
    client = {"client_id": provider.client_id, "client_secret": provider.client_secret}
    if provider.kind == "openid":
        return requests.post(provider.endpoint("token"), params, auth=tuple(client.values()), timeout=5)  # type: ignore[arg-type]
    return requests.post(provider.endpoint("token"), params | client, timeout=5)


def _redeem(provider: NodeProvider, back: str, uri: str = BACK) -> requests.Response:
    assert back.startswith(uri + "?")
    answer = dict(parse_qsl(urlsplit(back).query))
    assert answer["state"] == "a state"
    assert answer.get("iss") == (provider.issuer if provider.kind == "openid" else None)
    params = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": uri}
    return _post(provider, code_verifier=VERIFIER, **params)


def _tokens(provider: NodeProvider, **changes: str) -> dict[str, Any]:
    answer: dict[str, Any] = _redeem(provider, provider.authorize(_url(provider, **changes))).json()
    return answer


def _refresh(provider: NodeProvider, token: str) -> requests.Response:
    return _post(provider, grant_type="refresh_token", refresh_token=token)


@pytest.mark.parametrize("kind", PARAMS)
def test_somebody_signs_in(node_provider: NodeProviderFactory, kind: str) -> None:
    provider = node_provider(kind)
    discovered = requests.get(provider.endpoint("discovery"), timeout=5).json()
    assert discovered["issuer"] == provider.issuer
    assert discovered["authorization_endpoint"] == provider.endpoint("authorize")
    back = provider.authorize(_url(provider))
    tokens = _redeem(provider, back).json()
    key = jwt.PyJWK(requests.get(discovered["jwks_uri"], timeout=5).json()["keys"][0])
    claims = jwt.decode(tokens["id_token"], key, audience=provider.client_id, issuer=provider.issuer)
    assert claims["nonce"] == "a nonce"
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    told = requests.get(discovered["userinfo_endpoint"], headers=bearer, timeout=5).json()
    assert (claims | told)["email"] == provider.username
    assert ("email" in claims) is (kind != "openid")
    again = _redeem(provider, back).json()
    assert again["error"] == "invalid_grant"
    assert ("AADSTS54005" in again["error_description"]) is (kind == "microsoft")


@pytest.mark.parametrize("kind", ["openid", "microsoft"])
def test_refresh_tokens_are_good_once(node_provider: NodeProviderFactory, kind: str) -> None:
    provider = node_provider(kind)
    first = _tokens(provider)["refresh_token"]
    renewed = _refresh(provider, first).json()
    assert renewed["refresh_token"] != first
    introspected = requests.post(provider.introspection_url, {"token": renewed["access_token"]}, timeout=5).json()
    assert (introspected["active"], introspected["username"]) == (True, provider.username)
    refused = _refresh(provider, first).json()
    assert refused["error"] == "invalid_grant"
    assert refused["error_description"].startswith("AADSTS700082: ") is (kind == "microsoft")
    dead = requests.post(provider.introspection_url, {"token": renewed["access_token"]}, timeout=5).json()
    assert dead == {"active": False}


def test_google_sends_a_refresh_token_once(node_provider: NodeProviderFactory) -> None:
    provider = node_provider("google")
    tokens = _tokens(provider)
    assert tokens["scope"] == "https://mail.google.com/ https://www.googleapis.com/auth/userinfo.email openid"
    renewed = _refresh(provider, tokens["refresh_token"]).json()
    assert renewed["access_token"]
    assert "refresh_token" not in renewed
    assert _refresh(provider, tokens["refresh_token"]).ok
    assert requests.post(provider.endpoint("revoke"), {"token": tokens["refresh_token"]}, timeout=5).ok
    assert _refresh(provider, tokens["refresh_token"]).json() == {
        "error": "invalid_grant",
        "error_description": "Token has been expired or revoked.",
    }


@pytest.mark.parametrize("changes", [{"access_type": "online"}, {"prompt": "login"}])
def test_google_sends_none_if_not_asked(node_provider: NodeProviderFactory, changes: dict[str, str]) -> None:
    assert "refresh_token" not in _tokens(node_provider("google"), **changes)


@pytest.mark.filterwarnings("ignore:response_mode='form_post':UserWarning")
def test_microsoft_is_used_by_its_own_library(node_provider: NodeProviderFactory) -> None:
    provider = node_provider("microsoft")
    fields = provider.connection_fields()
    authority = f"{fields['authority']}/{fields['tenant']}"
    client = msal.ConfidentialClientApplication(
        provider.client_id, provider.client_secret, authority=authority, instance_discovery=False
    )
    flow = client.initiate_auth_code_flow(SMTP_SEND, BACK, prompt="select_account", response_mode="query")
    back = dict(parse_qsl(urlsplit(provider.authorize(flow["auth_uri"])).query))
    answer = client.acquire_token_by_auth_code_flow(flow, back)
    assert answer["id_token_claims"]["tid"] == TENANT_ID
    assert client.acquire_token_by_refresh_token(answer["refresh_token"], SMTP_SEND)["access_token"]
    assert client.acquire_token_for_client(["https://outlook.office365.com/.default"])["access_token"]


@pytest.mark.parametrize(("kind", "text"), [("microsoft", "AADSTS7000215: "), ("google", "client auth")])
def test_it_refuses_a_wrong_secret(node_provider: NodeProviderFactory, kind: str, text: str) -> None:
    provider = node_provider(kind)
    provider.client_secret = "wrong"
    response = _refresh(provider, "any")
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert response.json()["error_description"].startswith(text)


@pytest.mark.browser
@pytest.mark.parametrize(("kind", "tls"), [("microsoft", True), ("google", False)])
def test_a_person_signs_in_in_a_browser(
    node_provider: NodeProviderFactory, browser: Browser, kind: str, tls: bool
) -> None:
    provider = node_provider(kind, tls=tls)
    uri = "http://localhost:1234/oauth/callback/"
    page = browser.new_page(ignore_https_errors=True)
    page.route(uri + "*", lambda route: route.fulfill(body="Back"))
    page.goto(_url(provider, uri))
    page.get_by_placeholder("Enter any login").fill("bob@example.com")
    page.get_by_placeholder("and password").fill("any")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(uri + "*")
    back = page.url
    page.close()
    assert _redeem(provider, back, uri).ok


@pytest.mark.browser
def test_a_person_declines(node_provider: NodeProviderFactory, browser: Browser) -> None:
    provider = node_provider("microsoft")
    page = browser.new_page(ignore_https_errors=True)
    page.route(BACK + "*", lambda route: route.fulfill(body="Back"))
    page.goto(_url(provider))
    page.get_by_role("link", name="Cancel").click()
    page.wait_for_url(BACK + "*")
    answer = dict(parse_qsl(urlsplit(page.url).query))
    page.goto(_url(provider, "https://elsewhere.example/"))
    text = page.inner_text("body")
    page.close()
    assert answer["error"] == "access_denied"
    assert answer["error_description"].startswith("AADSTS65004: ")
    assert text.startswith("invalid_redirect_uri: AADSTS50011: ")


@pytest.mark.dovecot
@pytest.mark.parametrize("kind", PARAMS)
def test_dovecot_takes_its_tokens(
    node_provider: NodeProviderFactory, submission_server: DovecotFactory, ca: Authority, kind: str
) -> None:
    provider = node_provider(kind)
    server = submission_server(provider)
    token = _tokens(provider)["access_token"]
    response = b64encode(f"user={provider.username}\1auth=Bearer {token}\1\1".encode()).decode()
    with smtplib.SMTP("localhost", server.port, timeout=5) as client:
        client.starttls(context=ssl.create_default_context(cadata=ca.pem))
        assert client.docmd("AUTH XOAUTH2", response)[0] == 235
