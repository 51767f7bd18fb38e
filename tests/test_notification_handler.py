"""Errors that are logged: grouped by where they come from, reported without secrets, and never in a circle."""

import logging
import sys
from collections.abc import Iterator
from typing import Any, Final

import pytest
from django.core.mail import send_mail
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from pytest_django import Settings

from mailconfig.notifications.handler import NotificationHandler, fingerprint
from mailconfig.notifications.models import Happening
from mailconfig.notifications.pending import quiet
from mailconfig.notifications.recording import flush
from tests.conftest import MailServerFactory, SMTPServerFactory
from tests.notifying import after, chosen, text_of

pytestmark = pytest.mark.django_db

POSTED: Final = "hunter2-posted"
LOCAL: Final = "hunter2-local"
IN_SETTINGS: Final = "hunter2-settings"


def fail(request: HttpRequest) -> HttpResponse:
    password = LOCAL  # noqa: F841 - in the traceback
    raise ValueError("it broke")


def fail_elsewhere(request: HttpRequest, number: int) -> HttpResponse:
    raise LookupError(f"no {number}")


def fail_to_send(request: HttpRequest) -> HttpResponse:
    send_mail("Welcome", "Hello", None, ["reader@example.com"])
    raise AssertionError("the server should have refused")


def unavailable(request: HttpRequest, number: int) -> HttpResponse:
    return HttpResponse(status=503)


def log_what_was_posted(request: HttpRequest) -> HttpResponse:
    logging.getLogger("django.own").error("Refused: %s", request.POST["password"], extra={"request": request})
    return HttpResponse()


urlpatterns = [
    path("log/", log_what_was_posted),
    path("fail/", fail),
    path("fail/<int:number>/", fail_elsewhere),
    path("mail/", fail_to_send),
    path("unavailable/<int:number>/", unavailable),
]


@pytest.fixture(autouse=True)
def handler(settings: Settings) -> Iterator[NotificationHandler]:
    """As LOGGING would have it, on Django's own errors."""
    settings.ROOT_URLCONF = __name__
    settings.ADMINS = []
    settings.API_TOKEN = IN_SETTINGS
    handler = NotificationHandler()
    handler.setLevel("ERROR")
    logging.getLogger("django").addHandler(handler)
    yield handler
    logging.getLogger("django").removeHandler(handler)


@pytest.fixture
def visitor() -> Client:
    return Client(raise_request_exception=False)


def groups() -> list[tuple[str, int]]:
    flush()
    return list(Happening.objects.order_by("pk").values_list("subject", "count"))


# --- groups ---


def test_an_error_in_a_view_is_one_group_however_often_it_comes(visitor: Client) -> None:
    for number in range(20):
        visitor.get("/fail/")
        visitor.get(f"/fail/{number}/")
    assert groups() == [
        ("Internal Server Error: /fail/ (ValueError)", 20),
        ("Internal Server Error: /fail/0/ (LookupError)", 20),
    ]


