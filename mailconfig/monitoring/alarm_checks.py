"""System checks: the alarms, for who reads them on the command line, and whether /metrics can be read as set."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.db import DatabaseError, router, transaction
from django.utils.translation import gettext as _

from mailconfig.models import MailServer

from . import health
from .access import Access

# Numbers are never used again: whoever silenced one must not silence another.


def check_alarms(
    app_configs: Sequence[AppConfig] | None, databases: Collection[str] | None = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """mailconfig.W002, outbox.W001, outbox.W002: mail does not go out. With `check --database` and with `migrate`."""
    alias = router.db_for_read(MailServer)
    if alias not in (databases or ()):
        return []
    # Before the first migration there is no table, and nothing to warn of.
    with suppress(DatabaseError), transaction.atomic(using=alias):
        hint = _("The pages “Outgoing mail server (SMTP)” and “Outbox” of the admin say more.")
        # The rest somebody has decided, or not set up yet.
        return [
            checks.Warning(str(alarm.text), hint=hint, id=alarm.check)
            for alarm in health.alarms()
            if alarm.level == "error"
        ]
    return []


def check_metrics(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """E004: the setting MAILCONFIG_METRICS can't be used."""
    problem = Access.from_settings().problem
    return [checks.Error(problem, id="mailconfig.E004")] if problem else []
