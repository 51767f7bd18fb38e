"""What the selector of the settings page offers, and what a chosen connection decides there."""

from functools import cached_property
from typing import TYPE_CHECKING, Final

from oauthconnections.models import OAuthAccount, OAuthConnection

from .locks import excludes_oauth
from .presets import preset_of

if TYPE_CHECKING:
    from .models import MailServer

DECIDED_BY_PRESET: Final = ("host", "port", "security")
DECIDED_BY_LOGIN: Final = ("auth_method", "username", "password", "clear_password", "confirm_clear_text")


class Selector:
    """For one server, as it was read; asks the database once."""

    def __init__(self, server: "MailServer") -> None:
        self._alias = server.alias
        self._account_id = server.oauth_account_id
        self._has_connections: bool | None = getattr(server, "has_connections", None)  # read along by the page

    @cached_property
    def is_offered(self) -> bool:
        """Only once there is a connection, and unless the settings of the project have decided the log-in."""
        if excludes_oauth(self._alias):
            return False
        return OAuthConnection.objects.exists() if self._has_connections is None else self._has_connections

    @cached_property
    def accounts(self) -> list[OAuthAccount]:
        """Those that may be used as they are: the one in use, and all whose tokens go to their provider's own server.

        Any other was authenticated for a server that may be another than this one's (S-2).
        """
        if not self.is_offered:
            return []
        every = OAuthAccount.objects.select_related("connection")
        return [account for account in every if account.pk == self._account_id or preset_of(account.connection)]

    @property
    def has_choice(self) -> bool:
        """Whether there is another account than the one in use."""
        return any(account.pk != self._account_id for account in self.accounts)


def decided_by(connection: OAuthConnection | None) -> tuple[str, ...]:
    """Names of the fields that count for nothing while a connection is chosen."""
    if connection is None:
        return ()
    return (*DECIDED_BY_PRESET, *DECIDED_BY_LOGIN) if preset_of(connection) else DECIDED_BY_LOGIN
