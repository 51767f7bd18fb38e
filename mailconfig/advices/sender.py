"""The sender's address: how it is written, whose it is, whether its domain vouches for it."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from .entry import Entry

ENTRIES: Final = (
    Entry(
        "sender-unusable",
        _("“%(sender)s” is no address from which mail can be sent."),
        _("Enter the sender's address, such as alerts@example.com."),
        steps=("sender",),
        errors=("ValueError",),
    ),
    Entry(
        "sender-spf",
        _("The domain of %(sender)s does not name this server among those that may send for it (SPF)."),
        _("Add the server to the SPF record of the domain, or send from an address of the server's own domain."),
        text=r"\bspf\b",
    ),
    Entry(
        "sender-dmarc",
        _("The domain of %(sender)s wants mail refused that it does not vouch for (DMARC), and this one it doesn't."),
        _("Have the domain's mail signed (DKIM) or its SPF record name the server; or send from another domain."),
        text=r"\b(dmarc|dkim)\b",
    ),
    Entry(
        "sender-domain-unknown",
        _("The server does not find the domain of %(sender)s."),
        _("Check the sender's address. Its domain must exist and have an MX or address record."),
        enhanced=("5.1.8", "4.1.8"),
    ),
    Entry(
        "sender-domain-not-found",
        _("The server does not find the domain of %(sender)s."),
        _("Check the sender's address. Its domain must exist and have an MX or address record."),
        steps=("sender",),
        text="domain.{0,40}(not found|not exist|unresolvable|invalid)|no such domain",
    ),
    Entry(
        "sender-not-owned",
        _("The account %(username)s may not send as %(sender)s."),
        _("Use the address of the account as sender, or let the account send as that address at its provider."),
        text=(
            "not owned by|send ?as ?denied|permissions? to send as|not (allowed|permitted|authori[sz]ed) to (send|use)"
        ),
        remedy="login_as_sender",
    ),
    Entry(
        "sender-other-than-login",
        _("The server does not accept %(sender)s as sender."),
        _("Use the address of the account as sender, or let the account send as that address at its provider."),
        steps=("sender",),
        codes=(550, 553, 554),
        login="password",
        enhanced=("5.7.*",),
        remedy="login_as_sender",
    ),
    Entry(
        "sender-badly-written",
        _("The server can't read the sender's address %(sender)s."),
        _("Check it for letters that only some servers take, such as umlauts, and for spaces."),
        steps=("sender",),
        enhanced=("5.1.7", "5.1.0", "5.5.2", "5.5.4", "5.6.7"),
    ),
    Entry(
        "sender-refused",
        _("The server does not accept mail from the sender's address %(sender)s."),
        _("Use the address of the account that logs in as sender, or log in if you have not."),
        steps=("sender",),
        codes=(501, 550, 551, 553, 554),
        remedy="login_as_sender",
    ),
)
