"""quickstart: from nothing to a running site in one command."""

import argparse
import select
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final, NoReturn

import waitress
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.wsgi import get_wsgi_application
from django.db import DatabaseError, connections
from django.utils.translation import gettext as _
from waitress import wasyncore

from mailconfig.catcher.server import Catcher
from mailconfig.outbox.working import in_background
from mailconfig.stop_signals import stopped_by_signals
from mailconfig.website import first_start, setting_up
from mailconfig.website.addresses import own_names, url
from mailconfig.website.environment import catcher_port, data_folder, words
from mailconfig.website.listening import listen, listen_if_free, port_of
from oauthconnections.endpoints import is_loopback

USUAL_CATCHER_PORT: Final = 2525
LONGEST_WAIT: Final = 0.5
"""Seconds until Ctrl-C is noticed while nobody asks for anything."""


class Command(BaseCommand):
    help = _("Start the site at once: database, administrator and mail catcher are made at the first start, and kept.")

    requires_system_checks: (
        list[str] | tuple[str, ...]
    ) = ()  # those of fields ask the database, which may be none that can be used

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help=_("Address to listen on (127.0.0.1)."))
        parser.add_argument(
            "--port", type=port, default=8000, help=_("Port to listen on (8000); 0 takes any that is free.")
        )
        parser.add_argument("--no-catcher", action="store_true", help=_("Don't start the mail catcher."))
        parser.add_argument(
            "--no-input", "--noinput", action="store_true", help=_("Never ask anything, which holds without it too.")
        )

    def handle(self, *args: object, **options: Any) -> None:
        for ending in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: a shell's background job starts ignoring it
            signal.signal(ending, interrupt)
        try:
            with ExitStack() as running:
                self.start(running, options)
                signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C shall not interrupt the ending
        except KeyboardInterrupt:
            pass
        except DatabaseError as error:
            raise CommandError(
                _("The database can't be used: %(error)s. Check DATABASE_URL, or that %(folder)s is writable.")
                % {"error": str(error).strip(), "folder": data_folder()}
            ) from error
        self.say(_("Ended."))

    def start(self, running: ExitStack, options: dict[str, Any]) -> None:
        """Take both ports, make what is missing, then serve until Ctrl-C."""
        web = running.enter_context(
            self.taken(_("Choose another with --host or --port."), options["host"], options["port"])
        )
        address = url(options["host"], port_of(web))
        caught = None if options["no_catcher"] else running.enter_context(self.port_of_catcher())
        self.set_up()
        if caught:
            self.introduce_catcher(address, port_of(caught))
            running.enter_context(Catcher(caught))
        elif setting_up.uses_catcher(catcher_port()):
            self.say(_("Mail is set to go to the mail catcher, which isn't started: mail will fail."))
        connections.close_all()  # the threads that serve open their own
        self.start_delivery(running)
        self.allow(options["host"])
        self.serve(web, address)

    def taken(
        self, remedy: str, host: str, wanted: int, take: Callable[[str, int], socket.socket] = listen
    ) -> socket.socket:
        try:
            return take(host, wanted)
        except OSError as error:
            message = _("Can't listen on %(host)s port %(port)s: %(error)s. %(remedy)s")
            values = {"host": host, "port": wanted, "error": error.strerror or str(error), "remedy": remedy}
            raise CommandError(message % values) from error

    def port_of_catcher(self) -> socket.socket:
        """The port kept from the first start, at which any free one will do."""
        remedy = _("Choose another with MAIL_CATCHER_PORT, or start with --no-catcher.")
        if kept := catcher_port():
            return self.taken(remedy, setting_up.CATCHER_HOST, kept)
        found = self.taken(remedy, setting_up.CATCHER_HOST, USUAL_CATCHER_PORT, listen_if_free)
        first_start.keep_catcher_port(port_of(found))
        return found

    def set_up(self) -> None:
        self.check()
        setting_up.create_tables()
        self.say(_("Data folder: %(folder)s") % {"folder": data_folder()})
        self.introduce_administrator()

    def introduce_administrator(self) -> None:
        if password := setting_up.create_administrator():
            self.say(_("Administrator made. Write the password down, it is shown only now."))
            self.say(_("  User name: %(name)s") % {"name": setting_up.ADMINISTRATOR})
            self.say(_("  Password: %(password)s") % {"password": password})
        else:
            self.say(_("Started before: the database, the administrator and the settings are kept as they were."))
            self.say(_("For a new password: uv run manage.py changepassword admin"))

    def introduce_catcher(self, address: str, port: int) -> None:
        where = {"port": port, "page": f"{address}admin/catcher/caughtmessage/"}
        self.say(_("Mail catcher: listens on 127.0.0.1 port %(port)s and shows at %(page)s what it caught.") % where)
        if setting_up.propose_catcher(port):
            self.say(_("It is entered as the first mail server, so that a test email works without a real account."))

    def start_delivery(self, running: ExitStack) -> None:
        """Deliver queued mail in this process, until it ends after what is on the wire."""
        stop = threading.Event()
        running.callback(in_background(stop))
        running.callback(stop.set)

    def allow(self, host: str) -> None:
        """Answer to this machine's names too when others can reach it, unless somebody decided otherwise."""
        if is_loopback(host):
            return
        if not words("ALLOWED_HOSTS"):
            settings.ALLOWED_HOSTS.extend(set(own_names(host)).difference(settings.ALLOWED_HOSTS))
        self.say(_("Others in your network can reach this site, which then answers to these names: %(names)s.")
                 % {"names": ", ".join(settings.ALLOWED_HOSTS)})  # fmt: skip

    def serve(self, web: socket.socket, address: str) -> None:
        connections_open: dict[int, object] = {}
        server = waitress.create_server(get_wsgi_application(), map=connections_open, sockets=[web], threads=8)
        # An exception from a signal could fall between accepting a connection and keeping it, and lose it open.
        ending = stopped_by_signals()
        try:
            self.say(_("Open %(address)s in your browser. Ctrl-C ends the site.") % {"address": address})
            while not ending.is_set():
                wasyncore.loop(LONGEST_WAIT, use_poll=hasattr(select, "poll"), map=connections_open, count=1)
        finally:
            server.task_dispatcher.shutdown()
            wasyncore.close_all(connections_open)

    def say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()  # whoever reads through a pipe shall read it now


def port(value: str) -> int:
    if not value.isdecimal() or int(value) > 65535:
        raise argparse.ArgumentTypeError(_("a port is a number from 0 to 65535"))
    return int(value)


def interrupt(*_signal: object) -> NoReturn:
    """End as at Ctrl-C."""
    raise KeyboardInterrupt
