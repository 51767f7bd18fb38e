"""What the settings page says of each connection and account that can be chosen on it."""

from copy import copy
from dataclasses import dataclass
from typing import Final

from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from oauthconnections.models import AccountKind, OAuthAccount, OAuthConnection, ProviderKind

from .models import MailServer, Security
from .oauth_account import is_lost, reason_of_loss


@dataclass(frozen=True)
class ServerLine:
    """The server that a connection brings along."""

    connection: OAuthConnection
    text: str
    is_chosen: bool


def server_lines(server: MailServer) -> list[ServerLine]:
    """One for each connection whose provider wants a certain server."""
    lines = []
    for connection in OAuthConnection.objects.all():
        chosen = copy(server)
        chosen.oauth_connection = connection
        if chosen.preset:
            lines.append(ServerLine(connection, _in_words(chosen), connection.pk == server.oauth_connection_id))
    return lines


def _in_words(server: MailServer) -> str:
    return _("%(host)s, port %(port)s, %(security)s, OAuth 2.0") % {
        "host": server.effective_host,
        "port": server.effective_port,
        "security": Security(server.effective_security).label,
    }


@dataclass(frozen=True)
class AccountLine:
    """`account` is None where nobody has signed in. `level` is one of Django's message tags."""

    account: OAuthAccount | None
    level: str
    text: str
    is_chosen: bool

    @property
    def can_sign_in(self) -> bool:
        return self.account is not None and self.account.kind == AccountKind.USER


def account_lines(server: MailServer) -> list[AccountLine]:
    """One for each account that can be chosen, and one for none."""
    chosen = server.oauth_account
    known = {account.pk: account for account in server.selector.accounts}
    accounts = known | ({chosen.pk: chosen} if chosen else {})
    return [_account_line(account, account == chosen) for account in (None, *accounts.values())]


def _account_line(account: OAuthAccount | None, is_chosen: bool) -> AccountLine:
    if account is None:
        return AccountLine(None, "warning", _("Not authenticated yet"), is_chosen)
    if is_lost(account):
        text = _("%(account)s has to be authenticated again.") % {"account": account}
        return AccountLine(account, "error", f"{text} {reason_of_loss(account)}".strip(), is_chosen)
    return AccountLine(account, "success", _authenticated(account), is_chosen)


def _authenticated(account: OAuthAccount) -> str:
    renewed = account.last_refreshed_at
    if renewed is None:
        return _("Authenticated as %(account)s") % {"account": account}
    if timezone.localdate(renewed) == timezone.localdate():
        return _("Authenticated as %(account)s, token renewed today") % {"account": account}
    ago = {"account": account, "time": timesince(renewed)}
    return _("Authenticated as %(account)s, token renewed %(time)s ago") % ago


_SENDER_REMEDIES: Final = {
    ProviderKind.MICROSOFT: gettext_lazy(
        "Microsoft refuses that unless the account may send as that mailbox: in the Exchange admin center open the "
        "mailbox %(sender)s, “Delegation”, “Send as”, and add %(login)s. Or enter %(login)s as sender address."
    ),
    ProviderKind.GOOGLE: gettext_lazy(
        "Google puts the account's own address in its place unless it is an alias of the account: in Gmail add it "
        "under “Settings”, “Accounts”, “Send mail as”. Or enter %(login)s as sender address."
    ),
    ProviderKind.OPENID: gettext_lazy(
        "Many servers refuse that. Allow the account to send as that address there, or enter %(login)s as sender "
        "address."
    ),
}


def sender_warning(server: MailServer) -> str:
    """What to do where the sender is another than the account; empty if it is the same (S-9)."""
    account, sender = server.oauth_account, server.from_email.casefold()
    if not (server.oauth_connection and account and sender) or account.kind == AccountKind.APPLICATION:
        return ""
    if sender in (account.email.casefold(), account.login.casefold()):
        return ""
    values = {"sender": server.from_email, "login": account.email or account.login}
    told = _("Mail goes out as %(sender)s, but the account that logs in is %(login)s.") % values
    return f"{told} {_SENDER_REMEDIES[ProviderKind(server.oauth_connection.provider)] % values}"
