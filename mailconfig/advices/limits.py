"""Too much, too fast, too big, not now, or from an address with a bad name."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from .entry import Entry

MAIL: Final = ("sender", "recipient", "message")

SAID: Final = (
    Entry(
        "address-on-block-list",
        _("The address from which this site sends is on a list of senders of spam."),
        _("Look the address up at the list that the answer names and ask for removal, or send through a provider."),
        text=r"spamhaus|spamcop|barracuda|block ?list|black ?list|\b[rd]nsbl|\brbl\b|poor reputation|bad reputation",
    ),
    Entry(
        "dynamic-address",
        _("The server takes no mail from addresses of home and mobile connections."),
        _("Send through the server of your provider, with a log-in on port 587 or 465."),
        text="dynamic (ip|address|client)|dial-?up|residential|generic (reverse|ptr|rdns)",
    ),
    Entry(
        "no-reverse-name",
        _("The address from which this site sends has no name of its own (reverse DNS)."),
        _(
            "Have the provider of the address enter the EHLO name as its reverse name (PTR), or send through a "
            "provider."
        ),
        text="reverse (dns|name|hostname|lookup)|cannot find your (reverse )?hostname|\\bptr\\b|\\brdns\\b",
    ),
    Entry(
        "greylisted",
        _("The server lets unknown senders wait once (greylisting)."),
        _("Test again in about ten minutes. If mail is to go out at once, have this site exempted."),
        text="gr[ae]y-?list",
    ),
    Entry(
        "too-many-connections",
        _("There are too many connections to the server at the same time."),
        _("Wait a minute. If it happens often, let fewer processes send at once."),
        text=(
            "too many (concurrent|simultaneous|(smtp )?(connections|sessions))|concurrent connections|"
            "connection (limit|rate)"
        ),
    ),
    Entry(
        "too-fast",
        _("This site sends faster than the server allows."),
        _("Wait some minutes. If it happens often, send less at once or ask for a higher limit."),
        text="rate (limit|exceeded)|too (fast|many (messages|mails|e?mails|requests|recipients))|throttl|slow down",
    ),
    Entry(
        "quota-used-up",
        _("What the account may send in a day or an hour is used up."),
        _("Wait until tomorrow, or ask the provider for more."),
        steps=MAIL,
        text="quota|(daily|hourly|sending|message) limit|limit (exceeded|reached)",
        login="password",
    ),
    Entry(
        "message-too-large",
        _("The message is larger than the server takes."),
        _("Even a test email is too large, so the limit of the server is set wrong: whoever runs it has to raise it."),
        steps=MAIL,
        enhanced=("5.3.4", "5.2.3"),
    ),
    Entry(
        "message-over-size",
        _("The message is larger than the server takes."),
        _("Even a test email is too large, so the limit of the server is set wrong: whoever runs it has to raise it."),
        steps=MAIL,
        text="(size|length).{0,30}(exceed|limit|large)|too (large|big)",
    ),
)
"""What a server says by words."""

OTHERWISE: Final = (
    Entry(
        "server-full",
        _("The server has no room left to take mail."),
        _("Whoever runs it has to make room. Try again later."),
        steps=MAIL,
        codes=(431, 452, 552),
        enhanced=("4.3.*", "5.3.*", ""),
    ),
    Entry(
        "try-later",
        _("The server can't take the mail now."),
        _("Its answer may say why. Test again in some minutes."),
        steps=MAIL,
        codes=(421, 430, 432, 441, 442, 447, 450, 451, 453, 454, 458, 459, 471),
    ),
    Entry(
        "answer-late",
        _("The server stopped answering in the middle of the conversation."),
        _("It may check mail slowly: set a longer time-out under “Advanced”, or test again later."),
        steps=MAIL,
        text="timed out",
    ),
    Entry(
        "answer-endless",
        _("The answer of the server does not end, so that it was given up."),
        _("Something is wrong with the server. Whoever runs it has to look."),
        steps=("authenticate", *MAIL),
        text="does not end|line too long",
    ),
    Entry(
        "connection-lost",
        _("The server closed the connection in the middle of the conversation."),
        _("It may have crashed, or a firewall looks into mail. Test again; if it stays so, ask whoever runs it."),
        steps=MAIL,
        errors=("SMTPServerDisconnected", "ConnectionError"),
    ),
)
"""What nobody has said more of."""
