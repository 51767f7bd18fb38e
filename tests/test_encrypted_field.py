"""A secret column: clear to the program, encrypted in the database, and harmless when no key opens it."""

import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.core import serializers
from django.core.checks import CheckMessage, run_checks
from django.core.exceptions import FieldError, ImproperlyConfigured, ValidationError
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.forms import modelform_factory
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from mailconfig.models import MailServer
from oauthconnections.encryption import PREFIX, decrypt, encrypt
from oauthconnections.fields import Secret, Undecryptable, refuse_ciphertext

pytestmark = pytest.mark.django_db

CHANGED_KEY = "a new key of the site, which is long enough to be no warning"


def save(password: str, alias: str = "default") -> MailServer:
    return MailServer.objects.create(alias=alias, password=password)


def saved(alias: str = "default") -> MailServer:
    return MailServer.objects.get(alias=alias)


def stored(alias: str = "default") -> str:
    """What the database has, asked without Django's models."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT password FROM mailconfig_mailserver WHERE alias = %s", [alias])
        return str(cursor.fetchone()[0])


# --- round trips ---


def test_the_database_has_ciphertext_and_the_program_the_secret() -> None:  # S-1
    save("correct horse")
    assert stored().startswith(PREFIX)
    assert "correct horse" not in stored()
    assert saved().password == "correct horse"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back(text: str) -> None:
    opened = decrypt(encrypt(text))
    assert opened == text
    assert isinstance(opened, Secret)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_comes_back_even_if_it_begins_like_ciphertext(text: str) -> None:
    MailServer.objects.update_or_create(alias="default", defaults={"password": PREFIX + text})
    assert saved().password == PREFIX + text


@given(st.text(max_size=200))
def test_anything_at_all_in_the_column_can_be_loaded(text: str) -> None:  # S-3
    assert isinstance(decrypt(PREFIX + text), Undecryptable)


def test_it_takes_a_token_of_100_kilobytes() -> None:  # S-4
    save("x" * 100_000)
    assert saved().password == "x" * 100_000


def test_empty_stays_empty() -> None:
    save("")
    assert stored() == ""
    assert saved().password == ""


def test_the_same_secret_twice_looks_different() -> None:
    save("twin")
    save("twin", "other")
    assert stored() != stored("other")


def test_validating_a_saved_row_does_not_take_the_secret_for_ciphertext() -> None:
    row = MailServer(password=PREFIX + "chosen by a person")
    row.clean_fields()
    assert row.password == PREFIX + "chosen by a person"


def test_queryset_update_and_values_work() -> None:
    save("old")
    MailServer.objects.update(password="new")
    assert "new" not in stored()
    assert MailServer.objects.values("password").get() == {"password": "new"}
    assert MailServer.objects.values_list("password", flat=True).get() == "new"


def test_bulk_create_and_bulk_update_work() -> None:
    rows = MailServer.objects.bulk_create(MailServer(alias=name, password=name * 3) for name in ("a", "b"))
    assert saved("b").password == "bbb"
    rows[0].password = "changed"
    MailServer.objects.bulk_update(rows, ["password"])
    assert saved("a").password == "changed"
    assert stored("a").startswith(PREFIX)


def test_a_column_is_copied_as_it_is_by_an_expression() -> None:
    save("kept")
    before = stored()
    MailServer.objects.update(password=F("password"))
    assert stored() == before


def test_a_value_from_before_the_column_was_encrypted_is_readable() -> None:
    save("")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE mailconfig_mailserver SET password = 'plain of old'")
    assert saved().password == "plain of old"


@pytest.mark.parametrize("lookup", ["password", "password__contains", "password__in", "password__gt"])
def test_it_can_not_be_searched(lookup: str) -> None:
    with pytest.raises(FieldError, match="encrypted and can't be searched"):
        MailServer.objects.filter(**{lookup: "secret"}).exists()


def test_isnull_is_the_one_lookup() -> None:
    save("x")
    assert MailServer.objects.filter(password__isnull=False).count() == 1


# --- keys ---


def test_another_secret_key_with_the_old_one_as_fallback_opens_it(settings: Settings) -> None:  # S-1
    save("kept")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = CHANGED_KEY
    assert saved().password == "kept"


def test_the_first_field_key_encrypts_and_all_decrypt(settings: Settings) -> None:  # S-1
    save("under the secret key")
    settings.FIELD_ENCRYPTION_KEYS = ["first"]
    save("under first", "first")
    settings.FIELD_ENCRYPTION_KEYS = ["second", "first"]
    save("under second", "second")
    assert [row.password for row in MailServer.objects.order_by("pk")] == [
        "under the secret key",
        "under first",
        "under second",
    ]
    settings.FIELD_ENCRYPTION_KEYS = ["second"]
    assert isinstance(saved("first").password, Undecryptable)
    assert saved("second").password == "under second"


@pytest.mark.parametrize("key", ["x", "ключ 🗝", "A" * 5_000, "not base64 !?"])
def test_any_string_is_a_key(settings: Settings, key: str) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [key]
    save("kept")
    assert saved().password == "kept"


def test_an_empty_entry_is_no_key(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [""]
    save("kept")
    del settings.FIELD_ENCRYPTION_KEYS
    assert saved().password == "kept"


def test_one_string_is_not_taken_for_a_list_of_letters(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = "one long key by mistake"
    with pytest.raises(ImproperlyConfigured, match="Make it a list"):
        save("x")


# --- what no key opens ---


@pytest.fixture
def lost(settings: Settings) -> str:
    """A row whose key is gone; gives what is stored."""
    save("lost for now")
    settings.SECRET_KEY = CHANGED_KEY
    return stored()


def test_a_row_without_its_key_loads(lost: str) -> None:  # S-3
    password = saved().password
    assert isinstance(password, Undecryptable)
    assert password  # not taken for an empty password
    assert not isinstance(password, str)
    assert lost not in repr(password) + str(password)


def test_saving_a_row_without_its_key_keeps_the_ciphertext(lost: str) -> None:  # S-3
    row = saved()
    row.host = "mail.example.com"
    row.clean_fields()
    row.save()
    assert stored() == lost


def test_the_secret_is_back_when_the_key_is(lost: str, settings: Settings) -> None:
    row = saved()
    row.save()
    settings.SECRET_KEY_FALLBACKS = ["tests only: a key that is long enough to be no warning, and no secret"]
    assert saved().password == "lost for now"


def test_entering_it_again_replaces_it(lost: str) -> None:
    row = saved()
    row.password = "entered again"
    row.save()
    assert saved().password == "entered again"


def test_the_check_names_model_row_and_field(lost: str) -> None:  # S-3
    (warning,) = database_warnings()
    assert (
        warning.msg == f"A stored secret can't be decrypted: mailconfig.mailserver, row {saved().pk}, field password."
    )
    assert lost not in str(warning)


def test_the_check_is_silent_when_all_is_well() -> None:
    save("fine")
    assert database_warnings() == []


def test_the_check_names_no_more_than_20(settings: Settings) -> None:
    MailServer.objects.bulk_create(MailServer(alias=str(number), password="x") for number in range(25))
    settings.SECRET_KEY = CHANGED_KEY
    assert len(database_warnings()) == 20


@pytest.mark.django_db(transaction=True)
def test_the_check_does_without_the_table() -> None:
    call_command("migrate", "mailconfig", "zero", verbosity=0)
    try:
        assert database_warnings() == []
    finally:
        call_command("migrate", "mailconfig", verbosity=0)


def database_warnings() -> list[CheckMessage]:
    found = run_checks(tags=["database"], databases=["default"])
    return [message for message in found if message.id == "oauthconnections.W002"]


def key_messages() -> list[str | None]:
    return [message.id for message in run_checks() if (message.id or "").startswith("oauthconnections")]


def test_a_short_key_is_warned_of(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = ["k" * 32, "k" * 31]
    assert key_messages() == ["oauthconnections.W001"]


@pytest.mark.parametrize("keys", ["a string", [1], {"a": "b"}])
def test_keys_that_are_no_list_of_strings_are_an_error(settings: Settings, keys: object) -> None:
    settings.FIELD_ENCRYPTION_KEYS = keys
    assert key_messages() == ["oauthconnections.E002"]


# --- nowhere in clear ---


@pytest.mark.parametrize("show", [repr, lambda secret: repr([secret]), lambda secret: repr({"a": secret})])
def test_repr_hides_it(show: Callable[[Secret], str]) -> None:  # S-2
    assert "hunter2" not in show(Secret("hunter2"))
    assert "'********'" in show(Secret("hunter2"))


def test_it_is_hidden_from_the_moment_it_is_assigned() -> None:  # S-2
    row = MailServer(password="hunter2")
    assert "hunter2" not in repr(vars(row))
    row.password = "hunter3"
    assert "hunter3" not in repr(vars(row))


def test_assigning_a_secret_keeps_the_very_object() -> None:
    secret = Secret("hunter2")
    assert MailServer(password=secret).password is secret


def test_to_its_users_it_is_the_text() -> None:
    secret = Secret("hunter2")
    assert f"{secret}" == "hunter2"
    assert secret.encode() == b"hunter2"
    assert "%s" % secret == "hunter2"  # noqa: UP031 - that, too, has to work
    assert json.loads(json.dumps(secret)) == "hunter2"


def test_a_pickled_secret_stays_hidden() -> None:
    again = pickle.loads(pickle.dumps(Secret("hunter2")))
    assert (again, repr(again)) == ("hunter2", "'********'")


def test_a_template_does_not_show_it() -> None:  # S-2
    shown = Template("{{ row.password }}").render(Context({"row": save("hunter2")}))
    assert shown == "********"


@pytest.mark.parametrize("output_format", ["json", "jsonl", "xml", "python"])
def test_dumpdata_writes_ciphertext_that_loads_again(output_format: str) -> None:  # S-2
    save("hunter2")
    dump = serializers.serialize(output_format, MailServer.objects.all())
    assert "hunter2" not in str(dump)
    assert PREFIX in str(dump)
    MailServer.objects.all().delete()
    for loaded in serializers.deserialize(output_format, dump):
        loaded.save()
    assert saved().password == "hunter2"


def test_the_commands_dumpdata_and_loaddata_keep_it(tmp_path: Path) -> None:
    save("hunter2")
    file = tmp_path / "dump.json"
    call_command("dumpdata", "mailconfig", output=str(file), verbosity=0)
    assert "hunter2" not in file.read_text()
    MailServer.objects.all().delete()
    call_command("loaddata", str(file), verbosity=0, stdout=io.StringIO())
    assert saved().password == "hunter2"


def test_a_dump_loads_where_the_key_is_missing_and_keeps_its_bytes(lost: str) -> None:
    dump = serializers.serialize("json", MailServer.objects.all())
    MailServer.objects.all().delete()
    for loaded in serializers.deserialize("json", dump):
        loaded.save()
    assert stored() == lost


# --- forms ---


def secret_form(data: dict[str, str] | None = None, **options: Any) -> Any:
    form = modelform_factory(MailServer, fields=["password"], **options)
    return form(data, instance=MailServer.objects.create(username="me", password="saved before"))


@pytest.mark.parametrize("typed", [PREFIX + "gAAAA", f"  {PREFIX}x"])
def test_what_a_person_types_must_not_look_like_ciphertext(typed: str) -> None:
    with pytest.raises(ValidationError, match="Enter the secret itself"):
        refuse_ciphertext(typed)
    assert "password" in secret_form({"password": typed}).errors


@pytest.mark.parametrize("widget", [None, forms.Textarea, forms.TextInput, forms.HiddenInput])
def test_a_form_never_shows_the_saved_one(widget: type[forms.Widget] | None) -> None:  # S-2
    options: dict[str, Any] = {"widgets": {"password": widget}} if widget else {}
    assert "saved before" not in secret_form(**options).as_p()


def test_left_empty_it_keeps_the_saved_one() -> None:  # S-2
    form = secret_form({"password": ""})
    assert form.is_valid(), form.errors
    form.save()
    assert form.changed_data == []
    assert saved().password == "saved before"


def test_spaces_around_a_typed_secret_belong_to_it() -> None:
    form = secret_form({"password": " spaced "})
    assert form.is_valid(), form.errors
    form.save()
    assert form.changed_data == ["password"]
    assert saved().password == " spaced "
