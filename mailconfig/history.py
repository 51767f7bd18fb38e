"""Entries in the admin's history: what was changed, with secrets masked, and each test email (S-23)."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from oauthconnections.history_export import ACTIONS
from oauthconnections.models import OAuthAccount

from .forms import MailServerForm
from .models import MailServer
from .storable import storable

TEST_EMAIL: Final = 10
"""Action flag of a test email, beside Django's 1 to 3 for additions, changes and deletions."""

LOOK_UP: Final = 11
"""Action flag of settings that were detected and domains that were checked."""

ACTIONS.update({TEST_EMAIL: gettext_lazy("Test email"), LOOK_UP: gettext_lazy("Look-up")})

TESTS_ALLOWED: Final = 20
TESTS_WINDOW: Final = timedelta(minutes=10)

_NAME_ONLY: Final = {"password", "ca_bundle", "ca_file"}


def changed_labels(form: MailServerForm) -> list[str]:
    """What a person calls the fields that were changed."""
    labels = [str(form.fields[name].label) for name in form.changed_settings() if name != "clear_password"]
    return [*labels, _("Password (forgotten)")] if form.forgets_password else labels


def describe_changes(form: MailServerForm) -> list[str]:
    """A phrase per changed field: "Port: 25 → 587"; of secrets only that they changed."""
    return list(_changes(form))


def _changes(form: MailServerForm) -> Iterator[str]:
    for name in form.changed_settings():
        label = str(form.fields[name].label)
        if name in _NAME_ONLY:
            yield _("%(field)s (not shown)") % {"field": label}
        elif name != "clear_password":
            before, after = form.initial.get(name), getattr(form.instance, name)
            yield f"{label}: {_shown(form, name, before)} → {_shown(form, name, after)}"
    if form.forgets_password:
        yield _("Password (forgotten)")
    if form.detached:
        yield account_change(form.detached, None)


def account_change(before: OAuthAccount | None, after: OAuthAccount | None) -> str:
    """A phrase as in `describe_changes`, for an account that came or went by itself."""
    return _("Account: %(before)s → %(after)s") % {"before": before or _("none"), "after": after or _("none")}


def _shown(form: MailServerForm, name: str, value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    key = getattr(value, "pk", value)  # of a row
    choices = dict(getattr(form.fields[name], "choices", ()))
    shown = choices.get("" if key is None else key, value)
    return str(shown) if shown not in (None, "") else _("empty")


def begin_test(user: AbstractBaseUser, server: MailServer, recipient: str) -> LogEntry:
    """Note a test email before it is sent, so that tests at the same time count as well."""
    text = _test_text(recipient, _("not finished"))
    entry: LogEntry = LogEntry.objects.log_actions(user.pk, [server], TEST_EMAIL, text, single_object=True)
    return entry


def end_test(entry: LogEntry, recipient: str, error: str) -> None:
    """Note how it ended."""
    entry.change_message = outcome_text(recipient, error)
    entry.save(update_fields=["change_message"])


def outcome_text(recipient: str, error: str) -> str:
    """How a test ended; without an error it was sent."""
    return _test_text(recipient, storable(error) or _("sent"))


def _test_text(recipient: str, outcome: str) -> str:
    return _("Test email to %(recipient)s: %(outcome)s") % {"recipient": recipient, "outcome": outcome}


def note_look_up(user: AbstractBaseUser, server: MailServer, text: str) -> None:
    """Note that others were asked because somebody wanted to know."""
    LogEntry.objects.log_actions(user.pk, [server], LOOK_UP, text, single_object=True)


def minutes_until_next_test(user: AbstractBaseUser) -> int:
    """Minutes that a user has to wait after too many tests; 0 if another one is allowed now."""
    return minutes_until_next(user, TEST_EMAIL)


def minutes_until_next(user: AbstractBaseUser, action: int) -> int:
    """As `minutes_until_next_test`, for any of these actions."""
    since = timezone.now() - TESTS_WINDOW
    times = (
        LogEntry.objects.filter(user=user.pk, action_flag=action, action_time__gt=since)
        .order_by("-action_time")
        .values_list("action_time", flat=True)[:TESTS_ALLOWED]
    )
    if len(times) < TESTS_ALLOWED:
        return 0
    return int((times[TESTS_ALLOWED - 1] - since).total_seconds() // 60) + 1
