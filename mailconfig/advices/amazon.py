"""Amazon SES, in the words with which it refuses."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from .entry import Entry

HOSTS: Final = ("email-smtp*.amazonaws.com*",)

ENTRIES: Final = (
    Entry(
        "amazon-credentials",
        _("Amazon SES refused user name or password. It wants SMTP credentials of its own, no access keys."),
        _(
            "Create them in the SES console under “SMTP settings”, in the region of the server; each region has "
            "its own."
        ),
        steps=("authenticate",),
        text="authentication credentials invalid",
        hosts=HOSTS,
    ),
    Entry(
        "amazon-login-refused",
        _("Amazon SES refused the log-in as %(username)s."),
        _("Create SMTP credentials in the SES console under “SMTP settings”, in the region of the server."),
        steps=("authenticate",),
        hosts=HOSTS,
        codes=(535,),
    ),
    Entry(
        "amazon-not-verified",
        _("Amazon SES sends only for addresses that are verified in this region; in the sandbox also only to such."),
        _("Verify the sender or its domain in the SES console. To send to others, ask there for production access."),
        text="identities failed the check in region|email address is not verified",
    ),
    Entry(
        "amazon-rate",
        _("This site sends faster than Amazon SES allows for the account."),
        _("Send less at once, or ask for a higher rate in the SES console."),
        text="maximum sending rate exceeded",
    ),
    Entry(
        "amazon-quota",
        _("What the account may send in a day at Amazon SES is used up."),
        _("Wait until tomorrow, or ask for more in the SES console."),
        text="daily message quota exceeded",
    ),
    Entry(
        "amazon-paused",
        _("Amazon SES has paused sending of the account."),
        _("See in the SES console under “Reputation metrics” why, and answer Amazon's review."),
        text="sending (has been |is )?(paused|suspended)|account is paused",
    ),
    Entry(
        "amazon-not-allowed",
        _("The user of the SMTP credentials is not allowed to send as %(sender)s at Amazon SES."),
        _("Allow ses:SendRawEmail for this sender in the policy of the user, or create new SMTP credentials."),
        text="access denied.*ses|not authori[sz]ed to perform.*ses:",
    ),
)
