"""What a project may decide about its outbox: the setting MAILCONFIG_OUTBOX, a dictionary."""

from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

KEEP_DAYS: Final = {"sent": 30, "failed": 90, "cancelled": 30}
BODIES: Final = ("show", "hide", "drop")


@dataclass(frozen=True)
class Options:
    """`window`: how many messages one connection may have delivered before that is saved, and so how many may go out
    twice if the worker is killed; `window_ms`: how long that may take. `bodies`: "show" them in the admin, "hide" them
    there, or "drop" them from the database once they are delivered. `task`: wake delivery by django.tasks.
    """

    window: int = 16
    window_ms: int = 20
    lease_seconds: float = 300
    give_up_days: float = 5
    poll_seconds: float = 1
    bodies: str = "show"
    keep_days: dict[str, int] = field(default_factory=dict)
    task: bool = False

    def __post_init__(self) -> None:
        if found := problems_of(self):
            raise ImproperlyConfigured("MAILCONFIG_OUTBOX: " + " ".join(found))

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.lease_seconds)

    @property
    def give_up_after(self) -> timedelta:
        return timedelta(days=self.give_up_days)

    def days_kept(self, state: str) -> int:
        return {**KEEP_DAYS, **self.keep_days}[state]


def options() -> Options:
    """As the settings are now. Raises ImproperlyConfigured."""
    given: dict[str, Any] = getattr(settings, "MAILCONFIG_OUTBOX", None) or {}
    known = [one.name for one in fields(Options)]
    if unknown := [name for name in given if name not in known]:
        raise ImproperlyConfigured(f"MAILCONFIG_OUTBOX: unknown {', '.join(unknown)}. Known are {', '.join(known)}.")
    return Options(**given)


def problems_of(given: Options) -> list[str]:
    """A sentence for each value that can't be used."""
    wrong = [
        f"'{name}' must be a number from {least} on."
        for name, least in (("window", 1), ("window_ms", 1), ("lease_seconds", 1), ("give_up_days", 0))
        if not _at_least(getattr(given, name), least)
    ]
    if not _at_least(given.poll_seconds, 0.01):
        wrong.append("'poll_seconds' must be a number from 0.01 on.")
    if given.bodies not in BODIES:
        wrong.append(f"'bodies' must be one of {', '.join(BODIES)}.")
    if unknown := set(given.keep_days) - set(KEEP_DAYS):
        wrong.append(f"'keep_days' knows {', '.join(KEEP_DAYS)}, not {', '.join(sorted(unknown))}.")
    return wrong


def _at_least(value: object, least: float) -> bool:
    return isinstance(value, int | float) and value >= least
