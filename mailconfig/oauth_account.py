"""The account by which a mail server logs in with OAuth: whether it can be used, its user name, its token."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from oauthconnections import tokens
from oauthconnections.exceptions import OAuthError, ProviderRefused, ReauthenticationRequired
from oauthconnections.explanations import explain
from oauthconnections.fields import Undecryptable
from oauthconnections.models import AccountKind, OAuthAccount

from .exceptions import AuthenticationLost, MailconfigError, NoConnection, NotAuthenticated, NoTokenNow

if TYPE_CHECKING:
    from .models import MailServer


@dataclass(frozen=True)
class AccessToken:
    """Gives the token that is valid now; given one that a server refused, another one.

    Raises AuthenticationLost or NoTokenNow.
    """

    account: OAuthAccount = field(repr=False)
    where: str

    def __call__(self, rejected: str = "") -> str:
        try:
            return tokens.access_token(self.account, rejected=rejected)
        except OAuthError as error:
            failure = self._explained(error)
        raise failure  # without its traceback, whose frames may hold tokens (S-2)

    def _explained(self, error: OAuthError) -> MailconfigError:
        if isinstance(error, ReauthenticationRequired):
            return AuthenticationLost(account=self.account, where=self.where, reason=reason_of_loss(self.account))
        explanation = explain(error, self.account.connection, self.account)
        return NoTokenNow(meaning=explanation.meaning, action=explanation.action)


def account_to_use(server: "MailServer", where: str) -> OAuthAccount:
    """The account of the chosen connection; `where` is the page to name in NoConnection and NotAuthenticated."""
    if server.oauth_connection is None:
        raise NoConnection(where=where)
    account = server.oauth_account
    if account is None or account.connection_id != server.oauth_connection_id:
        raise NotAuthenticated(connection=server.oauth_connection, where=where)
    if is_lost(account):
        raise AuthenticationLost(account=account, where=where, reason=reason_of_loss(account))
    return account


def is_lost(account: OAuthAccount) -> bool:
    """Whether somebody has to sign in before this account is of use again, as far as is known."""
    held = [token for token in (account.access_token, account.refresh_token) if not isinstance(token, Undecryptable)]
    return account.needs_authentication or not (account.kind == AccountKind.APPLICATION or any(held))


def reason_of_loss(account: OAuthAccount) -> str:
    """Why it was not renewed, in our words where the provider gave a code."""
    code, colon, details = account.last_error.partition(": ")
    if not colon or " " in code:
        return account.last_error
    return explain(ProviderRefused(code=code, details=details), account.connection, account).meaning


def user_name(server: "MailServer", account: OAuthAccount) -> str:
    """What to log in as: an application has no name of its own, it sends for the mailbox of the sender."""
    return server.from_email if account.kind == AccountKind.APPLICATION else account.login
