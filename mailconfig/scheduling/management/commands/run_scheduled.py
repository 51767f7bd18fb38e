"""run_scheduled: runs the scheduled jobs of a site that has no worker of the outbox to do it."""

import json
import sys
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, close_old_connections
from django.utils.translation import gettext as _

from mailconfig.scheduling.models import Outcome, ScheduledJob
from mailconfig.scheduling.running import run_due, run_on_tick
from mailconfig.stop_signals import stopped_by_signals

TICK_SECONDS: Final = 5.0


class Command(BaseCommand):
    help = _("Run scheduled jobs when they are due, until Ctrl-C or SIGTERM, which end it after the job that runs.")

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help=_("Run what is due now, then end."))
        parser.add_argument("--json", action="store_true", help=_("Print one JSON object at the end."))

    def handle(self, *args: object, **options: Any) -> None:
        started = self._once() if options["once"] else _until_stopped()
        jobs = list(ScheduledJob.objects.filter(name__in=started))
        if options["json"]:
            self.stdout.write(json.dumps({"jobs": [_as_json(job) for job in jobs]}))
        else:
            lines = (f"{job}: {job.get_outcome_display()} {job.detail}".strip() for job in jobs)
            self.stdout.write("\n".join(lines) or _("No job was due."))
        if any(job.outcome == Outcome.FAILED for job in jobs):
            sys.exit(1)

    def _once(self) -> set[str]:
        try:
            return set(run_due())
        except DatabaseError as error:
            raise CommandError(_("The database can't be used: %(error)s") % {"error": error}) from error


def _until_stopped() -> set[str]:
    stop = stopped_by_signals()
    started: set[str] = set()
    while not stop.is_set():
        close_old_connections()
        started.update(run_on_tick(stop))
        stop.wait(TICK_SECONDS)
    return started


def _as_json(job: ScheduledJob) -> dict[str, str]:
    return {"name": job.name, "outcome": job.outcome, "detail": job.detail, "next_run": job.next_run.isoformat()}
