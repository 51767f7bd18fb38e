"""Values that the project's settings fix: they win over what is saved, and the page shows them with their source."""

from typing import Any, Final

from django.conf import settings
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import models
from django.utils.translation import gettext as _

LOCKABLE: Final = (
    "host",
    "port",
    "security",
    "auth_method",
    "username",
    "password",
    "from_name",
    "from_email",
    "force_from",
    "ehlo_source",
    "ehlo_name",
    "timeout",
    "ca_bundle",
)


def locked_values(alias: str) -> dict[str, Any]:
    """What `MAILCONFIG` says for a mailer: field name to value.

    `MAILCONFIG = {"host": ...}` is meant for the mailer "default"; with several, `MAILCONFIG = {"alias": {...}}`.
    """
    configured: dict[str, Any] = getattr(settings, "MAILCONFIG", None) or {}
    values = {name: value for name, value in configured.items() if not isinstance(value, dict)}
    own: dict[str, Any] = configured.get(alias, {})
    return {**(values if alias == "default" else {}), **own}


def source_of(name: str) -> str:
    """Where an administrator has to go to change a locked field."""
    sources: dict[str, str] = getattr(settings, "MAILCONFIG_SOURCES", {})
    return sources.get(name) or _("MAILCONFIG in the settings of this site")


def apply_locks(row: models.Model, alias: str) -> None:
    """Set the locked fields of a row in memory."""
    for name, value in locked_values(alias).items():
        field = row._meta.get_field(name)
        assert isinstance(field, models.Field)
        setattr(row, name, field.to_python(value))


def problems(model: type[models.Model], alias: str) -> list[str]:
    """What is wrong with the locked values, a sentence each."""
    found = []
    for name, value in locked_values(alias).items():
        try:
            field = model._meta.get_field(name)
            if name not in LOCKABLE or not isinstance(field, models.Field):
                raise FieldDoesNotExist
            field.clean(value, None)
        except FieldDoesNotExist:
            found.append(f"MAILCONFIG: {name!r} is not a field that can be set. Those are: {', '.join(LOCKABLE)}.")
        except ValidationError as error:
            # Not the value itself: it may be the password.
            found.append(f"MAILCONFIG: the value of {name!r} is invalid. {' '.join(error.messages)}")
    return found
