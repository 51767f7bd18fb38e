"""The aliases of this project's mailers that send through this app."""

from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.module_loading import import_string

from .backends import EmailBackend

DEFAULT_ALIAS = "default"


def our_aliases() -> list[str]:
    """Aliases in MAILERS whose backend is ours or made from it; with EMAIL_BACKEND, "default" or none."""
    mailers = getattr(settings, "MAILERS", None)
    if mailers is None:
        return [DEFAULT_ALIAS] if _is_ours(settings.EMAIL_BACKEND) else []
    return [alias for alias, mailer in mailers.items() if _is_ours(mailer.get("BACKEND", ""))]


def _is_ours(path: str) -> bool:
    try:
        backend: type[BaseEmailBackend] = import_string(path)
    except ImportError:
        return False
    if not isinstance(backend, type):
        return False
    # The outbox's backend is known by its mark: it can only be imported where the outbox is installed.
    return issubclass(backend, EmailBackend) or getattr(backend, "uses_mail_server", False) is True
