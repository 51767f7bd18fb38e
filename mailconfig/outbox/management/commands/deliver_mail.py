"""deliver_mail: sends what waits in the outbox."""

import json
import sys
from dataclasses import asdict
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils.translation import gettext as _

from mailconfig.outbox.working import Delivering
from mailconfig.stop_signals import stopped_by_signals

SWITCH_SECONDS: Final = 0.001
"""A thread that heard from the server shall not wait the usual 5 ms for the one that talks to the database."""


class Command(BaseCommand):
    help = _("Deliver the mail of the outbox, until Ctrl-C or SIGTERM, which end it after what is on the wire.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help=_("Deliver what is due now, then end."))
        parser.add_argument("--json", action="store_true", help=_("Print one JSON object at the end."))

    def handle(self, *args: object, **options: Any) -> None:
        sys.setswitchinterval(SWITCH_SECONDS)
        worker = Delivering(stopped_by_signals())
        try:
            if options["once"]:
                tally = worker.once()
                worker.tick()
            else:
                tally = worker.until_stopped()
        except DatabaseError as error:
            raise CommandError(_("The database can't be used: %(error)s") % {"error": error}) from error
        if options["json"]:
            self.stdout.write(json.dumps(asdict(tally)))
        else:
            text = _("Sent: %(sent)s, failed: %(failed)s, to be tried again: %(deferred)s.")
            self.stdout.write(text % asdict(tally))
