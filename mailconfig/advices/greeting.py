"""What answers is no mail server, speaks otherwise, or does not like the name of this site."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from .entry import Entry

RENAME: Final = _(
    "Choose another EHLO name under “Advanced”: a full name such as mail.example.com, that leads to the address from "
    "which this site sends."
)

ENTRIES: Final = (
    Entry(
        "ehlo-not-qualified",
        _("The server wants a full name as greeting; “%(ehlo_name)s” is none."),
        RENAME,
        text="fully[- ]qualified|FQDN",
        remedy="ehlo_name",
    ),
    Entry(
        "ehlo-not-found",
        _("The server looked the name “%(ehlo_name)s” up, by which this site introduced itself, and did not find it."),
        RENAME,
        text="(helo|ehlo)[^.]*(rejected: host not found|not found|not resolve|unresolvable|does not exist|no such)",
        remedy="ehlo_name",
    ),
    Entry(
        "ehlo-forged",
        _(
            "The server takes “%(ehlo_name)s”, by which this site introduced itself, for a name of its own or a "
            "forgery."
        ),
        RENAME,
        text="(helo|ehlo)[^.]*(forge|spoof|impersonat|my (own )?(host)?name|local)",
        remedy="ehlo_name",
    ),
    Entry(
        "ehlo-refused",
        _("The server does not accept the name “%(ehlo_name)s”, by which this site introduced itself."),
        RENAME,
        text=r"(helo|ehlo)\b[^.]*(reject|refuse|invalid|denied|bad|syntax)|(invalid|bad|illegal).{0,20}(helo|ehlo)\b",
        remedy="ehlo_name",
    ),
    Entry(
        "greeting-name-refused",
        _("The server did not accept the greeting of this site (EHLO %(ehlo_name)s)."),
        RENAME,
        steps=("greet",),
        errors=("SMTPHeloError",),
        codes=(501, 504, 550, 553, 554),
        remedy="ehlo_name",
    ),
    Entry(
        "imap-server",
        _("On port %(port)s “%(host)s” reads mail (IMAP); it does not send there."),
        _("Enter the port for sending: 587 with STARTTLS or 465 with SSL/TLS."),
        steps=("greet",),
        codes=(-1,),
        text="imap|^K ",
        remedy="other_way",
    ),
    Entry(
        "web-server",
        _("On port %(port)s “%(host)s” is a web server, not a mail server."),
        _("Enter the name of the mail server, and its port: 587 with STARTTLS or 465 with SSL/TLS."),
        steps=("greet",),
        codes=(-1,),
        text=r"^/1\.[01]|html",
        remedy="other_way",
    ),
    Entry(
        "ssh-server",
        _("On port %(port)s of “%(host)s” people log in to the machine (SSH); no mail is sent there."),
        _("Enter the port for sending: 587 with STARTTLS or 465 with SSL/TLS."),
        steps=("greet",),
        codes=(-1,),
        text=r"^[12]\.\d+-\S|ssh",
        remedy="other_way",
    ),
    Entry(
        "not-a-mail-server",
        _("What answers on port %(port)s of “%(host)s” does not speak as a mail server does."),
        _("Check server and port. If they are right, the port may want SSL/TLS."),
        steps=("greet",),
        codes=(-1,),
        remedy="other_way",
    ),
    Entry(
        "line-too-long",
        _("“%(host)s” said a line that is longer than any a mail server says."),
        _("Check server and port: this is most likely another kind of server."),
        steps=("greet",),
        codes=(500,),
        text="line too long",
        remedy="other_way",
    ),
    Entry(
        "no-mail-service",
        _("“%(host)s” says that it takes no mail from this site."),
        _("Its answer may say why. Often a machine must be allowed first, or mail is sent by another of its servers."),
        steps=("greet",),
        codes=(521, 550, 554, 556),
    ),
    Entry(
        "server-not-ready",
        _("“%(host)s” is busy or in maintenance."),
        _("Try again in a few minutes. Mail that is sent meanwhile fails."),
        steps=("greet",),
        codes=(420, 421, 450, 451, 452, 454),
    ),
    Entry(
        "tls-in-place-of-greeting",
        _("“%(host)s” answers on port %(port)s, but says nothing: this port most likely wants encryption at once."),
        _("Choose SSL/TLS as connection security, or port 587 for STARTTLS."),
        steps=("greet",),
        security=("none", "starttls"),
        ports=(465,),
        text="timed out|closed|reset",
        remedy="other_way",
    ),
    Entry(
        "greeting-late",
        _("“%(host)s” took the connection on port %(port)s and did not greet in time."),
        _("If the port wants encryption at once, choose SSL/TLS. Else the server is overloaded, or is no mail server."),
        steps=("greet",),
        text="timed out",
        remedy="other_way",
    ),
    Entry(
        "greeting-endless",
        _("The answer of “%(host)s” does not end, so that it was given up."),
        _("Check server and port: this is most likely another kind of server."),
        steps=("greet",),
        text="does not end",
        remedy="other_way",
    ),
    Entry(
        "greeting-closed",
        _("“%(host)s” took the connection and closed it without a greeting."),
        _("Check port and connection security. Some servers also do that to machines that they don't know."),
        steps=("greet",),
        text="closed|reset|broken pipe",
        remedy="other_way",
    ),
    Entry(
        "greeting-unusable",
        _("The EHLO name “%(ehlo_name)s” can't be said: it is not on one line, or has other characters than ASCII."),
        RENAME,
        steps=("greet",),
        errors=("ValueError",),
        remedy="ehlo_name",
    ),
)
