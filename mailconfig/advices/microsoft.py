"""Exchange Online and Outlook.com, in the words with which they refuse."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from .entry import Entry

HOSTS: Final = ("*.office365.com", "*.office365.us", "*.outlook.com", "*.outlook.cn", "*.live.com", "*.hotmail.com")
SMTP_AUTH: Final = _(
    "In the Microsoft 365 admin center open “Active users”, the account, “Mail”, “Manage email apps”, and switch on "
    "“Authenticated SMTP”. As a command: Set-CASMailbox -Identity %(username)s -SmtpClientAuthenticationDisabled $false"
)
AUTH: Final = ("authenticate",)

ENTRIES: Final = (
    Entry(
        "microsoft-smtp-off-for-tenant",
        _("Microsoft has switched off sending by SMTP for the whole organization; OAuth does not change that."),
        SMTP_AUTH,
        text="SmtpClientAuthentication is disabled for the Tenant",
    ),
    Entry(
        "microsoft-smtp-off-for-mailbox",
        _("Microsoft has switched off sending by SMTP for the mailbox %(username)s; OAuth does not change that."),
        SMTP_AUTH,
        text="SmtpClientAuthentication is disabled",
    ),
    Entry(
        "microsoft-basic-off",
        _("Microsoft takes no passwords any more here: basic authentication is disabled for the organization."),
        _("Create an OAuth connection with Microsoft and authenticate the account %(username)s."),
        text="basic authentication is disabled",
    ),
    Entry(
        "microsoft-basic-retired",
        _("Microsoft has ended log-ins with a password for sending (basic authentication)."),
        _("Create an OAuth connection with Microsoft and authenticate the account %(username)s."),
        enhanced=("5.7.30",),
    ),
    Entry(
        "microsoft-policy",
        _("A rule of the organization (security defaults or conditional access) forbids this log-in."),
        _(
            "Have an administrator of Microsoft Entra exempt the account or this address; the sign-in log names "
            "the rule."
        ),
        text="did not meet the criteria|security defaults",
    ),
    Entry(
        "microsoft-locked",
        _("Microsoft has locked the account %(username)s after failed log-ins."),
        _("Sign in with it at portal.office.com and follow what is asked there, then test again."),
        enhanced=("5.7.139",),
        text="account is locked|locked",
    ),
    Entry(
        "microsoft-wrong-password",
        _("Microsoft refused user name or password of %(username)s."),
        _("Passwords work only where SMTP and basic authentication are switched on. Better use an OAuth connection."),
        enhanced=("5.7.139",),
    ),
    Entry(
        "microsoft-token-ended",
        _("The access token of %(username)s has ended, so Microsoft refused it."),
        _("Check the clock of this machine, then press “Authenticate again”."),
        steps=AUTH,
        hosts=HOSTS,
        login="oauth",
        codes=(535,),
        when="token_ended",
        remedy="authenticate_again",
    ),
    Entry(
        "microsoft-token-for-other-service",
        _("The access token is meant for another service of Microsoft (%(audience)s), not for sending mail by SMTP."),
        _(
            "The OAuth connection must ask for https://outlook.office.com/SMTP.Send and for nothing of Microsoft "
            "Graph. "
            "Correct its additional scopes, then press “Authenticate again”."
        ),
        steps=AUTH,
        hosts=HOSTS,
        login="oauth",
        codes=(535,),
        when="wrong_audience",
        remedy="authenticate_again",
    ),
    Entry(
        "microsoft-token-without-scope",
        _("The access token does not allow to send: it has %(granted)s, and not SMTP.Send or SMTP.SendAsApp."),
        _(
            "Add the permission SMTP.Send in the app registration (for an application account: SMTP.SendAsApp), grant "
            "consent, then press “Authenticate again”."
        ),
        steps=AUTH,
        hosts=HOSTS,
        login="oauth",
        codes=(535,),
        when="lacks_scope",
        remedy="authenticate_again",
    ),
    Entry(
        "microsoft-token-refused",
        _("Microsoft refused the access token of %(username)s, though it is one for sending."),
        _(
            "Most often SMTP is switched off for the mailbox, or another account has signed in than owns the mailbox. "
            "A shared mailbox is entered as sender; the account that signs in is a person's who may send as it."
        ),
        steps=AUTH,
        hosts=HOSTS,
        login="oauth",
        codes=(535,),
        remedy="authenticate_again",
    ),
    Entry(
        "microsoft-login-refused",
        _("Microsoft refused the log-in of %(username)s."),
        _("Use an OAuth connection: passwords work only where SMTP and basic authentication are switched on."),
        steps=AUTH,
        hosts=HOSTS,
        codes=(535,),
        login="password",
    ),
    Entry(
        "microsoft-not-logged-in",
        _("Microsoft takes mail from this address only after a log-in."),
        _("Choose an OAuth connection with Microsoft, or set up a connector in Exchange for the address of this site."),
        enhanced=("5.7.57",),
        hosts=HOSTS,
    ),
    Entry(
        "microsoft-mailbox-logon-failed",
        _("The application is not allowed to use the mailbox %(sender)s."),
        _(
            "In Exchange Online's PowerShell register the application and give it the mailbox: New-ServicePrincipal, "
            "Add-MailboxPermission, Add-RecipientPermission. The page of the account has the commands, filled in."
        ),
        text="mailbox logon failure",
    ),
    Entry(
        "microsoft-send-as-denied",
        _("The account %(username)s may not send as %(sender)s."),
        _(
            "In the Exchange admin center open the mailbox of the sender, “Delegation”, “Send as”, and add the "
            "account. "
            "Or use the account's own address as sender."
        ),
        text="SendAsDenied|does not have permissions to send as this sender",
        hosts=HOSTS,
        remedy="login_as_sender",
    ),
    Entry(
        "microsoft-too-many-connections",
        _("Microsoft allows three connections at the same time for a mailbox."),
        _("Wait a minute. If it happens often, let fewer processes send at once."),
        codes=(432,),
        enhanced=("4.3.2",),
    ),
    Entry(
        "microsoft-too-many-messages",
        _("The mailbox has sent more than Microsoft allows in a minute or a day."),
        _("Wait, and send less at once: 30 messages a minute, 10,000 recipients a day. More needs another service."),
        text="SubmissionQuotaExceeded|MessageRateExceeded|daily limit for message recipients",
    ),
    Entry(
        "microsoft-account-blocked",
        _("Microsoft has blocked the account, as it had sent what looked like spam."),
        _(
            "An administrator lifts that at security.microsoft.com under “Restricted entities”; change the "
            "password first."
        ),
        enhanced=("5.7.501", "5.7.502", "5.7.503", "5.1.8"),
        hosts=("*.office365.com", "*.outlook.com"),
    ),
    Entry(
        "microsoft-domain-not-registered",
        _("Microsoft sends no mail for the domain of %(sender)s, as it is not registered in the organization."),
        _("Add the domain in the Microsoft 365 admin center, or send from one that is there."),
        enhanced=("5.7.750",),
    ),
    Entry(
        "microsoft-connector-missing",
        _("Exchange Online does not recognize this site as one of your organization (TenantAttribution)."),
        _("Create a connector for the address or the certificate of this site, or send with a log-in on port 587."),
        text="TenantAttribution",
    ),
    Entry(
        "microsoft-address-not-accepted",
        _("Microsoft takes no mail from the address of this site."),
        _(
            "Send with a log-in through smtp.office365.com, port 587, or have the address removed from "
            "Microsoft's list."
        ),
        enhanced=("5.7.606", "5.7.708", "5.7.511"),
    ),
)
