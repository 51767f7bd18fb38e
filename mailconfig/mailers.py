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
    return isinstance(backend, type) and issubclass(backend, EmailBackend)
