"""System checks: what a developer should know about the outbox before mail waits."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from .options import options

# Numbers are never used again: whoever silenced one must not silence another.


def check_options(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """E001: the setting MAILCONFIG_OUTBOX can't be used."""
    try:
        options()
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), id="outbox.E001")]
    return []
