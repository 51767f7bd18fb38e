"""No way to the server: its name, the port, what lies between."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from .entry import Entry

ENTRIES: Final = (
    Entry(
        "name-invalid",
        _("“%(host)s” can't be the name of a server."),
        _("Enter the name or the IP address of the server alone, such as smtp.example.com."),
        steps=("resolve",),
        errors=("InvalidName",),
    ),
    Entry(
        "dns-unavailable",
        _("This machine's name resolution (DNS) does not work at the moment, so “%(host)s” could not be looked up."),
        _("Try again. If it stays so, the network or the name servers of this machine have to be repaired first."),
        steps=("resolve",),
        text="temporary failure in name resolution|try again",
    ),
    Entry(
        "dns-slow",
        _("The name servers did not say in time where “%(host)s” is."),
        _("Try again. If it stays so, check the name servers of this machine, or enter the IP address of the server."),
        steps=("resolve",),
        errors=("TimeoutError",),
    ),
    Entry(
        "host-has-no-address",
        _("“%(host)s” exists, but has no address that this machine could reach."),
        _("Check whether it is the name of a server and not only of a domain: often it is smtp. or mail. before it."),
        steps=("resolve",),
        text="no address associated",
    ),
    Entry(
        "host-unknown",
        _("No address is known for “%(host)s”."),
        _("Check the spelling of the server. If it is right, this machine's name resolution (DNS) does not know it."),
        steps=("resolve",),
        errors=("gaierror",),
    ),
    Entry(
        "no-local-server",
        _("On this machine no mail server answers on port %(port)s."),
        _("Start the mail server here, check its port, or enter the name of the server that is to send."),
        steps=("connect",),
        errors=("ConnectionRefusedError",),
        hosts=("localhost", "127.*", "::1"),
        remedy="other_way",
    ),
    Entry(
        "connection-refused",
        _("“%(host)s” is there, but nothing listens on port %(port)s."),
        _("Check the port: 587 for STARTTLS, 465 for SSL/TLS, 25 inside your network. Or the mail server is stopped."),
        steps=("connect",),
        errors=("ConnectionRefusedError",),
        remedy="other_way",
    ),
    Entry(
        "port-25-blocked",
        _("“%(host)s” did not answer on port 25. Most hosting and internet providers block this port."),
        _("Use port 587 with STARTTLS or 465 with SSL/TLS, or have your provider open port 25."),
        steps=("connect",),
        errors=("TimeoutError",),
        ports=(25,),
        remedy="other_way",
    ),
    Entry(
        "port-filtered",
        _("“%(host)s” did not answer on port %(port)s at all; something swallows the packets."),
        _("Check server and port. If they are right, a firewall has to allow this site to reach them."),
        steps=("connect",),
        errors=("TimeoutError",),
        remedy="other_way",
    ),
    Entry(
        "network-unreachable",
        _("This machine has no way into the network of “%(host)s”."),
        _("Check that this machine or container is connected, and speaks the kind of address (IPv4, IPv6) it has."),
        steps=("connect",),
        text="network is unreachable|cannot assign requested address",
    ),
    Entry(
        "host-unreachable",
        _("The way to “%(host)s” ends before the server: there is no route to it, or it is switched off."),
        _("Check the address of the server, and whether a VPN or a firewall rule is missing."),
        steps=("connect",),
        text="no route to host|host is down",
        remedy="other_way",
    ),
    Entry(
        "connection-forbidden",
        _("This machine itself forbids the connection to “%(host)s”, port %(port)s."),
        _("Allow it in the firewall, the container's policy or SELinux of the machine on which this site runs."),
        steps=("connect",),
        errors=("PermissionError",),
    ),
    Entry(
        "connection-reset",
        _("The connection to “%(host)s”, port %(port)s, was torn down as soon as it was begun."),
        _("A firewall or a virus scanner between here and there does that. Have it allow mail from this site."),
        steps=("connect",),
        errors=("ConnectionResetError", "ConnectionAbortedError"),
        remedy="other_way",
    ),
)
