"""Every mail that Django itself sends goes through the configured server."""

import re
from collections.abc import Callable

import django
import pytest
from django.contrib.auth.models import User
from django.core.mail import mail_admins, mail_managers, send_mail, send_mass_mail
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from pytest_django.fixtures import Settings

from tests.conftest import MailServerFactory, SMTPServerFactory
from tests.servers.smtp import Received, SMTPServer
from tests.urls import urlpatterns as urls_of_tests


def fail(request: HttpRequest) -> HttpResponse:
    raise LookupError("a real error")


urlpatterns = [*urls_of_tests, path("fail/", fail)]
pytestmark = pytest.mark.urls(__name__)


@pytest.fixture
def server(smtp_server: SMTPServerFactory, mail_server: MailServerFactory, settings: Settings) -> SMTPServer:
    def people(name: str) -> list[object]:
        address = f"{name}@example.com"
        return [address] if django.VERSION >= (6, 0) else [(name, address)]

    settings.ADMINS, settings.MANAGERS = people("admin"), people("manager")
    server = smtp_server(security="starttls", users={"me": "secret"})
    mail_server(server, auth_method="auto", username="me", password="secret")
    return server


def the_one(server: SMTPServer) -> Received:
    [received] = server.messages
    assert received.login
    assert received.tls
    return received


@pytest.mark.parametrize(
    ("send", "recipients", "subject"),
    [
        (lambda: send_mail("Hello", "Hi", None, ["a@example.com", "b@example.com"]), ["a", "b"], "Hello"),
        (lambda: send_mass_mail([("Hello", "Hi", None, ["a@example.com"])]), ["a"], "Hello"),
        (lambda: mail_admins("Hello", "Hi"), ["admin"], "[Django] Hello"),
        (lambda: mail_managers("Hello", "Hi"), ["manager"], "[Django] Hello"),
        (lambda: call_command("sendtestemail", "a@example.com"), ["a"], None),
        (lambda: call_command("sendtestemail", "--admins"), ["admin"], None),
        (lambda: call_command("sendtestemail", "--managers"), ["manager"], None),
    ],
    ids=["send_mail", "send_mass_mail", "mail_admins", "mail_managers", "sendtestemail", "--admins", "--managers"],
)
def test_it_arrives_from_the_configured_sender(
    server: SMTPServer, send: Callable[[], object], recipients: list[str], subject: str | None
) -> None:
    send()
    received = the_one(server)
    assert received.recipients == [f"{name}@example.com" for name in recipients]
    assert received.sender == "site@example.com"
    assert received.message["From"] == "site@example.com"
    assert subject in (None, received.message["Subject"])


def test_send_mail_with_html_arrives_with_both(server: SMTPServer) -> None:
    assert send_mail("Hello", "Hi", None, ["a@example.com"], html_message="<p>Hi</p>") == 1
    kinds = [part.get_content_type() for part in the_one(server).message.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "text/html"]


def test_a_mass_mail_goes_over_one_connection(server: SMTPServer) -> None:
    assert send_mass_mail([(f"Number {n}", "Hi", None, ["a@example.com"]) for n in range(3)]) == 3
    assert [received.connection for received in server.messages] == [1, 1, 1]


def test_the_link_of_a_password_reset_arrives_and_works(server: SMTPServer, client: Client, bob: User) -> None:
    answer = client.post("/admin/password_reset/", {"email": bob.email})
    assert answer.status_code == 302
    received = the_one(server)
    assert received.recipients == [bob.email]
    link = re.search(r"http://testserver(/reset/\S+)", received.message.get_content())
    assert link
    assert client.get(link[1], follow=True).status_code == 200


def test_an_error_of_the_site_is_mailed_to_its_administrators(server: SMTPServer) -> None:
    client = Client(raise_request_exception=False)
    assert client.get("/fail/").status_code == 500
    received = the_one(server)
    assert received.recipients == ["admin@example.com"]
    assert "Internal Server Error: /fail/" in received.message["Subject"]
    assert "a real error" in received.message.get_content()
