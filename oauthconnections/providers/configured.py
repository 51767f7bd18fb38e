"""What an administrator entered for a connection, fit for use, or Misconfigured."""

from collections.abc import Iterable

from django.utils.translation import gettext as _

from oauthconnections.exceptions import Misconfigured
from oauthconnections.fields import Undecryptable
from oauthconnections.models import OAuthConnection


def client_secret(connection: OAuthConnection) -> str:
    return _secret(connection, connection.client_secret, _("client secret"))


def certificate(connection: OAuthConnection) -> str:
    return _secret(connection, connection.certificate, _("certificate"))


def scopes(connection: OAuthConnection, *wanted: Iterable[str]) -> list[str]:
    """All that are wanted and those that the administrator added, each once, however they were pasted."""
    added = connection.extra_scopes.replace(",", " ").split()
    return list(dict.fromkeys([scope for some in wanted for scope in some] + added))


def misconfigured(connection: OAuthConnection, reason: str) -> Misconfigured:
    return Misconfigured(connection=connection.name, reason=reason)


def _secret(connection: OAuthConnection, value: str | Undecryptable, name: str) -> str:
    if isinstance(value, Undecryptable):
        raise misconfigured(connection, _("its %(name)s can't be decrypted. Enter it again.") % {"name": name})
    return value
