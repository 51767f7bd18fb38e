"""Entries in the admin's history: what was changed, with secrets masked, and each test email (S-23)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.forms import BaseForm
from django.utils import timezone
from django.utils.translation import gettext as _

from .models import MailServer

TEST_EMAIL: Final = 10
"""Action flag of a test email, beside Django's 1 to 3 for additions, changes and deletions."""

TESTS_ALLOWED: Final = 20
TESTS_WINDOW: Final = timedelta(minutes=10)

_NAME_ONLY: Final = {"ca_bundle", "ca_file"}
_NOT_A_SETTING: Final = {"opened_revision", "confirm_clear_text"}


def describe_changes(form: BaseForm) -> list[str]:
    """A phrase per changed field: "Port: 25 → 587"; of secrets only that they changed."""
    return list(_changes(form))


def _changes(form: BaseForm) -> Iterator[str]:
    for name in form.changed_data:
        label = str(form.fields[name].label)
        if name == "password":
            yield _("Password (not shown)")
        elif name in _NAME_ONLY or name == "clear_password":
            yield label
        elif name not in _NOT_A_SETTING:
            before, after = _shown(form, name, form.initial.get(name)), _shown(form, name, form.cleaned_data[name])
            yield f"{label}: {before} → {after}"


def _shown(form: BaseForm, name: str, value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    choices = dict(getattr(form.fields[name], "choices", ()))
    return str(choices.get(value, value)) if value not in (None, "") else _("empty")


def log_test(user: AbstractBaseUser, server: MailServer, recipient: str, error: str) -> None:
    """Note a test email: where it went, and how it ended."""
    text = _("Test email to %(recipient)s: %(outcome)s") % {"recipient": recipient, "outcome": error or _("sent")}
    LogEntry.objects.log_actions(user.pk, [server], TEST_EMAIL, text, single_object=True)


def minutes_until_next_test(user: AbstractBaseUser) -> int:
    """Minutes that a user has to wait after too many tests; 0 if another one is allowed now."""
    since = timezone.now() - TESTS_WINDOW
    times = (
        LogEntry.objects.filter(user=user.pk, action_flag=TEST_EMAIL, action_time__gt=since)
        .order_by("-action_time")
        .values_list("action_time", flat=True)[:TESTS_ALLOWED]
    )
    if len(times) < TESTS_ALLOWED:
        return 0
    return int((times[TESTS_ALLOWED - 1] - since).total_seconds() // 60) + 1
