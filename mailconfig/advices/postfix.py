"""Postfix and Dovecot, in the words with which they refuse."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from .entry import Entry

ENTRIES: Final = (
    Entry(
        "postfix-sender-not-owned",
        _("The account %(username)s may not send as %(sender)s on this server."),
        _("Use the account's address as sender, or enter the sender for it in smtpd_sender_login_maps."),
        text="sender address rejected: not owned by user",
        remedy="login_as_sender",
    ),
    Entry(
        "postfix-not-logged-in",
        _("The server knows %(sender)s as the address of an account, which has to log in."),
        _("Choose an authentication method and enter user name and password of that account."),
        text="sender address rejected: not logged in",
    ),
    Entry(
        "postfix-sender-domain",
        _("The server does not find the domain of %(sender)s."),
        _("Check the sender's address. Its domain must exist and have an MX or address record."),
        text="sender address rejected: domain not found",
    ),
    Entry(
        "postfix-sender-unknown",
        _("The server does not know the sender %(sender)s as an address of its own domain."),
        _("Create the mailbox or an alias for it there, or send from an address that exists."),
        text="sender address rejected: (user unknown|undeliverable|unverified)",
    ),
    Entry(
        "postfix-client-refused",
        _("The server takes no mail from the address of this site."),
        _("Enter the address in mynetworks or client access of the server, or log in on port 587."),
        text="client host rejected: access denied",
    ),
    Entry(
        "postfix-login-missing",
        _("The server takes mail on port %(port)s only after a log-in."),
        _(
            "Choose an authentication method and enter user name and password. A server that knows this site by its "
            "address most often listens on port 25."
        ),
        text="recipient address rejected: access denied",
        login="none",
    ),
    Entry(
        "postfix-recipient-domain",
        _("The server does not find the domain of the recipient."),
        _("Check the recipient's address."),
        text="recipient address rejected: domain not found",
    ),
    Entry(
        "postfix-user-unknown",
        _("The server is responsible for the recipient's domain and does not know this mailbox."),
        _("Check the recipient's address. If it is right, the settings work as far as here: test with another one."),
        text="user unknown in (local|virtual|relay)",
    ),
    Entry(
        "postfix-recipient-not-verified",
        _("The server could not make sure that the recipient exists."),
        _("Test again in some minutes, or with another recipient."),
        text="recipient address rejected: (undeliverable|unverified)",
    ),
    Entry(
        "postfix-login-broken",
        _("The server's own check of passwords (SASL) does not work."),
        _("Whoever runs it has to look at its log: Dovecot or saslauthd does not answer Postfix."),
        text=(
            "temporary authentication failure: (connection lost|generic failure)|no mechanism available|"
            "cannot connect to saslauthd"
        ),
    ),
    Entry(
        "postfix-login-not-enabled",
        _("The server does not let anybody log in on port %(port)s."),
        _("Use port 587 or 465, or choose None as authentication method if it knows this site by its address."),
        codes=(502, 503),
        text="authentication not enabled",
        remedy="no_login",
    ),
    Entry(
        "postfix-out-of-step",
        _("The server did not expect what this site said next."),
        _("A firewall or virus scanner between may change the conversation. Try another port or SSL/TLS."),
        text="improper command pipelining|protocol error",
    ),
)