def test_a_report_is_made_once_for_many(visitor: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    send = NotificationHandler.send_mail

    def counted(self: NotificationHandler, subject: str, *words: Any, **more: Any) -> None:
        made.append(subject)
        send(self, subject, *words, **more)

    monkeypatch.setattr(NotificationHandler, "send_mail", counted)
    for _time in range(20):
        visitor.get("/fail/")
    assert len(made) == 1


def test_an_answer_that_is_an_error_is_grouped_by_route(visitor: Client) -> None:
    for number in range(5):
        visitor.get(f"/unavailable/{number}/")
    assert groups() == [("Service Unavailable: /unavailable/0/", 5)]


def test_a_log_line_without_a_traceback_is_grouped_by_its_place() -> None:
    for number in range(3):
        logging.getLogger("django.own").error("Device %s lost", number)
    logging.getLogger("django.own").error("Device %s lost", 4)
    assert groups() == [("Device 0 lost", 3), ("Device 4 lost", 1)]


def test_an_endless_recursion_is_known_again() -> None:
    def recurse(depth: int) -> int:
        return recurse(depth + 1) + 1

    def of_recursion(_time: int) -> str:
        try:
            recurse(0)
        except RecursionError:
            return fingerprint(logging.makeLogRecord({"exc_info": sys.exc_info()}))
        raise AssertionError("it should have been too deep")

    assert of_recursion(1) == of_recursion(2)


def test_a_host_that_is_not_ours_is_told_like_any_error(visitor: Client, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["www.example.com"]
    for host in ("a.example", "b.example"):
        visitor.get("/fail/", headers={"host": host})
    (group,) = groups()
    assert "a.example" in group[0]
    assert group[1] == 2


# --- secrets ---


@pytest.fixture
def with_html(handler: NotificationHandler) -> Iterator[NotificationHandler]:
    handler.include_html = True
    yield handler
    handler.include_html = False


@pytest.mark.usefixtures("with_html")
def test_a_report_shows_no_secret(visitor: Client) -> None:  # S-2
    visitor.cookies["sessionid"] = "hunter2-session"
    visitor.post(f"/fail/?token={POSTED}", {"password": POSTED, "name": "Ada"}, headers={"authorization": POSTED})
    flush()
    row = Happening.objects.get()
    for shown in (row.body, row.html, row.subject):
        assert "hunter2" not in shown
    assert "ValueError at /fail/\nit broke" in row.body
    assert "Ada" in row.body
    assert "Using settings module" in row.body


@pytest.mark.usefixtures("with_html")
def test_a_report_without_a_request_shows_no_secret_either() -> None:  # S-2
    def job(password: str) -> None:
        raise ValueError("it broke")

    try:
        job(LOCAL)
    except ValueError:
        logging.getLogger("django.job").exception("Job failed")
    flush()
    row = Happening.objects.get()
    assert "hunter2" not in row.body + row.html
    assert "it broke" in row.html
    assert groups() == [("Job failed (ValueError)", 1)]


def test_a_line_of_the_log_shows_no_posted_secret(visitor: Client) -> None:  # S-2
    visitor.post("/log/", {"password": POSTED})
    (group,) = groups()
    assert group == ("Refused: ********************", 1)
    assert POSTED not in Happening.objects.get().body


def test_a_project_with_a_reporter_of_its_own_keeps_it(settings: Settings) -> None:
    settings.DEFAULT_EXCEPTION_REPORTER = "tests.test_notification_handler.OwnReporter"
    handler = NotificationHandler()
    handler.handle(logging.makeLogRecord({"msg": "It broke", "name": "shop", "levelno": logging.ERROR}))
    flush()
    assert "as the project has it" in Happening.objects.get().body


class OwnReporter:
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Whatever Django gives it."""

    def get_traceback_text(self) -> str:
        return "as the project has it"


def test_html_comes_as_a_file_to_open(
    visitor: Client, with_html: NotificationHandler, smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> None:
    server = smtp_server()
    mail_server(server, auth_method="none")
    chosen()
    visitor.get("/fail/")
    after()
    message = server.messages[0].message
    (report,) = message.iter_attachments()
    assert report.get_filename() == "report-1.html"
    assert "<title>ValueError" in report.get_content()
    assert "Traceback" in text_of(server.messages[0])


# --- circles ---


@pytest.mark.parametrize("logger", ["mailconfig", "mailconfig.outbox", "mailconfig.notifications", "django.tasks"])
def test_what_is_told_otherwise_is_not_told_here(handler: NotificationHandler, logger: str) -> None:
    record = logging.makeLogRecord({"name": logger, "msg": "It broke", "levelno": logging.ERROR})
    handler.handle(record)
    assert groups() == []


def test_nobody_is_told_of_what_goes_wrong_in_telling(handler: NotificationHandler) -> None:
    with quiet():
        logging.getLogger("django.own").error("It broke")
    assert groups() == []


def test_a_page_that_fails_for_want_of_mail_is_told_when_mail_is_back(
    visitor: Client, smtp_server: SMTPServerFactory, mail_server: MailServerFactory, caplog: pytest.LogCaptureFixture
) -> None:
    refusing, server = smtp_server(replies={"site@example.com": "451 4.3.0 Not now"}), smtp_server()
    chosen()
    mail_server(refusing, auth_method="none")
    for minutes in (0, 10, 20):
        visitor.get("/mail/")
        assert after(minutes).mail == 0
    assert sum("notification by mail could not" in record.message for record in caplog.records) == 3
    mail_server(server, auth_method="none")
    assert [after(minutes).mail for minutes in (30, 40, 50)] == [3, 0, 0]
    assert "SMTPSenderRefused" in server.messages[0].message["Subject"]


def test_a_handler_that_fails_keeps_the_page(
    visitor: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mailconfig.notifications.handler.fingerprint", lambda record: 1 / 0)
    assert visitor.get("/fail/").status_code == 500
    assert "ZeroDivisionError" in capsys.readouterr().err
