"""The query that runs before every mail finds what the ORM would find, as it is at that moment."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models
from django.test import override_settings
from django.utils.connection import ConnectionDoesNotExist
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from mailconfig.models import MailServer
from mailconfig.prepared import PreparedQuery
from oauthconnections.fields import Secret, Undecryptable
from oauthconnections.models import WebServer
from tests.conftest import MailServerFactory

EMAIL = User.objects.order_by("-pk").values("email")[:1]
ENTRIES = PreparedQuery(LogEntry, "object_id", related=("user", "content_type"), newest_email=models.Subquery(EMAIL))


def stored(row: models.Model) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def entry(user: User, object_id: str, content_type: ContentType | None) -> LogEntry:
    return LogEntry.objects.create(
        user=user, object_id=object_id, content_type=content_type, object_repr="x", action_flag=2
    )


def test_a_row_is_as_the_orm_reads_it(mail_server: MailServerFactory) -> None:
    row = mail_server(host="mail.example.com", port=2525, password="secret", force_from=True)
    row.note_test("refused")
    for _time in range(2):  # the second time with the SQL of the first
        found = MailServer.objects.for_alias("default")
        assert stored(found) == stored(MailServer.objects.get())
        assert type(found.password) is Secret
        assert found.force_from is True
        assert found._state.db == "default"
        assert not found._state.adding


def test_a_change_is_seen_at_once(mail_server: MailServerFactory) -> None:
    mail_server(host="old.example.com", ehlo_source="external_url")
    assert MailServer.objects.for_alias("default").host == "old.example.com"
    MailServer.objects.update(host="new.example.com")
    WebServer.objects.create(external_url="https://www.example.com")
    server = MailServer.objects.for_alias("default")
    assert (server.host, server.name_in_ehlo()) == ("new.example.com", "www.example.com")


def test_other_keys_open_nothing_that_was_read_before(mail_server: MailServerFactory, settings: Settings) -> None:
    mail_server(host="mail.example.com", password="secret")
    assert MailServer.objects.for_alias("default").password == "secret"
    settings.SECRET_KEY, settings.FIELD_ENCRYPTION_KEYS = "another", []
    assert isinstance(MailServer.objects.for_alias("default").password, Undecryptable)


class Elsewhere:
    def db_for_read(self, model: type[models.Model], **hints: object) -> str:
        return "elsewhere"


@pytest.mark.django_db
def test_the_projects_router_is_asked() -> None:
    with (
        override_settings(DATABASE_ROUTERS=[Elsewhere()]),
        pytest.raises(ConnectionDoesNotExist, match="elsewhere"),
    ):
        MailServer.objects.for_alias("default")


def test_related_rows_come_in_the_same_query(alice: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    content_type = ContentType.objects.get_for_model(User)
    entry(alice, "1", content_type)
    with django_assert_num_queries(1):
        found = ENTRIES.find("default", "1")
        assert found
        assert found.content_type == content_type
        assert found.user.email == alice.email
    assert stored(found) == stored(LogEntry.objects.get())
    assert stored(found.user) == stored(User.objects.get())
    assert found.newest_email == alice.email  # type: ignore[attr-defined]


def test_a_related_row_may_be_missing(alice: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    entry(alice, "1", None)
    with django_assert_num_queries(1):
        found = ENTRIES.find("default", "1")
        assert found
        assert found.content_type is None


@pytest.mark.django_db
def test_only_what_is_wanted_is_read(alice: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    query = PreparedQuery(User, "username", only=("id", "email"))
    with django_assert_num_queries(1):
        found = query.find("default", alice.username)
    assert found
    assert found.get_deferred_fields() == {field.attname for field in User._meta.concrete_fields} - {"id", "email"}
    assert (found.pk, found.email, found.username) == (alice.pk, alice.email, alice.username)


@pytest.mark.django_db
def test_there_may_be_no_row() -> None:
    assert ENTRIES.find(connection.alias, "1") is None
