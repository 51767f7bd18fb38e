"""`rotate_encryption_keys`: everything ends under the first key, whatever happens on the way."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from mailconfig.models import MailServer
from oauthconnections import stored_secrets
from oauthconnections.fields import Secret, Undecryptable

pytestmark = pytest.mark.django_db

OLD, NEW = "the old key, long enough for no warning", "the new key, long enough for no warning"


@pytest.fixture(autouse=True)
def five_rows_under_the_old_key(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    for name in "abcde":
        MailServer.objects.create(alias=name, password=f"secret of {name}")
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]


def rotate(**options: Any) -> str:
    out = io.StringIO()
    call_command("rotate_encryption_keys", stdout=out, **options)
    return out.getvalue()


def rotate_json(**options: Any) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(rotate(json=True, **options))
    return result


def stored() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT alias, password FROM mailconfig_mailserver")
        return dict(cursor.fetchall())


def passwords() -> list[Secret | Undecryptable]:
    return list(MailServer.objects.order_by("alias").values_list("password", flat=True))


ALL = [f"secret of {name}" for name in "abcde"]


@contextmanager
def on_update(number: int, act: Callable[[], None]) -> Iterator[None]:
    """Do something just before the database runs its n-th UPDATE of a password."""
    seen = 0

    def wrapper(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal seen
        if sql.startswith("UPDATE"):
            seen += 1
            if seen == number:
                act()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield


def test_afterwards_the_old_key_is_not_needed(settings: Settings) -> None:  # S-1
    assert "5 values re-encrypted." in rotate()
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert passwords() == ALL


def test_values_under_the_first_key_are_left_alone() -> None:
    rotate()
    before = stored()
    assert "5 values were already under the first key." in rotate()
    assert stored() == before


def test_it_works_in_batches_and_reaches_the_last_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_secrets, "BATCH", 2)
    assert rotate_json()["reencrypted"] == 5
    assert rotate_json()["current"] == 5


def test_interrupted_in_the_middle_nothing_is_lost_and_it_can_be_repeated(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:  # S-1
    monkeypatch.setattr(stored_secrets, "BATCH", 2)

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), on_update(4, interrupt):
        rotate()
    assert passwords() == ALL
    # The first batch is done; of the second, the one that had been written was rolled back.
    assert rotate_json() == {
        "dry_run": False,
        "reencrypted": 3,
        "current": 2,
        "changed_meanwhile": 0,
        "undecryptable": [],
    }
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert passwords() == ALL


def test_a_password_saved_meanwhile_wins() -> None:
    def save_another() -> None:
        MailServer.objects.filter(alias="a").update(password="entered just now")

    with pytest.raises(CommandError, match="1 values were changed while this ran"), on_update(1, save_another):
        rotate()
    assert passwords() == ["entered just now", *ALL[1:]]


def test_dry_run_changes_nothing() -> None:
    before = stored()
    assert "5 values would be re-encrypted." in rotate(dry_run=True)
    assert stored() == before


def test_what_no_key_opens_is_listed_by_place_and_fails(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:  # S-3
    before = stored()["a"]
    MailServer.objects.exclude(alias="a").delete()
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    out = io.StringIO()
    with pytest.raises(CommandError, match="can't be decrypted") as error:
        call_command("rotate_encryption_keys", stdout=out)
    pk = MailServer.objects.get().pk
    assert f"mailconfig.mailserver, row {pk}, field password" in out.getvalue()
    assert error.value.returncode == 1
    assert before not in out.getvalue() + str(error.value)
    assert stored()["a"] == before


def test_json_says_the_same_to_a_machine(settings: Settings) -> None:
    MailServer.objects.exclude(alias="a").delete()
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("rotate_encryption_keys", "--json", stdout=out)
    place = {"model": "mailconfig.mailserver", "pk": str(MailServer.objects.get().pk), "field": "password"}
    assert json.loads(out.getvalue())["undecryptable"] == [place]


def test_a_value_from_before_the_column_was_encrypted_is_encrypted() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE mailconfig_mailserver SET password = 'plain of old'")
    assert rotate_json()["reencrypted"] == 5
    assert "plain" not in str(stored())
    assert set(passwords()) == {"plain of old"}


def test_empty_columns_are_not_touched() -> None:
    MailServer.objects.update(password="")
    assert rotate_json()["reencrypted"] == 0
    assert set(stored().values()) == {""}


def test_nothing_printed_shows_a_secret(settings: Settings) -> None:  # S-2
    printed = rotate() + rotate(json=True)
    assert not any(secret in printed for secret in ALL)
    assert "enc:v1:" not in printed
