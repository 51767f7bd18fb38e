"""Debug pages and error reports of a request that brought secrets: readable, and without them."""

import io
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory
from django.views.debug import ExceptionReporter, technical_500_response
from pytest_django import Settings

from oauthconnections.fields import Secret
from oauthconnections.reports import hide_secrets

POSTED = {"host": "mail.example.com", "password": "hunter2 ü'\"&", "client_secret": "s3cr3t-value", "note": "harmless"}
STORED = "stored-secret"
SECRETS = ("hunter2", "s3cr3t-value", STORED)


@pytest.fixture(autouse=True)
def debug(settings: Settings) -> None:
    settings.DEBUG = True


def inner(value: str, **kwargs: Any) -> None:
    """A frame like those of Django's forms: the name of the variable tells nothing."""
    raise RuntimeError("it failed")


def view(request: HttpRequest) -> None:
    hide_secrets(request)
    password = Secret(STORED)
    row = {"note": "seen", "stored": password}  # noqa: F841
    value = request.POST.get("password", "")
    inner(value, data=request.POST, more=[{"deep": value}])


def failing(request: HttpRequest, view: Callable[[HttpRequest], None] = view) -> tuple[Any, Any, Any]:
    try:
        view(request)
    except RuntimeError:
        return sys.exc_info()
    raise AssertionError("the view should have failed")


def debug_page(request: HttpRequest, accept: str = "text/html") -> str:
    request.META["HTTP_ACCEPT"] = accept
    return technical_500_response(request, *failing(request)).content.decode()


@pytest.mark.parametrize("accept", ["text/html", "text/plain"])
def test_the_debug_page_shows_no_posted_or_stored_secret(rf: RequestFactory, accept: str) -> None:  # S-2
    page = debug_page(rf.post("/", POSTED), accept)
    assert [secret for secret in SECRETS if secret in page] == []


def test_what_is_no_secret_is_still_there(rf: RequestFactory) -> None:
    page = debug_page(rf.post("/", POSTED))
    assert "mail.example.com" in page
    assert "harmless" in page
    assert "it failed" in page


def test_without_it_django_would_show_them(rf: RequestFactory) -> None:
    request = rf.post("/", POSTED)

    def careless(request: HttpRequest) -> None:
        inner(request.POST["password"])

    error = failing(request, careless)
    assert "hunter2" in technical_500_response(request, *error).content.decode()


def test_secrets_in_the_query_are_hidden_too(rf: RequestFactory) -> None:  # S-2
    request = rf.get("/back/", {"code": "code-from-provider/+", "state": "random-state", "lang": "de-CH"})
    page = debug_page(request)
    assert "code-from-provider" not in page
    assert "random-state" not in page
    assert "de-CH" in page


def test_an_exception_that_quotes_a_secret_is_blacked_out(rf: RequestFactory) -> None:
    request = rf.post("/", POSTED)

    def quoting(request: HttpRequest) -> None:
        hide_secrets(request)
        try:
            raise ValueError(f"bad value {request.POST['client_secret']}")
        except ValueError as error:
            raise RuntimeError(f"can't use {request.POST['client_secret']}") from error

    page = technical_500_response(request, *failing(request, quoting)).content.decode()
    assert SECRETS[1] not in page
    # "can&#x27;t use" is what is left of the sentence.
    assert "t use " in page


def test_reports_by_mail_hide_posted_secrets(rf: RequestFactory, settings: Settings) -> None:  # S-2
    settings.DEBUG = False
    request = rf.post("/", POSTED)
    reporter = ExceptionReporter(request, *failing(request), is_email=True)
    report = reporter.get_traceback_text() + reporter.get_traceback_html()
    assert [secret for secret in SECRETS if secret in report] == []


class CutOff(io.BytesIO):
    """A body whose sender hung up."""

    def read(self, *args: object) -> bytes:
        raise OSError("connection reset")


def test_a_request_that_was_cut_off_still_gives_a_page(rf: RequestFactory) -> None:
    request = rf.post("/", "password=x", content_type="application/x-www-form-urlencoded")
    request._stream = CutOff()

    def reading(request: HttpRequest) -> None:
        hide_secrets(request)
        raise RuntimeError("it failed")

    assert "it failed" in technical_500_response(request, *failing(request, reading)).content.decode()
