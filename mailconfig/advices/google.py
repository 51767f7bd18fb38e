"""Gmail and Google Workspace, in the words with which they refuse."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from .entry import Entry

ENTRIES: Final = (
    Entry(
        "google-scope",
        _("Google did not accept the access token of %(username)s: it allows something else than to send by SMTP."),
        _(
            "SMTP wants the scope https://mail.google.com/; gmail.send is not enough. Correct the OAuth connection, "
            "then press “Authenticate again”."
        ),
        steps=("authenticate",),
        errors=("ScopeWanted",),
        text=r"https://mail\.google\.com/",
        remedy="authenticate_again",
    ),
    Entry(
        "google-app-password",
        _("Google wants an app password for %(username)s, as the account has two-step verification."),
        _("Create one at myaccount.google.com/apppasswords and enter it as password, or use an OAuth connection."),
        text="application-specific password required|InvalidSecondFactor",
    ),
    Entry(
        "google-browser-login",
        _("Google wants %(username)s to sign in with a browser first."),
        _("Sign in there and confirm that it was you, or use an OAuth connection with Google."),
        text="log in (with|via) your web browser|WebLoginRequired",
    ),
    Entry(
        "google-password-refused",
        _("Google refused user name or password of %(username)s. It takes no account passwords, only app passwords."),
        _("Create an app password at myaccount.google.com/apppasswords, or use an OAuth connection with Google."),
        text="username and password not accepted|BadCredentials",
        login="password",
    ),
    Entry(
        "google-token-refused",
        _("Google refused the access token of %(username)s."),
        _(
            "See that this very account has signed in and that the scope is https://mail.google.com/, then sign "
            "in again."
        ),
        text="username and password not accepted|BadCredentials",
        login="oauth",
        remedy="authenticate_again",
    ),
    Entry(
        "google-not-logged-in",
        _("Google takes mail only after a log-in."),
        _("Choose an OAuth connection with Google, or Automatic as authentication method with an app password."),
        text="WantAuthError|authentication required.*gsmtp",
    ),
    Entry(
        "google-too-many-logins",
        _("Google has seen too many log-ins of %(username)s in a short time."),
        _("Wait an hour, then test again."),
        codes=(421, 454),
        text="too many login attempts|TooManyLogin",
    ),
    Entry(
        "google-daily-limit",
        _("The account has sent all that Google allows in a day (500 recipients, 2,000 with Workspace)."),
        _("Wait until tomorrow, or send through a service that is made for more."),
        enhanced=("5.4.5",),
    ),
    Entry(
        "google-relay-refused",
        _("Google's relay does not know this site, or the sender's domain."),
        _("In the Google admin console open “Apps”, “Gmail”, “Routing”, “SMTP relay service”, and allow this address."),
        text="mail relay denied|relay.*not.*registered|Invalid credentials for relay",
        hosts=("smtp-relay.gmail.com",),
    ),
    Entry(
        "google-relay-name",
        _("Google's relay wants a name of your domain as greeting, not “%(ehlo_name)s”."),
        _("Choose an EHLO name under “Advanced” that is a name of a domain of your Workspace."),
        hosts=("smtp-relay.gmail.com",),
        text=r"try again later, closing connection",
        remedy="ehlo_name",
    ),
    Entry(
        "google-sender-not-proven",
        _("Google takes no mail from the domain of %(sender)s, as the domain vouches neither by SPF nor by DKIM."),
        _("Publish an SPF record for the domain that names the sending server, or have its mail signed (DKIM)."),
        enhanced=("5.7.26", "5.7.27", "5.7.30", "4.7.26"),
        text="gsmtp|unauthenticated|google",
    ),
    Entry(
        "google-unusual-rate",
        _("Google slows down mail from the address of this site, as there is unusually much of it."),
        _("Send less at once, and check that nobody else sends from this address."),
        enhanced=("4.7.28", "4.7.0", "5.7.1"),
        text="unusual (rate|amount)|suspicious",
    ),
)
