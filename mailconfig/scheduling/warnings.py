"""What an administrator should know of scheduled jobs, told where it depends neither on mail nor on a worker (S-30)."""

from datetime import timedelta
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _

from .models import ScheduledJob
from .running import rows

PATIENCE: Final = timedelta(minutes=5)


def warnings() -> list[str]:
    """A sentence each; none while all is well."""
    now = timezone.now()
    waiting = [row for row in rows() if row.is_due(now - PATIENCE)]
    return [_nobody_runs(waiting)] if waiting else []


def _nobody_runs(waiting: list[ScheduledJob]) -> str:
    text = _("Nobody runs what is due: %(jobs)s. Start “manage.py deliver_mail” or “manage.py run_scheduled”.")
    return text % {"jobs": ", ".join(map(str, waiting))}
