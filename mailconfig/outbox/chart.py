"""The last day in bars, an hour each: numbers for a template that draws them as SVG."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count
from django.db.models.functions import TruncHour

from .models import QueuedMessage, State

HOURS: Final = 24
BAR: Final = 20
HEIGHT: Final = 100


@dataclass(frozen=True)
class Bar:
    """One hour; lengths in the units of the drawing, y from its top."""

    start: datetime
    x: int
    sent: int
    failed: int
    sent_height: int
    failed_height: int

    @property
    def sent_y(self) -> int:
        return HEIGHT - self.sent_height

    @property
    def failed_y(self) -> int:
        return self.sent_y - self.failed_height


@dataclass(frozen=True)
class Chart:
    bars: list[Bar]

    width: int = BAR * HOURS
    height: int = HEIGHT
    bar_width: int = BAR - 4

    @property
    def sent(self) -> int:
        return sum(bar.sent for bar in self.bars)

    @property
    def failed(self) -> int:
        return sum(bar.failed for bar in self.bars)


def last_day(now: datetime) -> Chart:
    first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    counts = _counts(first)
    hours = [first + timedelta(hours=number) for number in range(HOURS)]
    most = max((counts[hour, State.SENT] + counts[hour, State.FAILED] for hour in hours), default=0) or 1
    return Chart([_bar(number, hour, counts, most) for number, hour in enumerate(hours)])


def _counts(since: datetime) -> Counter[tuple[datetime, str]]:
    ended = QueuedMessage.objects.filter(state__in=[State.SENT, State.FAILED], finished_at__gte=since).order_by()
    by_hour = ended.annotate(hour=TruncHour("finished_at", tzinfo=since.tzinfo)).values_list("hour", "state")
    return Counter({(hour, state): number for hour, state, number in by_hour.annotate(Count("pk"))})


def _bar(number: int, hour: datetime, counts: Counter[tuple[datetime, str]], most: int) -> Bar:
    sent, failed = counts[hour, State.SENT], counts[hour, State.FAILED]
    return Bar(hour, number * BAR + 2, sent, failed, _length(sent, most), _length(failed, most))


def _length(count: int, most: int) -> int:
    """What there is can be seen, however much more there is of other things."""
    return max(round(HEIGHT * count / most), 2) if count else 0
