"""What sending mail wants of OAuth accounts: scopes, what to do in a provider's console, what is left to do after."""

import re
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from oauthconnections.consumers import Consumer
from oauthconnections.models import AccountKind, OAuthAccount, ProviderKind

from .models import MailServer

_POWERSHELL: Final = """\
Install-Module ExchangeOnlineManagement -Scope CurrentUser
Connect-ExchangeOnline -Organization {tenant}
New-ServicePrincipal -AppId {client} -ObjectId {object}
"""
_FOR_A_MAILBOX: Final = """\
Add-MailboxPermission -Identity {mailbox} -User {object} -AccessRights FullAccess
Add-RecipientPermission -Identity {mailbox} -Trustee {object} -AccessRights SendAs -Confirm:$false
Set-CASMailbox -Identity {mailbox} -SmtpClientAuthenticationDisabled $false
"""


def instructions(account: OAuthAccount) -> str:
    """The commands that let an application of Microsoft's send: for Exchange Online's PowerShell, ids filled in."""
    if account.kind != AccountKind.APPLICATION or account.connection.provider != ProviderKind.MICROSOFT:
        return ""
    known = {
        "tenant": _quoted(account.connection.tenant),
        "client": _quoted(account.connection.client_id),
        "object": _quoted(account.claims.get("oid") or _("object ID of the enterprise application")),
    }
    lines = [_FOR_A_MAILBOX.format(mailbox=_quoted(mailbox), **known) for mailbox in _mailboxes(account)]
    return _POWERSHELL.format(**known) + "".join(lines)


def _mailboxes(account: OAuthAccount) -> list[str]:
    users = MailServer.objects.filter(oauth_account=account).exclude(from_email="")
    return sorted(set(users.values_list("from_email", flat=True))) or [_("sender address")]


def _quoted(value: Any) -> str:
    """For PowerShell, which takes typographic quotes for quotes too."""
    return "'" + re.sub("['‘’‚‛]", r"\g<0>\g<0>", str(value)) + "'"


CONSUMER: Final = Consumer(
    key="mailconfig",
    label=gettext_lazy("Outgoing mail"),
    scopes={
        ProviderKind.MICROSOFT: ("https://outlook.office.com/SMTP.Send",),
        ProviderKind.GOOGLE: ("https://mail.google.com/",),
        ProviderKind.OPENID: (),
    },
    application_scopes={ProviderKind.MICROSOFT: ("https://outlook.office365.com/.default",)},
    steps={
        ProviderKind.MICROSOFT: (
            gettext_lazy(
                "Under “API permissions”, add a permission: “Microsoft Graph”, “Delegated permissions”, SMTP.Send. "
                "Then press “Grant admin consent”, or each account is asked when it signs in."
            ),
            gettext_lazy(
                "Allow the mailbox to send by SMTP: Microsoft 365 admin center, “Active users”, the account, “Mail”, "
                "“Manage email apps”, “Authenticated SMTP”. Without it each log-in is refused, whatever else is right."
            ),
            gettext_lazy(
                "Only to send without anybody signing in, as an application account: add the permission “APIs my "
                "organization uses”, “Office 365 Exchange Online”, “Application permissions”, SMTP.SendAsApp, and "
                "press “Grant admin consent”. The commands that are left to run are on the page of that account."
            ),
        ),
        ProviderKind.GOOGLE: (
            gettext_lazy(
                "Under “Data access”, add the scope https://mail.google.com/: SMTP takes no lesser one. The Gmail API "
                "need not be enabled."
            ),
            gettext_lazy(
                "Check under “Audience” that the application is “Internal” or “In production”: what is authenticated "
                "in “Testing” ends after 7 days, also if you publish later."
            ),
        ),
        ProviderKind.OPENID: (
            gettext_lazy(
                "Make the mail server accept the tokens of this provider: it has to offer XOAUTH2 or OAUTHBEARER and "
                "to find the user in them. If it wants a scope for that, enter it below under “Additional scopes”."
            ),
        ),
    },
    instructions=instructions,
)
