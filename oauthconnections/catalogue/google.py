"""What Google says when it refuses."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from .entry import AUTHENTICATE_AGAIN, Entry

GOOGLE: Final = (
    Entry(
        "google-ended",
        r"Token has been expired or revoked|^invalid_grant: Bad Request",
        _(
            "Google has ended the access. It does so when the password is changed, when the access is withdrawn in the "
            "Google account, after 6 months without use, and after 7 days if the consent screen is in “Testing”."
        ),
        AUTHENTICATE_AGAIN,
    ),
    Entry(
        "google-session",
        r"invalid_rapt|rapt_required|reauth related error",
        _("A rule of your Google Workspace ends the access after some hours or days (session control)."),
        _(
            "Have an administrator of Google Workspace exempt this application: Security, Access and data control, "
            "Google Cloud session control, “Exempt trusted apps”. Then authenticate the account again."
        ),
    ),
    Entry(
        "google-secret",
        r"^invalid_client: (Unauthorized$|The provided client secret is invalid)",
        _("Google does not accept the client secret of “%(connection)s”."),
        _("Copy client ID and client secret again from the Google Cloud console (APIs & Services, Credentials)."),
    ),
    Entry(
        "google-administrator",
        r"admin_policy_enforced",
        _("A rule of your Google Workspace forbids the application to be allowed this."),
        _(
            "Have an administrator of Google Workspace trust it by its client ID: Security, Access and data control, "
            "API controls, App access control."
        ),
    ),
    Entry(
        "google-unverified",
        r"Google verification process|currently being tested|approved testers",
        _("At Google the application is in “Testing”, and whoever signed in is not among its test users."),
        _("Add the account as test user (OAuth consent screen, Audience), or make the application “Internal”."),
    ),
    Entry(
        "google-internal",
        r"org_internal|users within its organization",
        _("At Google the application is “Internal”: only accounts of its own organization may use it."),
        _("Sign in with an account of that organization, or make the application “External”."),
    ),
)

GOOGLE_IN_TESTING: Final = Entry(
    "google-testing",
    "",
    _(
        "Google ended the access about 7 days after the account was authenticated, as it does while the consent "
        "screen of the application is in “Testing”."
    ),
    _("Publish the application (OAuth consent screen, Audience, “Publish app”), then authenticate the account again."),
)
