"""Which jobs there are: each app registers its own in `ready()`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import Promise
from django.utils.module_loading import import_string

MINUTES_A_DAY: Final = 24 * 60


class JobFailed(Exception):
    """Raised by a job that found something wrong. Its text is shown to people: no secrets in it."""


@dataclass(frozen=True)
class Job:
    """What is done, and how often unless an administrator decides otherwise.

    `task` is a function without arguments, a task of django.tasks, or the dotted path to one of them. What it returns
    is shown as the outcome if that is a text. With `at` it runs at that time of the site's time zone, every so many
    whole days. A run that takes longer than `longest` counts as lost, and another host runs the job again.
    """

    name: str
    label: str | Promise
    task: str | Callable[[], Any]
    every: timedelta
    at: time | None = None
    longest: timedelta = timedelta(minutes=15)

    @property
    def minutes(self) -> int:
        return int(self.every.total_seconds() // 60)

    def run(self) -> str:
        """Do it here and now; raises whatever it raises."""
        found = import_string(self.task) if isinstance(self.task, str) else self.task
        result = getattr(found, "call", found)()  # a task knows how to be called without an engine
        return result if isinstance(result, str) else ""


REGISTERED: Final[dict[str, Job]] = {}


def register(job: Job) -> None:
    """Have it run from now on. Raises ImproperlyConfigured."""
    if job.minutes < 1 or (job.at and job.minutes % MINUTES_A_DAY):
        raise ImproperlyConfigured(f"{job.name!r}: every minute or less often, in whole days with a time of day.")
    if REGISTERED.setdefault(job.name, job) != job:
        raise ImproperlyConfigured(f"There are two scheduled jobs with the name {job.name!r}.")
