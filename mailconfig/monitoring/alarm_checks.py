"""System checks: the alarms, for who reads them on the command line, and whether /metrics can be read as set."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.utils.translation import gettext as _

from mailconfig.models import MailServer
from oauthconnections.checks import from_database

from . import health
from .access import Access

# Numbers are never used again: whoever silenced one must not silence another.


def check_alarms(
    app_configs: Sequence[AppConfig] | None, databases: Collection[str] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """mailconfig.W002, outbox.W001, outbox.W002: mail does not go out. With `check --database` and with `migrate`."""
    return from_database(MailServer, databases, _broken)


def _broken(alias: str) -> Iterator[checks.CheckMessage]:
    """What somebody has decided, or not set up yet, is no news to who reads this."""
    hint = _("The pages “Outgoing mail server (SMTP)” and “Outbox” of the admin say more.")
    for alarm in health.alarms():
        if alarm.level == "error":
            yield checks.Warning(str(alarm.text), hint=hint, id=alarm.check)


def check_metrics(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """E004: the setting MAILCONFIG_METRICS can't be used."""
    problem = Access.from_settings().problem
    return [checks.Error(problem, id="mailconfig.E004")] if problem else []
