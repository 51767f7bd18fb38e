"""The history as CSV: complete, harmless to a spreadsheet, in the reader's language. Who may is in test_access.py."""

import csv
import io
import json
from datetime import datetime
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override
from pytest_django import Settings

from mailconfig.models import MailServer
from mailconfig.outbox.models import ServerQueue
from mailconfig.scheduling.models import ScheduledJob
from oauthconnections.history import note
from oauthconnections.models import OAuthAccount, OAuthConnection, WebServer
from tests.conftest import MailServerFactory, SMTPServerFactory
from tests.mailserver_command import run
from tests.queued_mail import queue_one
from tests.settings_page import saved, url

HEAD = ["Time", "Who", "Kind", "Object", "Action", "What"]


@pytest.fixture(autouse=True)
def root_client(client: Client, admin_user: User) -> Client:
    client.force_login(admin_user)
    return client


@pytest.fixture
def row(mail_server: MailServerFactory, smtp_server: SMTPServerFactory) -> MailServer:
    return mail_server(smtp_server(), username="me", password="saved-secret")


def place(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_history_csv")


def text_of(response: Any) -> str:
    return bytes(response.getvalue()).decode("utf-8-sig")


def exported(client: Client, model: type[Model] = MailServer) -> list[list[str]]:
    response = client.get(place(model))
    assert response.status_code == 200
    assert response.streaming
    head, *found = csv.reader(io.StringIO(text_of(response)))
    assert head == HEAD
    return found


def test_each_entry_is_a_line_with_time_person_and_what_was_done(client: Client, row: MailServer) -> None:
    saved(client, password="new-secret", timeout="60")
    client.post(url("test"), {"recipient": "me@example.com"})
    test, change = exported(client)
    assert change[1:5] == ["admin", "outgoing mail server (SMTP)", str(row), "Changed"]
    assert change[5] == "Changed Password (not shown) and Time-out: 5 → 60."
    assert test[1:5] == ["admin", "outgoing mail server (SMTP)", str(row), "Test email"]
    assert test[5].startswith("Test email to me@example.com: ")
    for line in (test, change):
        assert abs(timezone.now() - datetime.fromisoformat(line[0])).total_seconds() < 60  # with its zone
    assert "secret" not in str([test, change])  # S-2


def test_time_is_told_in_the_zone_of_the_site(client: Client, row: MailServer, settings: Settings) -> None:
    settings.TIME_ZONE = "Asia/Kathmandu"
    saved(client, timeout="60")
    assert exported(client)[0][0].endswith("+05:45")


def test_a_spreadsheet_gets_it_as_a_file_that_it_can_read(client: Client, row: MailServer) -> None:
    response = client.get(place(MailServer))
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == 'attachment; filename="history-mailserver.csv"'
    assert response.getvalue().startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_nothing_begins_as_a_formula(client: Client, admin_user: User, keycloak: OAuthConnection, begin: str) -> None:
    keycloak.name = f'{begin}HYPERLINK("https://evil.example","x")'
    note(admin_user.pk, keycloak, f"{begin}1, and what follows = stays")
    [line] = exported(client, OAuthConnection)
    assert line[3] == f"'{keycloak.name}"
    assert line[5] == f"'{begin}1, and what follows = stays"


def test_what_was_deleted_is_in_it(client: Client, keycloak: OAuthConnection) -> None:
    client.post(reverse("admin:oauthconnections_oauthconnection_delete", args=[keycloak.pk]), {"post": "yes"})
    [line] = exported(client, OAuthConnection)
    assert line[3:5] == ["Keycloak", "Deleted"]


def test_it_stays_in_the_language_of_who_asked(client: Client, row: MailServer, settings: Settings) -> None:
    saved(client, timeout="60")
    settings.LANGUAGE_CODE = "de"
    with override("de"):
        kind = str(MailServer._meta.verbose_name)
        response = client.get(place(MailServer))
    with override("en"):  # the thread that sends it on has another request by now
        text = text_of(response)
    assert kind != "outgoing mail server (SMTP)"
    assert kind in text
    assert "Time-out: 5 → 60 geändert." in text


def test_many_entries_cost_no_more_queries(
    client: Client, row: MailServer, admin_user: User, django_assert_max_num_queries: Any
) -> None:
    LogEntry.objects.log_actions(admin_user.pk, [row] * 700, CHANGE, "Many")
    with django_assert_max_num_queries(8):
        assert len(exported(client)) == 700


def test_each_history_page_of_ours_has_the_button(client: Client, row: MailServer, contoso: OAuthConnection) -> None:
    rows: list[Model] = [
        row,
        contoso,
        OAuthAccount.objects.create(connection=contoso, email="me@contoso.com"),
        WebServer.objects.create(),
        queue_one(),
        ServerQueue.objects.create(alias="default"),
        ScheduledJob.objects.create(name="mailconfig.tidy_outbox", every=60, next_run=timezone.now()),
    ]
    for one in rows:
        page = reverse(f"admin:{one._meta.app_label}_{one._meta.model_name}_history", args=[one.pk])
        assert f'<form action="{place(type(one))}">' in client.get(page).text
        assert exported(client, type(one)) == []


# --- the command line ---


def test_what_was_done_on_the_command_line_is_in_it(client: Client, row: MailServer) -> None:
    run("set", "--timeout", "60", "--clear-password", "--auth-method", "none", "--username", "")
    run("set", "--timeout", "60")
    run("test", "--to", "me@example.com")
    test, change = exported(client)
    assert change[1] == test[1] == "command-line"
    assert "Time-out: 5 → 60" in change[5]
    assert "Password (forgotten)" in change[5]
    assert "Test email to me@example.com: sent" in test[5]
    assert change[5].startswith("On the command line, by ")


def test_nobody_can_be_signed_in_as_the_command_line(client: Client, row: MailServer) -> None:
    run("set", "--timeout", "60")
    run("set", "--timeout", "50")
    user = User.objects.get(username="command-line")
    assert not user.is_active
    assert not user.is_staff
    assert not user.has_usable_password()
    assert "saved-secret" not in str(LogEntry.objects.values_list("change_message"))  # S-2


def test_a_project_whose_users_need_more_than_a_name_keeps_its_command(
    row: MailServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(user: User) -> None:
        raise IntegrityError("A user needs a department.")

    monkeypatch.setattr(User, "save", refuse)
    assert "Saved" in run("set", "--timeout", "60")
    assert MailServer.objects.get().timeout == 60
    assert "the history does not have" in caplog.text


def test_the_command_prints_all_of_it(
    client: Client, row: MailServer, admin_user: User, keycloak: OAuthConnection
) -> None:
    saved(client, timeout="60")
    note(admin_user.pk, keycloak, "=Signed in")
    note(admin_user.pk, admin_user, "Not ours")
    head, *lines = csv.reader(io.StringIO(run("history", "--csv")))
    assert head == HEAD
    assert [line[5] for line in lines] == ["'=Signed in", "Changed Time-out: 5 → 60."]
    entries = json.loads(run("history", "--json"))["entries"]
    assert [entry["text"] for entry in entries] == ["=Signed in", "Changed Time-out: 5 → 60."]
    assert (entries[1]["who"], entries[1]["action"], entries[1]["object"]) == ("admin", "Changed", str(row))
    assert "admin, OAuth connection Keycloak: =Signed in" in run("history")
