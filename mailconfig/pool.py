"""Authenticated sessions that stay open for a short while, so that the next mail need not dial again."""

import atexit
import math
import os
import threading
import time
from typing import Final

from .smtp import ServerSettings, Session

KEEP_SECONDS: Final = 10.0
"""How long an idle session is kept; servers end theirs after minutes (RFC 5321 section 4.5.3.2.7: five)."""


class Pool:
    """Idle sessions by their settings. Changed settings never find, and always close, a session of the old ones."""

    def __init__(self) -> None:
        self._start_empty()

    def _start_empty(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[tuple[float, Session]] = []  # (time to close it, session)
        self._timer: threading.Timer | None = None
        self._due = math.inf  # when the timer rings

    def take(self, settings: ServerSettings) -> Session | None:
        """An open session with exactly these settings, or None."""
        while session := self._pick(settings):
            if session.is_silent():
                session.proven = True
                return session
            session.abandon()
        return None

    def _pick(self, settings: ServerSettings) -> Session | None:
        with self._lock:
            of_alias = [entry for entry in self._idle if entry[1].settings.alias == settings.alias]
            fitting = [entry for entry in of_alias if entry[1].settings == settings]
            outdated = [entry for entry in of_alias if entry not in fitting]
            picked = fitting[-1] if fitting else None
            self._idle = [entry for entry in self._idle if entry not in outdated and entry is not picked]
        for _until, session in outdated:
            session.close()
        return picked[1] if picked else None

    def keep(self, session: Session, seconds: float) -> None:
        """Take back a session; it is closed when nobody wants it for so many seconds."""
        if seconds <= 0 or not session.usable:
            session.close()
            return
        with self._lock:
            self._idle.append((time.monotonic() + seconds, session))
            watched = self._watch()
        if not watched:
            self.close()

    def _watch(self) -> bool:
        """Have a timer running for what is to be closed next; False if no thread is to be had any more."""
        due = min((until for until, _session in self._idle), default=math.inf)
        if due < self._due:
            self._stop_timer()
            timer = threading.Timer(max(due - time.monotonic(), 0), self._close_expired)
            timer.daemon = True
            try:
                timer.start()
            except RuntimeError:
                return False
            self._timer, self._due = timer, due
        return True

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer, self._due = None, math.inf

    def _close_expired(self) -> None:
        now = time.monotonic()
        with self._lock:
            expired = [entry for entry in self._idle if entry[0] <= now]
            self._idle = [entry for entry in self._idle if entry[0] > now]
            self._stop_timer()
            self._watch()
        for _until, session in expired:
            session.close()

    def close(self) -> None:
        """Say goodbye to all servers."""
        with self._lock:
            idle, self._idle = self._idle, []
            self._stop_timer()
        for _until, session in idle:
            session.close()

    def forget(self) -> None:
        """In a forked child: the sessions belong to the parent, so drop this process's copies without a word."""
        for _until, session in self._idle:
            session.abandon()
        self._start_empty()


pool: Final = Pool()
atexit.register(pool.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pool.forget)
