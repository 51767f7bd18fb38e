"""A thread of this process that writes down and tells, so that neither a request nor a task waits for it."""

import atexit
import logging
import os
import threading
from typing import Final

from django.core import mail
from django.db import connections

from .delivery import send_due
from .pending import pending
from .recording import flush

logger = logging.getLogger("mailconfig.notifications")
PAUSE_SECONDS: Final = 1.0
"""How often it writes at most, so how much a process that is killed (SIGKILL) forgets."""
LOOK_SECONDS: Final = 30.0
"""How often it looks whether a digest may go out."""
END_SECONDS: Final = 10.0
"""How long a process that ends waits for a mail or a webhook on its way."""


class Background:
    """Begins at the first news, or when it is asked to, and lives as long as the process."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self._lock = threading.RLock()  # what interrupts a thread may have news, too
        self._news, self._stop = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        if hasattr(mail, "outbox"):  # Django's test environment: a test must not meet threads it knows nothing of
            return
        self._live()
        self._news.set()

    def live(self) -> None:
        """Look from time to time, also where there is no news."""
        if not hasattr(mail, "outbox"):
            self._live()

    def _live(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._start()

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="notifications", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no more threads, or the process ends: what waits is written at its end
            return
        self._thread = thread

    def _run(self) -> None:
        while not self._stop.is_set():
            self._news.wait(LOOK_SECONDS)
            self._news.clear()
            if not self._stop.is_set():
                self._look()
            self._stop.wait(PAUSE_SECONDS)

    def _look(self) -> None:
        try:
            send_due()
        except Exception:  # as long as the process lives, the next look may be better
            logger.warning("Notifications could not be sent, trying again", exc_info=True)
        finally:
            connections.close_all()  # those of this thread

    def end(self) -> None:
        """Write what waits; let end what is on its way."""
        if self._thread is None:
            return
        self._stop.set()
        self._news.set()
        self._thread.join(END_SECONDS)
        flush()


background: Final = Background()


def begin() -> None:
    """Listen for news from now on."""
    pending.wake = background.wake
    atexit.register(background.end)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=background.forget)
