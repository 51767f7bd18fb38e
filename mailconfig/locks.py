"""Values that the project's settings fix: they win over what is saved, and the page shows them with their source."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from oauthconnections.fields import Secret

from .exceptions import MailconfigError

OAUTH_METHOD: Final = "xoauth2"
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
    "pinned_certificate",
)


class UnusableLocks(MailconfigError):
    """Nothing is sent with a part of the settings left out: it might be the encryption."""

    sentence = gettext_lazy("The settings of this site fix values of the mail server that can't be used: %(problems)s")


def locked_values(alias: str) -> dict[str, Any]:
    """What `MAILCONFIG` says for a mailer: field name to value.

    `MAILCONFIG = {"host": ...}` is meant for the mailer "default"; with several, `MAILCONFIG = {"alias": {...}}`.
    """
    return {
        name: Secret(value or "") if name == "password" else value
        for name, value in _configured(alias).items()
        if name in LOCKABLE
    }


def _configured(alias: str) -> dict[str, Any]:
    configured: dict[str, Any] = getattr(settings, "MAILCONFIG", None) or {}
    values = {name: value for name, value in configured.items() if not isinstance(value, dict)}
    own: dict[str, Any] = configured.get(alias, {})
    return {**(values if alias == "default" else {}), **own}


def source_of(name: str) -> str:
    """Where an administrator has to go to change a locked field."""
    sources: dict[str, str] = getattr(settings, "MAILCONFIG_SOURCES", {})
    return sources.get(name) or _("MAILCONFIG in the settings of this site")


def apply_locks(row: models.Model, alias: str) -> None:
    """Set the locked fields of a row in memory; those that can't be used stay as they are, for `problems()` to name."""
    for name, value in locked_values(alias).items():
        field = _field(type(row), name)
        with contextlib.suppress(ValidationError):
            setattr(row, name, field.to_python(_or_none(field, value)))
    for name in ("oauth_connection", "oauth_account") if excludes_oauth(alias) else ():
        setattr(row, name, None)


def excludes_oauth(alias: str) -> bool:
    """Whether the settings of the project have decided that the log-in is another one."""
    locked = locked_values(alias)
    return "password" in locked or locked.get("auth_method", OAUTH_METHOD) != OAUTH_METHOD


def _field(model: type[models.Model], name: str) -> "models.Field[Any, Any]":
    field = model._meta.get_field(name)
    assert isinstance(field, models.Field)
    return field


def _or_none(field: "models.Field[Any, Any]", value: Any) -> Any:
    """An environment variable can only be empty, which for a number means that there is none."""
    return None if value == "" and field.null else value


def refuse_unusable_locks(model: type[models.Model], alias: str) -> None:
    if found := problems(model, alias):
        raise UnusableLocks(problems=" ".join(found))


def problems(model: type[models.Model], alias: str) -> list[str]:
    """What is wrong with the locked values of a mailer, a sentence each, never with the value: it may be a secret."""
    return list(_problems(model, alias))


def _problems(model: type[models.Model], alias: str) -> Iterator[str]:
    for name, value in _configured(alias).items():
        if name not in LOCKABLE:
            text = _("MAILCONFIG: '%(field)s' is not a field that can be set. Those are: %(fields)s.")
            yield text % {"field": name, "fields": ", ".join(LOCKABLE)}
            continue
        field = _field(model, name)
        try:
            field.clean(locked_values(alias)[name] if name == "password" else _or_none(field, value), None)
        except ValidationError as error:
            text = _("%(source)s: the value of '%(field)s' is invalid. %(reason)s")
            yield text % {"source": source_of(name), "field": name, "reason": _reason(field, error)}


def _reason(field: "models.Field[Any, Any]", error: ValidationError) -> str:
    if field.choices:
        choices = ", ".join(value for value, _label in field.flatchoices)
        return _("It must be one of: %(choices)s.") % {"choices": choices}
    return " ".join(str(one.message) % {**(one.params or {}), "value": "…"} for one in error.error_list)


def unknown_mailers(aliases: Sequence[str]) -> list[str]:
    """Parts of MAILCONFIG that are meant for a mailer which this project does not have."""
    configured: dict[str, Any] = getattr(settings, "MAILCONFIG", None) or {}
    return [name for name, value in configured.items() if isinstance(value, dict) and name not in aliases]
