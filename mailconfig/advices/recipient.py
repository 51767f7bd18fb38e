"""The recipient, and the message itself."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from .entry import Entry

RCPT: Final = ("recipient",)
MESSAGE: Final = ("message",)

ENTRIES: Final = (
    Entry(
        "recipient-unusable",
        _("This is no address to which mail can be sent."),
        _("Enter one address as recipient, such as me@example.com."),
        steps=RCPT,
        errors=("ValueError",),
    ),
    Entry(
        "relay-without-login",
        _("The server takes mail for others only after a log-in."),
        _("Choose an authentication method and enter user name and password, or let the server know this address."),
        text="relay",
        login="none",
        codes=(454, 530, 550, 551, 553, 554),
    ),
    Entry(
        "relay-refused",
        _("The server does not pass mail on to others for this account."),
        _("Use the server on which the account may send: often another name or port 587. Its provider can tell."),
        text="relay",
        codes=(454, 550, 551, 553, 554),
    ),
    Entry(
        "mailbox-full",
        _("The mailbox of the recipient is full."),
        _("The settings work as far as here. Test with another recipient."),
        steps=("recipient", "message"),
        enhanced=("5.2.2", "4.2.2"),
    ),
    Entry(
        "mailbox-disabled",
        _("The mailbox of the recipient takes no mail: it is switched off."),
        _("The settings work as far as here. Test with another recipient."),
        steps=("recipient", "message"),
        enhanced=("5.2.1", "4.2.1"),
    ),
    Entry(
        "recipient-domain-unknown",
        _("The domain of the recipient does not exist, or takes no mail."),
        _("Check the recipient's address."),
        steps=RCPT,
        enhanced=("5.1.2", "4.1.2", "5.1.10", "5.4.4"),
    ),
    Entry(
        "recipient-domain-not-found",
        _("The server does not find the domain of the recipient."),
        _("Check the recipient's address."),
        steps=RCPT,
        text="domain.{0,40}(not found|not exist|unresolvable)|no such domain",
    ),
    Entry(
        "recipient-badly-written",
        _("The server can't read the recipient's address."),
        _("Check it for spaces and for letters that only some servers take, such as umlauts."),
        steps=RCPT,
        enhanced=("5.1.3", "5.5.2", "5.5.4", "5.6.7"),
    ),
    Entry(
        "recipient-unknown",
        _("The server does not know this recipient."),
        _("Check the recipient's address. If it is right, the settings work as far as here: test with another one."),
        steps=RCPT,
        enhanced=("5.1.1", "5.1.6", "5.4.1"),
    ),
    Entry(
        "recipient-not-there",
        _("The server does not know this recipient."),
        _("Check the recipient's address. If it is right, the settings work as far as here: test with another one."),
        steps=RCPT,
        text=(
            "(user|mailbox|recipient|account|address).{0,40}(unknown|not found|unavailable|not exist)|"
            "no such (user|mailbox)"
        ),
    ),
    Entry(
        "recipient-refused",
        _("The server does not accept mail for this recipient."),
        _("Check the recipient's address. Many servers send to others only after a log-in."),
        steps=RCPT,
        codes=(501, 550, 551, 553, 554),
    ),
    Entry(
        "virus-found",
        _("The server took the message for a virus."),
        _(
            "A test email has no attachment, so the virus scanner of the server is mistaken. Whoever runs it can "
            "tell why."
        ),
        steps=MESSAGE,
        text="virus|malware|infected",
    ),
    Entry(
        "taken-for-spam",
        _("The server took the message for spam."),
        _(
            "Check the sender's domain (SPF, DKIM) and the EHLO name, and ask whoever runs the server to let it "
            "through."
        ),
        steps=("recipient", "message"),
        text=r"\b(spam|junk|bulk|unsolicited|phish\w*|content (rejected|filter))\b",
    ),
    Entry(
        "header-refused",
        _("The server does not like a header of the message."),
        _("Most often it is the sender: enter the address of the account, and a sender name without special letters."),
        steps=MESSAGE,
        text=r"header|from: |message-id",
        remedy="login_as_sender",
    ),
    Entry(
        "message-refused",
        _("The server refused the message itself."),
        _("Its answer says why. Often the sender is not allowed for this account, or a limit was reached."),
        steps=MESSAGE,
        codes=(541, 550, 551, 552, 553, 554, 571),
        remedy="login_as_sender",
    ),
)
