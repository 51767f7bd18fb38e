"""The log-in: nothing to log in with, no way that both know, a refusal."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from .entry import Entry

AUTH: Final = ("authenticate",)
LATER: Final = ("sender", "recipient", "message")

ENTRIES: Final = (
    Entry(
        "account-lost",
        _("The provider of %(username)s gave no access token, so there was nothing to log in with."),
        _("%(error)s"),
        steps=AUTH,
        errors=("AuthenticationLost",),
        remedy="authenticate_again",
    ),
    Entry(
        "no-token",
        _("The provider of %(username)s gave no access token, so there was nothing to log in with."),
        _("%(error)s"),
        steps=AUTH,
        errors=("MailconfigError",),
    ),
    Entry(
        "token-in-clear",
        _("The access token would have been sent in clear text over this connection, so it was not sent at all."),
        _("Choose STARTTLS or SSL/TLS as connection security."),
        steps=AUTH,
        errors=("SecretInClear",),
        login="oauth",
    ),
    Entry(
        "oauth-not-offered",
        _("The server did not let this site log in by OAuth. It offers: %(offered)s."),
        _("Check that it is the server for accounts of this OAuth connection, its port and the connection security."),
        steps=AUTH,
        errors=("SMTPNotSupportedError",),
        login="oauth",
    ),
    Entry(
        "only-windows-login",
        _("The server lets people log in only as Windows does (%(offered)s), which this site can't."),
        _("In Exchange switch on “Basic authentication” with TLS for this connector, or let it relay by address."),
        steps=AUTH,
        errors=("SMTPNotSupportedError",),
        when="only_windows_login",
    ),
    Entry(
        "password-in-clear",
        _("The server would take the password only in clear text over this connection, so it was not sent at all."),
        _("Choose STARTTLS or SSL/TLS as connection security."),
        steps=AUTH,
        errors=("SecretInClear",),
        remedy="other_way",
    ),
    Entry(
        "method-not-offered",
        _("The server does not know the chosen authentication method. It offers: %(offered)s."),
        _("Choose “Automatic”, which takes the best one that both know."),
        steps=AUTH,
        errors=("SMTPNotSupportedError",),
        when="offers_login",
        remedy="automatic_method",
    ),
    Entry(
        "login-needs-encryption",
        _("The server offers no log-in without encryption."),
        _("Choose STARTTLS or SSL/TLS as connection security. If it needs no log-in, choose None as method."),
        steps=AUTH,
        errors=("SMTPNotSupportedError",),
        security=("none",),
        remedy="other_way",
    ),
    Entry(
        "login-not-offered",
        _("The server offers no log-in at all on port %(port)s."),
        _("If it knows this site by its address, choose None as authentication method. Else use port 587 or 465."),
        steps=AUTH,
        errors=("SMTPNotSupportedError",),
        remedy="no_login",
    ),
    Entry(
        "encryption-needed-for-login",
        _("The server accepts log-ins only over an encrypted connection."),
        _("Choose STARTTLS or SSL/TLS as connection security."),
        steps=AUTH,
        codes=(523, 530, 538),
        remedy="other_way",
    ),
    Entry(
        "encryption-needed",
        _("The server wants the connection to be encrypted first (STARTTLS)."),
        _("Choose STARTTLS as connection security."),
        codes=(523, 530, 538, 550, 554),
        text="starttls|encrypt|secure connection|must use (tls|ssl)|tls (is )?required",
        security=("none",),
        remedy="other_way",
    ),
    Entry(
        "app-password-needed",
        _("The provider takes no account password from programs, only one made for them."),
        _("Create an app password in the security settings of the account %(username)s, and enter it here."),
        steps=AUTH,
        text="app(lication)?[- ](specific )?password|app-specific",
    ),
    Entry(
        "account-locked",
        _("The account %(username)s is locked or switched off."),
        _("Sign in with it in a browser and see what the provider says, or ask whoever runs the server."),
        steps=AUTH,
        text=r"\b(locked|suspended|disabled|deactivated|blocked)\b",
    ),
    Entry(
        "too-many-logins",
        _("The server has seen too many failed log-ins and takes none for a while."),
        _("Wait an hour before the next test; check the password meanwhile."),
        steps=AUTH,
        text="too many (login|auth|failed|bad|invalid)|(login|authentication) (rate|attempts)",
    ),
    Entry(
        "scope-wanted",
        _("The server did not accept the access token of %(username)s."),
        _(
            "It wants the scope %(scope)s: see that the OAuth connection asks for it. Check that the mailbox may send "
            "by SMTP and that the right account has signed in. Then press “Authenticate again”, for a token with what "
            "is allowed now."
        ),
        steps=AUTH,
        errors=("ScopeWanted",),
        remedy="authenticate_again",
    ),
    Entry(
        "token-ended",
        _("The access token of %(username)s has ended."),
        _("Check the clocks of this machine and of the provider, then press “Authenticate again”."),
        steps=AUTH,
        errors=("TokenRefused",),
        when="token_ended",
        remedy="authenticate_again",
    ),
    Entry(
        "login-not-now",
        _("The server can't check log-ins at the moment."),
        _("Try again in a few minutes. The settings may well be right."),
        steps=AUTH,
        codes=(421, 430, 432, 450, 451, 454),
    ),
    Entry(
        "token-refused",
        _("The server did not accept the access token of %(username)s."),
        _(
            "Check that the mailbox may send by SMTP (at Microsoft: “Authenticated SMTP” of the user) and that the "
            "right account has signed in. Then press “Authenticate again”, for a token with what is allowed now."
        ),
        steps=AUTH,
        errors=("TokenRefused",),
        remedy="authenticate_again",
    ),
    Entry(
        "user-name-incomplete",
        _("The server refused the log-in as “%(username)s”."),
        _("Most servers want the full address as user name. If it is right, check the password."),
        steps=AUTH,
        codes=(535,),
        login="password",
        when="short_user_name",
        remedy="full_address",
    ),
    Entry(
        "login-refused",
        _("The server refused the log-in as “%(username)s”: user name or password is wrong, or may not send."),
        _("Enter the password again. Check the user name, and that the account may send by SMTP at its provider."),
        steps=AUTH,
        codes=(525, 535, 550, 554),
    ),
    Entry(
        "method-too-weak",
        _("The server wants a stronger way to log in than the one that was chosen."),
        _("Choose “Automatic”, or create an app password at the provider."),
        steps=AUTH,
        codes=(534,),
        remedy="automatic_method",
    ),
    Entry(
        "method-unknown",
        _("The server does not know the way to log in that was used, though it may have offered it."),
        _("Choose another authentication method, or None if the server knows this site by its address."),
        steps=AUTH,
        codes=(500, 501, 502, 503, 504),
        remedy="automatic_method",
    ),
    Entry(
        "login-no-answer",
        _("The server did not answer the log-in in time."),
        _("It may be checking slowly, or slow down after failed attempts. Wait, then test again with more time-out."),
        steps=AUTH,
        text="timed out",
    ),
    Entry(
        "login-closed",
        _("The server closed the connection during the log-in."),
        _("Servers do that after too many failed attempts. Wait a while, and check user name and password."),
        steps=AUTH,
        errors=("SMTPServerDisconnected",),
    ),
    Entry(
        "login-missing",
        _("The server wants a log-in before it takes mail."),
        _("Choose an authentication method and enter user name and password, or choose an OAuth connection."),
        steps=LATER,
        codes=(503, 530, 550, 553, 554),
        login="none",
        text="auth|log ?in|log on|credentials",
    ),
)
