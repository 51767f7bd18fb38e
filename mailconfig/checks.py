"""System checks: what a developer should know about the settings of the project before mail fails."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks

from .locks import problems, unknown_mailers
from .mailers import DEFAULT_ALIAS, our_aliases
from .models import MailServer
from .resolver import NameServers

# Numbers are never used again: whoever silenced one must not silence another.


def check_mailers(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """W001: the app is installed, and no mail goes through it."""
    if our_aliases():
        return []
    return [
        checks.Warning(
            "No mailer of this project sends through Mailconfig.",
            hint='Set MAILERS = {"default": {"BACKEND": "mailconfig.backends.EmailBackend"}} '
            '(before Django 6.1: EMAIL_BACKEND = "mailconfig.backends.EmailBackend").',
            id="mailconfig.W001",
        )
    ]


def check_locked_values(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """E001: a value in MAILCONFIG can't be used."""
    aliases = our_aliases() or [DEFAULT_ALIAS]
    found = [problem for alias in aliases for problem in problems(MailServer, alias)]
    found += [
        f"MAILCONFIG: {name!r} is not a mailer of this project that sends through Mailconfig. Those are: "
        f"{', '.join(aliases)}."
        for name in unknown_mailers(aliases)
    ]
    return [checks.Error(problem, id="mailconfig.E001") for problem in found]


def check_ca_bundle(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """E002: EMAIL_CA_BUNDLE names a file that can't be read."""
    path = getattr(settings, "EMAIL_CA_BUNDLE", None)
    if not path:
        return []
    try:
        with open(path, "rb"):
            return []
    except OSError as error:
        return [checks.Error(f"EMAIL_CA_BUNDLE can't be read: {error}", id="mailconfig.E002")]


def check_dns_resolver(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[checks.CheckMessage]:
    """E003: DNS_RESOLVER names no server that can be asked."""
    broken = NameServers.from_settings().broken
    return [checks.Error(broken, id="mailconfig.E003")] if broken else []
