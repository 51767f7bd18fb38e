"""Two people who save the settings at once: neither loses anything without being told."""

import threading
from http import HTTPStatus

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client

from mailconfig.models import MailServer
from tests.conftest import MailServerFactory
from tests.settings_page import Page, opened, saved, sent, url

TOLD = "Somebody else saved these settings while this page was open."


@pytest.fixture
def first(alice: User) -> Client:
    return signed_in(alice)


@pytest.fixture
def second(db: None) -> Client:
    return signed_in(User.objects.create_superuser("second"))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture(autouse=True)
def row(mail_server: MailServerFactory) -> MailServer:
    return mail_server(host="saved.example.com", username="me", password="saved-secret")


def test_the_second_is_told_and_keeps_the_entries(first: Client, second: Client) -> None:
    pages = opened(first), opened(second)
    assert saved(first, pages[0], timeout="60", from_name="First").errors == {}
    refused = saved(second, pages[1], from_name="Second", username="you")
    assert TOLD in refused.errors[""]
    assert (refused.values["from_name"], refused.values["username"]) == ("Second", "you")
    assert refused.values["timeout"] == "5"  # as the second saw it
    server = MailServer.objects.get()
    assert (server.from_name, server.timeout, server.username) == ("First", 60, "me")


def test_the_second_can_save_again_on_purpose(first: Client, second: Client) -> None:
    pages = opened(first), opened(second)
    saved(first, pages[0], from_name="First")
    refused = saved(second, pages[1], from_name="Second")
    assert saved(second, refused).errors == {}
    assert MailServer.objects.get().from_name == "Second"


def test_a_third_who_comes_in_between_counts_too(first: Client, second: Client) -> None:
    pages = opened(first), opened(second)
    saved(first, pages[0], from_name="First")
    refused = saved(second, pages[1], from_name="Second")
    saved(first, from_name="Third")
    assert TOLD in saved(second, refused).errors[""]
    assert MailServer.objects.get().from_name == "Third"


def test_who_saves_twice_is_not_somebody_else(first: Client) -> None:
    page = saved(first, opened(first), timeout="60")
    assert saved(first, page, timeout="61").errors == {}


def test_saving_without_a_change_disturbs_nobody(first: Client, second: Client) -> None:
    page = opened(second)
    saved(first, opened(first))
    assert saved(second, page, timeout="60").errors == {}


def test_a_test_email_disturbs_nobody(first: Client, second: Client) -> None:
    page = opened(second)
    MailServer.objects.get().note_test("refused")
    assert saved(second, page, timeout="60").errors == {}


@pytest.mark.parametrize("typed", ["", "x", "-1", "99"])
def test_a_forged_revision_does_no_harm(first: Client, typed: str) -> None:
    page = saved(first, opened(first), opened_revision=typed, timeout="60")
    assert bool(page.errors) is (typed != "")
    assert MailServer.objects.get().timeout == (60 if typed == "" else 5)


@pytest.mark.django_db(transaction=True)
def test_of_two_at_the_very_same_time_none_is_lost_silently(first: Client, second: Client) -> None:
    answers: dict[str, tuple[int, Page]] = {}
    together = threading.Barrier(2)

    def save(client: Client, name: str, data: dict[str, object]) -> None:
        client.raise_request_exception = False
        together.wait()
        response = client.post(address, {**data, "from_name": name})
        answers[name] = response.status_code, Page.of(response)
        BaseDatabaseWrapper.close(connections["default"])  # SQLite's own does not close a database in memory

    address, data = url(), sent(None, {})
    threads = [
        threading.Thread(target=save, args=(client, name, data)) for client, name in [(first, "A"), (second, "B")]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    winners = [name for name, (status, _page) in answers.items() if status == HTTPStatus.FOUND]
    told = [name for name, (_status, page) in answers.items() if TOLD in page.text]
    server = MailServer.objects.get()
    assert server.revision == len(winners)
    assert [server.from_name] == (winners or [""])
    if connection.vendor == "sqlite":  # refuses who comes second instead of letting them wait, which is not silent
        told += [name for name, (status, _page) in answers.items() if status == HTTPStatus.INTERNAL_SERVER_ERROR]
    else:
        assert len(winners) == 1
    assert sorted(winners + told) == ["A", "B"]
