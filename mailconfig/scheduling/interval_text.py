"""How often a job runs, as a person says it."""

from datetime import time

from django.utils.formats import time_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .jobs import MINUTES_A_DAY


def interval_text(minutes: int, at: time | None) -> str:
    """ "every 5 minutes", "every day at 4:15 a.m."."""
    days, hours = minutes // MINUTES_A_DAY, minutes // 60
    if minutes % MINUTES_A_DAY == 0:
        text = ngettext("every day", "every %(count)s days", days) % {"count": days}
        return _("%(days)s at %(time)s") % {"days": text, "time": time_format(at, "TIME_FORMAT")} if at else text
    if minutes % 60 == 0:
        return ngettext("every hour", "every %(count)s hours", hours) % {"count": hours}
    return ngettext("every minute", "every %(count)s minutes", minutes) % {"count": minutes}
