"""A system check that runs without this app, since it is about its absence: `mailconfig` registers it."""

from collections.abc import Sequence
from typing import Any, Final

from django.apps import AppConfig, apps
from django.conf import settings
from django.core import checks

HANDLER: Final = "mailconfig.notifications.handler.NotificationHandler"

# Numbers are never used again: whoever silenced one must not silence another.


def check_handler(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """E001: errors are counted, and nobody is told."""
    handlers = (settings.LOGGING or {}).get("handlers", {}).values()
    if apps.is_installed("mailconfig.notifications") or HANDLER not in [one.get("class") for one in handlers]:
        return []
    return [
        checks.Error(
            f"LOGGING uses {HANDLER}, but its app is not installed, so nobody is told of errors.",
            hint='INSTALLED_APPS += ["mailconfig.notifications"], then migrate.',
            id="mailconfig_notifications.E001",
        )
    ]
