"""When scheduled jobs run: in their rhythm, at the time that the clock on the wall shows, once after a pause."""

from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from pytest_django import Settings

from mailconfig.scheduling.due import first_run, next_run

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
BERLIN: Final = ZoneInfo("Europe/Berlin")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-05-{text}Z")


@pytest.mark.parametrize(
    ("planned", "now", "expected"),
    [
        ("01T12:00", "01T12:00", "01T13:00"),
        ("01T12:00", "01T12:20", "01T13:00"),  # a worker that is late now and then does not move the schedule
        ("01T12:00", "01T18:30", "01T19:00"),  # missed six times: one run, not six
        ("01T12:00", "01T11:00", "01T12:00"),  # run by hand before its time
    ],
)
def test_an_interval_keeps_its_rhythm(planned: str, now: str, expected: str) -> None:
    assert next_run(utc(planned), utc(now), HOUR, None) == utc(expected)


@pytest.mark.parametrize(
    ("now", "at", "expected"),
    [
        ("2026-05-01T12:00", "06:00", "2026-05-02T06:00+02:00"),
        ("2026-05-01T05:00", "06:00", "2026-05-01T06:00+02:00"),
        ("2026-05-01T06:00", "06:00", "2026-05-02T06:00+02:00"),
        ("2026-03-28T12:00", "06:00", "2026-03-29T06:00+02:00"),  # the night has an hour less
        ("2026-10-24T12:00", "06:00", "2026-10-25T06:00+01:00"),  # the night has an hour more
        ("2026-03-28T12:00", "02:30", "2026-03-29T03:30+02:00"),  # 2:30 is left out
        ("2026-10-24T12:00", "02:30", "2026-10-25T02:30+02:00"),  # 2:30 comes twice: the first time,
        ("2026-10-25T02:40", "02:30", "2026-10-26T02:30+01:00"),  # and not the second
    ],
)
def test_a_time_of_day_is_that_of_the_clock_on_the_wall(settings: Settings, now: str, at: str, expected: str) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    moment, at_time = datetime.fromisoformat(now).replace(tzinfo=BERLIN), time.fromisoformat(at)
    assert first_run(moment, DAY, at_time) == datetime.fromisoformat(expected)
    yesterday = first_run(moment - DAY, DAY, at_time)
    assert next_run(yesterday, moment, DAY, at_time) == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    ("planned", "now", "expected"),
    [
        ("01T06:00", "01T06:00", "08T06:00"),
        ("01T06:00", "03T12:00", "08T06:00"),
        ("01T06:00", "09T12:00", "15T06:00"),  # on the same day of the week as ever
        ("08T06:00", "03T12:00", "08T06:00"),
    ],
)
def test_several_days_with_a_time_of_day_keep_their_rhythm(planned: str, now: str, expected: str) -> None:
    assert next_run(utc(planned), utc(now), 7 * DAY, time(6)) == utc(expected)
