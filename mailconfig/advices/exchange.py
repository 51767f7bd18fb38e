"""Exchange on premises, in the words with which it refuses."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from .entry import Entry

ENTRIES: Final = (
    Entry(
        "exchange-relay-refused",
        _("The receive connector of Exchange does not pass mail on to other domains for this site."),
        _(
            "Create a receive connector for the address of this site that allows anonymous relay, or log in on "
            "port 587."
        ),
        text="unable to relay",
    ),
    Entry(
        "exchange-not-logged-in",
        _("The receive connector of Exchange takes no mail without a log-in."),
        _("Log in on port 587, or let the connector for the address of this site take anonymous users."),
        codes=(530, 550),
        text="client was not authenticated",
    ),
    Entry(
        "exchange-send-as-denied",
        _("The account %(username)s may not send as %(sender)s in Exchange."),
        _("Give the account “Send as” on the mailbox of the sender, or use the account's own address as sender."),
        text="does not have permissions? to send as",
        remedy="login_as_sender",
    ),
    Entry(
        "exchange-submit-denied",
        _("The account or this site may not submit mail to this receive connector of Exchange."),
        _("Log in on port 587, the connector for clients, or give the connector the permission to accept the sender."),
        text="does not have permissions? to submit",
    ),
    Entry(
        "exchange-no-room",
        _("Exchange takes no mail, as its disk or memory runs out (back pressure)."),
        _("Whoever runs it has to make room on the disk of its queue. Try again later."),
        text="insufficient system (resources|storage)",
    ),
    Entry(
        "exchange-login-refused",
        _("Exchange refused the log-in as %(username)s."),
        _("Enter the user name as DOMAIN\\name or as user@domain, and check that the password has not expired."),
        steps=("authenticate",),
        enhanced=("5.7.3",),
        codes=(535,),
        login="password",
    ),
)
