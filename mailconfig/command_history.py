"""The admin's history and the command line: what was done there is noted, and all of it can be printed.

Imported only where Django's admin is installed, whose table it is.
"""

import getpass
import json
import logging
from collections.abc import Iterator
from typing import Final

from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import DatabaseError, transaction
from django.db.models import QuerySet
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from oauthconnections.history import note
from oauthconnections.history_export import csv_lines, rows

from .forms import MailServerForm
from .history import TEST_EMAIL, describe_changes, outcome_text
from .models import MailServer

logger = logging.getLogger("mailconfig")
USER_NAME: Final = "command-line"
OURS: Final = ("mailconfig", "oauthconnections")
FIELDS: Final = ("time", "who", "kind", "object", "action", "text")


def note_changes(server: MailServer, form: MailServerForm) -> None:
    """What `mailserver set` has changed, masked."""
    if changes := describe_changes(form):
        _note(server, CHANGE, "; ".join(changes))


def note_test(server: MailServer, recipient: str, error: str) -> None:
    """How `mailserver test` ended; without an error it was sent."""
    _note(server, TEST_EMAIL, outcome_text(recipient, error))


def _note(server: MailServer, flag: int, text: str) -> None:
    if user := _user():
        whole = _("On the command line, by %(login)s: %(text)s") % {"login": _login(), "text": text}
        note(user.pk, server, whole, flag)


def _user() -> AbstractBaseUser | None:
    """The history knows users only, so one stands for the command line: inactive, without a password."""
    model = get_user_model()
    known: AbstractBaseUser | None = model._default_manager.filter(**{model.USERNAME_FIELD: USER_NAME}).first()
    return known or _new_user(model(**{model.USERNAME_FIELD: USER_NAME}))


def _new_user(user: AbstractBaseUser) -> AbstractBaseUser | None:
    user.is_active = False
    user.set_unusable_password()
    try:
        with transaction.atomic():
            user.save()
    except DatabaseError:  # a user model of the project's own may want more of a user than a name
        logger.warning("There can be no user “%s”, so the history does not have what was done here.", USER_NAME)
        return None
    return user


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run as a number that has no name
        return _("somebody")


def as_csv() -> Iterator[str]:
    return (line.rstrip("\r\n") for line in csv_lines(_entries()))


def as_json() -> Iterator[str]:
    found = [dict(zip(FIELDS, row, strict=True)) for row in rows(_entries(), get_language())]
    yield json.dumps({"entries": found})


def as_text() -> Iterator[str]:
    for time, who, kind, shown, _action, text in rows(_entries(), get_language()):
        yield f"{time} {who}, {kind} {shown}: {text}"


def _entries() -> QuerySet[LogEntry]:
    """Of all our apps, the newest first."""
    ours = [
        app.label for app in apps.get_app_configs() if app.name.partition(".")[0] in ("mailconfig", "oauthconnections")
    ]
    return LogEntry.objects.filter(content_type__app_label__in=ours)
