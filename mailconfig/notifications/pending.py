"""What this process has counted and not yet written down.

Needs no models, so that a handler of LOGGING, which Django makes before it loads the apps, may use it.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from django.utils.functional import Promise

Text = str | Promise | Callable[[], object]
"""Made into words when it is written down, in the language of those who are told."""

MOST: Final = 1000
"""Groups that wait at once; what comes beyond, while no database can be reached, is counted in one."""

_quiet: ContextVar[bool] = ContextVar("mailconfig_notifications_quiet", default=False)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Group:
    """Happenings of one occasion and key; texts are those of the first that waits."""

    occasion: str
    key: str
    subject: Text
    body: Text = ""
    url: Text = ""
    html: str = ""
    count: int = 1
    first_at: datetime = field(default_factory=_now)
    last_at: datetime = field(default_factory=_now)


class Pending:
    """Groups by occasion and key. All methods are safe in threads and take no longer than a dictionary does."""

    def __init__(self) -> None:
        self.wake: Callable[[], None] = lambda: None
        """Told of news; until the app is ready nobody listens, and they wait."""
        self.forget()

    def forget(self) -> None:
        self._lock = threading.RLock()  # what interrupts a thread may have news, too
        self._groups: dict[tuple[str, str], Group] = {}

    def repeat(self, occasion: str, key: str) -> bool:
        """Count one more of a group that waits; False if none does, and its texts are needed."""
        with self._lock:
            group = self._groups.get((occasion, key))
            if group:
                group.count += 1
                group.last_at = _now()
            return group is not None

    def add(self, *groups: Group) -> None:
        with self._lock:
            for group in groups:
                self._add(group)
        self.wake()

    def _add(self, group: Group) -> None:
        if len(self._groups) >= MOST and (group.occasion, group.key) not in self._groups:
            group.key = ""
        waiting = self._groups.setdefault((group.occasion, group.key), group)
        if waiting is not group:
            waiting.count += group.count
            waiting.first_at = min(waiting.first_at, group.first_at)
            waiting.last_at = max(waiting.last_at, group.last_at)

    def take(self) -> deque[Group]:
        with self._lock:
            taken, self._groups = deque(self._groups.values()), {}
        return taken

    def put_back(self, groups: Iterable[Group]) -> None:
        """As `add`, but no news."""
        with self._lock:
            for group in groups:
                self._add(group)


@contextmanager
def quiet() -> Iterator[None]:
    """While somebody is being told: what is logged meanwhile tells nobody."""
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)


def is_quiet() -> bool:
    return _quiet.get()


pending: Final = Pending()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pending.forget)  # what waits is the parent's to write
