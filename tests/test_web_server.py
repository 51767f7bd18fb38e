"""The page "Web server": one address, cleaned of pasting accidents, locked when the environment sets it."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.checks import CheckMessage, run_checks
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries, Settings

from oauthconnections.external_url import address_notes, normalized
from oauthconnections.models import WebServer

LIST = "/admin/oauthconnections/webserver/"
FORM = LIST + "1/change/"

ACCEPTED = {
    "https://www.example.com": "https://www.example.com",
    "https://www.example.com/": "https://www.example.com",
    "  https://www.example.com\n": "https://www.example.com",
    "https://www.exam\r\nple.com": "https://www.example.com",
    "HTTPS://WWW.Example.COM/Path/": "https://www.example.com/Path",
    "https://www.example.com///": "https://www.example.com",
    "https://www.example.com./": "https://www.example.com",
    "https://www.example.com:443/": "https://www.example.com",
    "http://www.example.com:80": "http://www.example.com",
    "https://www.example.com:8443": "https://www.example.com:8443",
    "http://127.0.0.1:8000": "http://127.0.0.1:8000",
    "http://127.0.0.1.:8000": "http://127.0.0.1:8000",
    "http://localhost:8000": "http://localhost:8000",
    "http://intranet/mail": "http://intranet/mail",
    "https://[2001:DB8:0:0::1]:8443/": "https://[2001:db8::1]:8443",
    "https://bücher.example": "https://xn--bcher-kva.example",
    "https://straße.example": "https://xn--strae-oqa.example",
    "https://xn--bcher-kva.example": "https://xn--bcher-kva.example",
    "https://example.com/a%20b/~c": "https://example.com/a%20b/~c",
    "": "",
    "  \n": "",
}

REFUSED = {
    "www.example.com": "Did you mean https://www.example.com?",
    "www.example.com:8443": "Did you mean https://www.example.com:8443?",
    "localhost:8000": "Did you mean https://localhost:8000?",
    "//www.example.com": "Did you mean https://www.example.com?",
    "https:/www.example.com": "Did you mean https://www.example.com?",
    "ftp://example.com": "must begin with https://",
    "javascript:alert(1)": "must begin with https://",
    "https://": "not a valid name",
    "https:///path": "not a valid name",
    "https://exa mple.com": "not a valid name",
    "https://exam_ple.com": "not a valid name",
    "https://-example.com": "not a valid name",
    "https://example..com": "not a valid name",
    "https://" + "a" * 64 + ".com": "not a valid name",
    "https://" + "a." * 130 + "com": "not a valid name",
    "https://999.1.1.1": "not a valid name",
    "https://1.2.3": "not a valid name",
    "https://1.2.3.": "not a valid name",
    "https://①": "not a valid name",
    "https://[::1": "not a valid name",
    "https://[zz::1]": "not a valid name",
    "https://[fe80::1%eth0]": "not a valid name",
    "https://example.com\x00": "not a valid name",
    "https://exam\\ple.com": "not a valid name",
    "https://xn--\udcff.example": "not a valid name",
    "https://ⓧ\u0301\u200b.\u2e2e": "not a valid name",
    "https://user@example.com": "Leave out user name",
    "https://user:password@example.com": "Leave out user name",
    "https://example.com?": "question mark",
    "https://example.com/?a=b": "question mark",
    "https://example.com/#top": "“#”",
    "https://example.com:0": "from 1 to 65535",
    "https://example.com:70000": "from 1 to 65535",
    "https://example.com:abc": "from 1 to 65535",
    "https://example.com:": "from 1 to 65535",
    "https://example.com/a b": "characters that an address can't have",
    "https://example.com/../etc": "characters that an address can't have",
    "https://example.com/a//b": "characters that an address can't have",
    "https://example.com/%zz": "characters that an address can't have",
    "https://example.com/ü": "characters that an address can't have",
    'https://example.com/"><script>': "characters that an address can't have",
}


@pytest.mark.parametrize(("typed", "kept"), ACCEPTED.items())
def test_an_address_has_one_spelling(typed: str, kept: str) -> None:
    assert normalized(typed) == kept


@pytest.mark.parametrize(("typed", "said"), REFUSED.items())
def test_what_is_no_address_is_refused_with_the_reason(typed: str, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        normalized(typed)
    assert said in " ".join(refused.value.messages)


@given(st.one_of(st.text(), st.text().map("https://{}".format), st.from_regex(r"https?://[a-z0-9.:\[\]/-]{1,40}")))
def test_any_text_is_refused_or_has_one_spelling(typed: str) -> None:
    try:
        kept = normalized(typed)
    except ValidationError:
        return
    assert normalized(kept) == kept
    assert kept.isascii()
    assert not kept.endswith("/")


# --- WebServer.objects.external_url() ---


@pytest.mark.django_db
def test_it_is_unknown_at_first(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        assert WebServer.objects.external_url() == ""


@pytest.mark.django_db
def test_what_the_code_saves_gets_the_same_spelling() -> None:
    WebServer.objects.create(external_url=" https://WWW.example.com/ ")
    assert WebServer.objects.external_url() == "https://www.example.com"


@pytest.mark.django_db
def test_an_address_read_already_is_not_asked_for_again(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert WebServer.objects.external_url("https://read.example") == "https://read.example"


@pytest.mark.django_db
def test_the_setting_wins(settings: Settings, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    WebServer.objects.create(external_url="https://saved.example")
    settings.EXTERNAL_URL = "https://from.environment.example/"
    with django_assert_num_queries(0):
        assert WebServer.objects.external_url() == "https://from.environment.example"


@pytest.mark.django_db
def test_an_unusable_setting_counts_as_unknown(settings: Settings) -> None:
    WebServer.objects.create(external_url="https://saved.example")
    settings.EXTERNAL_URL = "from environment"
    assert WebServer.objects.external_url() == ""


def own_checks() -> list[CheckMessage]:
    return [message for message in run_checks() if (message.id or "").startswith("oauthconnections")]


@pytest.mark.django_db  # to check a JSONField, Django asks the database
def test_an_unusable_setting_is_an_error_of_the_check(settings: Settings) -> None:
    settings.EXTERNAL_URL = "example.com"
    (error,) = own_checks()
    assert error.id == "oauthconnections.E001"
    assert "Did you mean https://example.com?" in error.msg


@pytest.mark.django_db
@pytest.mark.parametrize("value", [None, "", " ", "https://www.example.com/"])
def test_a_usable_or_empty_setting_is_none(settings: Settings, value: str | None) -> None:
    settings.EXTERNAL_URL = value
    assert own_checks() == []


# --- the page ---


@pytest.fixture
def alice_client(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def page(client: Client, path: str = LIST) -> str:
    return client.get(path, follow=True, headers={"host": "testserver"}).content.decode()


def save(client: Client, url: str) -> str:
    return client.post(FORM, {"external_url": url}, follow=True).content.decode()


def test_the_entry_opens_the_form_and_makes_the_row(alice_client: Client) -> None:
    response = alice_client.get(LIST)
    assert (response.status_code, response["Location"]) == (302, FORM)
    html = page(alice_client)
    assert "External visible URL" in html
    assert "redirect URI" in html
    assert 'name="_addanother"' not in html
    assert 'name="_continue"' not in html
    assert "deletelink" not in html


def test_it_saves_the_cleaned_address_and_says_so(alice_client: Client, alice: User) -> None:
    page(alice_client)
    html = save(alice_client, " https://WWW.example.com/ ")
    assert "Saved. The external visible URL is now https://www.example.com." in html
    assert WebServer.objects.get().external_url == "https://www.example.com"
    entry = LogEntry.objects.get()
    assert entry.user == alice
    assert "External visible URL" in entry.get_change_message()


def test_it_can_be_emptied(alice_client: Client) -> None:
    WebServer.objects.create(external_url="https://saved.example")
    assert "Saved. The external visible URL is unknown." in save(alice_client, "")
    assert WebServer.objects.external_url() == ""


@pytest.mark.parametrize("typed", ["www.example.com", "https://user:x@example.com", "https://example.com/" + "a" * 300])
def test_an_error_stands_at_the_field_and_nothing_saved_is_lost(alice_client: Client, typed: str) -> None:
    WebServer.objects.create(external_url="https://saved.example")
    html = save(alice_client, typed)
    assert "errorlist" in html
    assert f'value="{typed}"' in html
    assert WebServer.objects.external_url() == "https://saved.example"


def test_a_null_character_is_refused(alice_client: Client) -> None:
    page(alice_client)
    assert "Null characters are not allowed." in save(alice_client, "https://exa\x00mple.com")


def test_the_page_tells_when_the_browser_came_by_another_address(alice_client: Client) -> None:
    WebServer.objects.create(external_url="https://saved.example")
    html = page(alice_client)
    assert "You opened this page as http://testserver; the external visible URL is https://saved.example." in html


def test_the_page_says_nothing_when_it_is_the_same(alice_client: Client) -> None:
    WebServer.objects.create(external_url="https://testserver")
    html = alice_client.get(FORM, secure=True).content.decode()
    assert "You opened this page" not in html


def test_the_page_says_how_it_was_opened_when_nothing_is_known(alice_client: Client) -> None:
    assert "No address is known yet. You opened this page as http://testserver." in page(alice_client)


def test_https_is_recommended() -> None:
    (note,) = address_notes("http://a.example", "http://a.example")
    assert "https://" in note


def test_the_setting_locks_the_page_and_says_where_it_comes_from(alice_client: Client, settings: Settings) -> None:
    WebServer.objects.create(external_url="https://saved.example")
    settings.EXTERNAL_URL = "https://from.environment.example"
    html = page(alice_client)
    assert "https://from.environment.example – Set by EXTERNAL_URL." in html
    assert 'name="external_url"' not in html
    assert 'name="_save"' not in html
    assert alice_client.post(FORM, {"external_url": "https://other.example"}).status_code == 403
    assert WebServer.objects.get().external_url == "https://saved.example"


def test_the_page_works_when_the_setting_is_unusable(alice_client: Client, settings: Settings) -> None:
    settings.EXTERNAL_URL = "example.com"
    html = page(alice_client)
    assert "Set by EXTERNAL_URL, but not usable: " in html


# --- who may --- S-22


def test_a_viewer_sees_and_can_not_change(client: Client, bob: User) -> None:
    WebServer.objects.create(external_url="https://saved.example")
    client.force_login(bob)
    html = page(client)
    assert "https://saved.example" in html
    assert 'name="_save"' not in html
    assert client.post(FORM, {"external_url": "https://other.example"}).status_code == 403
    assert WebServer.objects.external_url() == "https://saved.example"


@pytest.mark.parametrize("path", [LIST, FORM])
def test_staff_without_permission_is_refused(client: Client, charlie: User, path: str) -> None:
    WebServer.objects.create()
    client.force_login(charlie)
    assert client.get(path).status_code == 403
    assert client.post(path, {"external_url": "https://other.example"}).status_code == 403
    assert WebServer.objects.external_url() == ""


@pytest.mark.parametrize("path", [LIST, FORM])
@pytest.mark.django_db
def test_anonymous_has_to_log_in(client: Client, path: str) -> None:
    assert client.get(path)["Location"].startswith(reverse("admin:login"))
    assert not WebServer.objects.exists()


@pytest.mark.parametrize("path", [LIST + "add/", LIST + "1/delete/"])
def test_nobody_adds_or_deletes(admin_client: Client, path: str) -> None:
    WebServer.objects.create()
    assert admin_client.get(path).status_code == 403
    assert WebServer.objects.count() == 1
