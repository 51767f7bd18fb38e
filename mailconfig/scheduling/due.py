"""When a job runs: every so often, or at a time of day that stays what the clock on the wall shows."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Final

from django.utils import timezone

DAY: Final = timedelta(days=1)


def first_run(now: datetime, every: timedelta, at: time | None) -> datetime:
    """Of a job that is new, or has got another interval."""
    return _next_day(_local_date(now), now, DAY, at) if at else now + every


def next_run(planned: datetime, now: datetime, every: timedelta, at: time | None) -> datetime:
    """After a run that was planned for then and ended now: in the same rhythm, without those that were missed.

    A run by hand before its time moves nothing.
    """
    if planned > now:
        return planned
    missed = (now - planned) // every
    if at:
        return _next_day(_local_date(planned) + missed * every, now, every, at)
    return planned + (missed + 1) * every


def _next_day(first: date, now: datetime, every: timedelta, at: time) -> datetime:
    zone = timezone.get_default_timezone()
    # An hour that comes twice counts the first time; one that is left out, by the clock from before the change.
    moments = (datetime.combine(first + number * every, at, tzinfo=zone).astimezone(UTC) for number in count())
    return next(moment for moment in moments if moment > now)


def _local_date(moment: datetime) -> date:
    return moment.astimezone(timezone.get_default_timezone()).date()
