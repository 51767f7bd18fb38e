"""send_notifications: tells what has not been told yet, for cron and the like."""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils.translation import gettext as _

from mailconfig.notifications.delivery import send_due
from mailconfig.notifications.expiries import check_expiries
from mailconfig.notifications.models import Notifications


class Command(BaseCommand):
    help = _("Send the notifications that may go out now, and look for what expires soon. Exit status 1 if that fails.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help=_("Print one JSON object at the end."))

    def handle(self, *args: object, **options: Any) -> None:
        try:
            check_expiries()
            told, chosen = send_due(), Notifications.objects.in_force()
        except DatabaseError as error:
            raise CommandError(_("The database can't be used: %(error)s") % {"error": error}) from error
        errors = {"mail_error": chosen.mail_error, "webhook_error": chosen.webhook_error}
        if options["json"]:
            self.stdout.write(json.dumps({**asdict(told), **errors}))
        else:
            self.stdout.write(_("Told by mail: %(mail)s, by webhook: %(webhook)s.") % asdict(told))
            for problem in filter(None, errors.values()):
                self.stderr.write(problem)
        if any(errors.values()):
            sys.exit(1)
