"""The OpenID provider made by django-oauth-toolkit that other tests rely on."""

import base64
import secrets
import smtplib
import ssl
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import pytest
import requests
from playwright.sync_api import Browser

from tests.conftest import DovecotFactory, ToolkitProviderFactory
from tests.servers.certificates import Authority
from tests.servers.identity_tokens import challenge_of
from tests.servers.toolkit_provider import ToolkitProvider

pytestmark = pytest.mark.slow

BACK = "https://site.example.com/oauth/callback/"
VERIFIER = secrets.token_urlsafe(48)


def _discovered(provider: ToolkitProvider) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{provider.issuer}/.well-known/openid-configuration", timeout=5).json()
    return found


def _url(provider: ToolkitProvider, back: str = BACK, scope: str = "openid email offline_access") -> str:
    params = {"client_id": provider.client_id, "response_type": "code", "redirect_uri": back, "state": "a state"}
    params |= {"scope": scope, "nonce": "a nonce"}
    params |= {"code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256", "prompt": "consent"}
    return f"{_discovered(provider)['authorization_endpoint']}?{urlencode(params)}"


def _post(provider: ToolkitProvider, url: str, **params: str) -> requests.Response:
    return requests.post(url, params, auth=(provider.client_id, provider.client_secret), timeout=5)


def _redeem(provider: ToolkitProvider, back: str, uri: str = BACK) -> requests.Response:
    assert back.startswith(uri + "?")
    answer = dict(parse_qsl(urlsplit(back).query))
    assert answer["state"] == "a state"
    assert answer["iss"] == provider.issuer
    params = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": uri}
    return _post(provider, _discovered(provider)["token_endpoint"], code_verifier=VERIFIER, **params)


def _refresh(provider: ToolkitProvider, token: str) -> requests.Response:
    url = _discovered(provider)["token_endpoint"]
    return _post(provider, url, grant_type="refresh_token", refresh_token=token)


def test_somebody_signs_in_and_refreshes(toolkit_provider: ToolkitProviderFactory) -> None:
    provider = toolkit_provider()
    discovered = _discovered(provider)
    assert discovered["issuer"] == provider.issuer
    back = provider.authorize(_url(provider))
    tokens = _redeem(provider, back).json()
    assert _redeem(provider, back).json()["error"] == "invalid_grant"
    key = jwt.PyJWK(requests.get(discovered["jwks_uri"], timeout=5).json()["keys"][0])
    claims = jwt.decode(tokens["id_token"], key, audience=provider.client_id, issuer=provider.issuer)
    assert (claims["email"], claims["nonce"]) == (provider.username, "a nonce")
    renewed = _refresh(provider, tokens["refresh_token"]).json()
    assert renewed["refresh_token"] != tokens["refresh_token"]
    assert _refresh(provider, tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert _introspected(provider, renewed["access_token"])["username"] == provider.username
    assert _introspected(provider, tokens["access_token"]) == {"active": False}


def _introspected(provider: ToolkitProvider, token: str) -> dict[str, Any]:
    answer: dict[str, Any] = _post(provider, provider.introspection_url, token=token).json()
    return answer


def test_it_refuses_a_scope_that_it_does_not_know(toolkit_provider: ToolkitProviderFactory) -> None:
    provider = toolkit_provider(scopes=("openid", "email"))
    assert "error=invalid_scope" in provider.authorize(_url(provider))
    assert _redeem(provider, provider.authorize(_url(provider, scope="openid email"))).json()["refresh_token"]


@pytest.mark.browser
@pytest.mark.parametrize("tls", [True, False])
def test_a_person_signs_in_in_a_browser(toolkit_provider: ToolkitProviderFactory, browser: Browser, tls: bool) -> None:
    provider = toolkit_provider(tls=tls)
    uri = "http://localhost:1234/oauth/callback/"
    page = browser.new_page(ignore_https_errors=True)
    page.route(uri + "*", lambda route: route.fulfill(body="Back"))
    page.goto(_url(provider, uri))
    page.get_by_label("Username").fill(provider.username)
    page.get_by_label("Password").fill(provider.password)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name="Authorize").click()
    page.wait_for_url(uri + "*")
    back = page.url
    page.close()
    assert _redeem(provider, back, uri).ok


@pytest.mark.dovecot
def test_dovecot_takes_its_tokens(
    toolkit_provider: ToolkitProviderFactory, submission_server: DovecotFactory, ca: Authority
) -> None:
    provider = toolkit_provider()
    server = submission_server(provider)
    token = _redeem(provider, provider.authorize(_url(provider))).json()["access_token"]
    response = base64.b64encode(f"user={provider.username}\1auth=Bearer {token}\1\1".encode()).decode()
    with smtplib.SMTP("localhost", server.port, timeout=5) as client:
        client.starttls(context=ssl.create_default_context(cadata=ca.pem))
        assert client.docmd("AUTH XOAUTH2", response)[0] == 235
