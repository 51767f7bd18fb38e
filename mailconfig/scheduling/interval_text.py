"""How often a job runs, as a person says it."""

from datetime import time

from django.utils.formats import time_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .jobs import MINUTES_A_DAY


def interval_text(minutes: int, at: time | None) -> str:
    """ "every 5 minutes", "every day at 4:15 a.m."."""
    if minutes % MINUTES_A_DAY == 0:
        days = _counted(
            ngettext("every day", "every %(count)s days", minutes // MINUTES_A_DAY), minutes // MINUTES_A_DAY
        )
        return _("%(days)s at %(time)s") % {"days": days, "time": time_format(at, "TIME_FORMAT")} if at else days
    if minutes % 60 == 0:
        return _counted(ngettext("every hour", "every %(count)s hours", minutes // 60), minutes // 60)
    return _counted(ngettext("every minute", "every %(count)s minutes", minutes), minutes)


def _counted(text: str, count: int) -> str:
    return text % {"count": count}
