"""tidy_outbox: deletes old messages of the outbox."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils.translation import gettext as _

from mailconfig.outbox.retention import tidy_up


class Command(BaseCommand):
    help = _("Delete messages of the outbox that have been kept for as long as MAILCONFIG_OUTBOX says.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help=_("Print one JSON object at the end."))

    def handle(self, *args: object, **options: Any) -> None:
        deleted = tidy_up()
        if options["json"]:
            self.stdout.write(json.dumps(deleted))
        else:
            text = _("Deleted: %(sent)s sent, %(failed)s failed, %(cancelled)s cancelled.")
            self.stdout.write(text % deleted)
