"""How mail is doing, as far as is known without asking a server: the one answer for banner, checks, /healthz, /metrics.

Each app that knows something registers its part of the answer.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from django.db import Error
from django.utils.functional import Promise
from django.utils.translation import gettext as _

logger = logging.getLogger("mailconfig")


@dataclass(frozen=True)
class Way:
    """Where who has a permission can do something about it: a page of the admin, by its name there."""

    permission: str
    page: str
    label: str | Promise


@dataclass(frozen=True)
class Alarm:
    """Something to act on. `level` is "error" if mail doesn't go out, else "warning".

    `code` is for machines and everybody; `text`, in the language in use now, may hold addresses. `check` is the id of
    the system check that says the same.
    """

    code: str
    level: str
    text: str
    check: str = ""
    mailer: str = ""
    ways: tuple[Way, ...] = ()


@dataclass(frozen=True)
class Figure:
    """A number to be watched, named as Prometheus wants it: in base units, a moment as seconds since 1970.

    Labels hold no personal data.
    """

    name: str
    documentation: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """What one app knows. Each asks the database a constant number of times, and nobody else; raises django.db.Error.

    `ways` are all that its alarms may name. `ages` are in seconds.
    """

    ways: tuple[Way, ...] = ()
    alarms: Callable[[], Iterable[Alarm]] = tuple
    ages: Callable[[], Mapping[str, float]] = dict
    figures: Callable[[], Iterable[Figure]] = tuple


_parts: Final[list[Part]] = []


def register(part: Part) -> None:
    """To be called in an app's `ready()`."""
    _parts.append(part)


def ways() -> Iterator[Way]:
    return (way for part in _parts for way in part.ways)


def alarms() -> list[Alarm]:
    return [alarm for part in _parts for alarm in part.alarms()]


def figures() -> list[Figure]:
    return [figure for part in _parts for figure in part.figures()]


@dataclass(frozen=True)
class Report:
    alarms: list[Alarm]
    ages: dict[str, float]

    @property
    def status(self) -> str:
        """failing, warning or ok."""
        levels = {alarm.level for alarm in self.alarms}
        return "failing" if "error" in levels else "warning" if levels else "ok"


def report() -> Report:
    """Everything but the figures; a database that doesn't answer is an alarm, too."""
    try:
        return Report(alarms(), {name: age for part in _parts for name, age in part.ages().items()})
    except Error as error:
        logger.warning("The database did not answer a question about mail: %s", error)
        return Report([Alarm("database", "error", _("The database doesn't answer."))], {})
