"""The redirect URI and what is said about it: behind proxies, below a path, on loopback, with a strict cookie (S-6)."""

from typing import Any, Final

import pytest
from django.contrib.auth.models import User
from django.core.checks import run_checks
from django.test import Client, RequestFactory
from django.urls import reverse, set_script_prefix
from pytest_django import Settings

from oauthconnections.models import WebServer
from oauthconnections.redirect_uri import redirect_notes, redirect_uri
from tests.oauth_flow import keeper, signed_in
from tests.settings_page import Page

pytestmark = pytest.mark.django_db

TO_PROXY: Final = {"HTTP_HOST": "10.0.0.1:8000"}
THROUGH_PROXY: Final = {
    **TO_PROXY,
    "HTTP_X_FORWARDED_PROTO": "https",
    "HTTP_X_FORWARDED_HOST": "www.example.com, 10.0.0.9",
}
BELIEVING: Final = {"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"), "USE_X_FORWARDED_HOST": True}


@pytest.fixture(autouse=True)
def prefix() -> Any:
    yield
    set_script_prefix("/")


def opened(**meta: Any) -> Any:
    return RequestFactory().get("/", **meta)


# --- the address ---


@pytest.mark.parametrize(
    ("url", "meta", "expected"),
    [
        ("", {"HTTP_HOST": "www.example.com", "wsgi.url_scheme": "https"}, "https://www.example.com"),
        ("", {"HTTP_HOST": "WWW.Example.com:443", "wsgi.url_scheme": "https"}, "https://www.example.com"),
        ("", {"HTTP_HOST": "127.0.0.1:8000"}, "http://127.0.0.1:8000"),
        ("https://www.example.com", TO_PROXY, "https://www.example.com"),
        ("https://www.example.com/below", TO_PROXY, "https://www.example.com/below"),
        ("", THROUGH_PROXY, "http://10.0.0.1:8000"),
    ],
)
def test_it_stands_below_the_external_url_else_below_what_the_browser_opened(
    url: str, meta: dict[str, Any], expected: str
) -> None:
    WebServer.objects.create(external_url=url)
    assert redirect_uri(opened(**meta)) == f"{expected}/oauth/callback/"


def test_a_fixed_external_url_wins(settings: Settings) -> None:
    WebServer.objects.create(external_url="https://saved.example")
    settings.EXTERNAL_URL = "https://fixed.example/"
    assert redirect_uri(opened()) == "https://fixed.example/oauth/callback/"


@pytest.mark.parametrize("url", ["", "http://testserver/below", "https://www.example.com/below"])
def test_the_path_below_which_the_site_lives_comes_once(url: str) -> None:
    WebServer.objects.create(external_url=url)
    set_script_prefix("/below/")
    assert redirect_uri(opened()) == f"{url or 'http://testserver/below'}/oauth/callback/"


def test_a_proxy_that_is_believed_counts(settings: Settings) -> None:
    for name, value in BELIEVING.items():
        setattr(settings, name, value)
    request = opened(HTTP_HOST="10.0.0.1", HTTP_X_FORWARDED_PROTO="https", HTTP_X_FORWARDED_HOST="www.example.com")
    assert redirect_uri(request) == "https://www.example.com/oauth/callback/"
    assert redirect_notes(request) == []


# --- what is said about it ---

NOT_HTTPS: Final = "does not begin with https://"
PROXY: Final = "A proxy in front of this site says that you opened this page as https://www.example.com"
OTHER: Final = "where you may not be signed in"
STRICT: Final = "SESSION_COOKIE_SAMESITE"


@pytest.mark.parametrize(
    ("url", "meta", "said"),
    [
        ("", {"HTTP_HOST": "127.0.0.1:8000"}, []),
        ("", {"HTTP_HOST": "localhost:8000"}, []),
        ("", {"HTTP_HOST": "[::1]:8000"}, []),
        ("", {"HTTP_HOST": "www.example.com", "wsgi.url_scheme": "https"}, []),
        ("", {"HTTP_HOST": "www.example.com"}, [NOT_HTTPS]),
        ("http://www.example.com", {"HTTP_HOST": "www.example.com"}, [NOT_HTTPS]),
        ("", THROUGH_PROXY, [NOT_HTTPS, PROXY]),
        ("https://www.example.com", THROUGH_PROXY, []),
        ("https://www.example.com", {"HTTP_HOST": "www.example.com", "HTTP_X_FORWARDED_PROTO": "https"}, []),
        ("https://www.example.com/below", THROUGH_PROXY, []),
        ("https://www.example.com", TO_PROXY, [OTHER]),
        ("https://www.example.com", {"HTTP_HOST": "www.example.com.evil.example", "wsgi.url_scheme": "https"}, [OTHER]),
        ("https://other.example", THROUGH_PROXY, [OTHER]),
    ],
)
def test_notes_say_why_it_can_fail(url: str, meta: dict[str, Any], said: list[str]) -> None:
    WebServer.objects.create(external_url=url)
    notes = redirect_notes(opened(**meta))
    assert len(notes) == len(said)
    for note, part in zip(notes, said, strict=True):
        assert part in note


@pytest.mark.parametrize(("value", "warned"), [("Strict", True), ("strict", True), ("Lax", False), (False, False)])
def test_a_strict_cookie_is_warned_about(settings: Settings, value: Any, warned: bool) -> None:  # S-7
    settings.SESSION_COOKIE_SAMESITE = value
    assert any(STRICT in note for note in redirect_notes(opened(HTTP_HOST="localhost"))) is warned
    found = [message.id for message in run_checks()]
    assert ("oauthconnections.W003" in found) is warned


def test_a_project_without_our_addresses_is_told(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.urls_without_oauth"
    assert redirect_uri(opened()) == ""
    (note,) = redirect_notes(opened())
    assert 'Add path("oauth/", include("oauthconnections.urls"))' in note


# --- on the page ---


@pytest.fixture
def client() -> Client:
    return signed_in(keeper("kate"))


@pytest.mark.parametrize("provider", ["microsoft", "google", "openid"])
def test_the_page_shows_it_before_anything_is_saved(client: Client, provider: str) -> None:
    WebServer.objects.create(external_url="https://www.example.com")
    response = client.get(reverse("admin:oauthconnections_oauthconnection_add"), {"provider": provider})
    assert 'value="https://www.example.com/oauth/callback/" readonly' in response.content.decode()
    page = Page.of(response)
    assert OTHER in page.text
    assert "Copy" in page.texts


def test_what_a_proxy_says_does_no_harm_on_the_page(client: Client) -> None:
    evil = '"><script>alert(1)</script>'
    address = reverse("admin:oauthconnections_oauthconnection_add")
    response = client.get(address, {"provider": "google"}, headers={"X-Forwarded-Host": evil})
    assert response.status_code == 200
    assert evil not in response.content.decode()


def test_the_callback_is_where_the_address_leads(client: Client, admin_user: User) -> None:
    assert redirect_uri(opened()) == f"http://testserver{reverse('oauthconnections:callback')}"
    assert client.get("/oauth/callback/").status_code == 400
