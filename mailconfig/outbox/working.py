"""A worker: delivers for all mailers of the project, once or until it is told to stop."""

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from django.db import DatabaseError, close_old_connections, connections
from django.utils import timezone

from mailconfig.mailers import our_aliases

from .claiming import database
from .delivery import Clock, Tally, deliver
from .limits import Limits, share
from .models import QueuedMessage, ServerQueue, State, Worker
from .options import options
from .signals import worker_tick
from .waking import Listener

logger = logging.getLogger("mailconfig.outbox")
GONE_AFTER: Final = timedelta(minutes=5)
BEAT_SECONDS: Final = 20.0
LONGEST_WAIT: Final = 5.0
"""Seconds after which a worker looks by itself, also where the database tells it."""
PAUSE_AFTER_ERROR: Final = 2.0
TICK_SECONDS: Final = 5.0


class Delivering:
    """One worker. Its row tells the others that it shares the connections with them."""

    def __init__(self, stop: threading.Event | None = None, clock: Clock = timezone.now) -> None:
        self.stop = stop or threading.Event()
        self.tally = Tally()
        self._clock = clock
        self._token = secrets.token_hex(16)

    def once(self) -> Tally:
        """Deliver what is due now. Raises DatabaseError."""
        with self._registered():
            for alias in aliases():
                self._deliver(alias)
        return self.tally

    def until_stopped(self) -> Tally:
        """Deliver what comes; a database that goes away is waited for."""
        others: list[threading.Thread] = []
        ticking = threading.Thread(target=self._keep_ticking, name="worker tick")
        ticking.start()
        while not self.stop.is_set():
            try:
                with self._registered():
                    first, *rest = aliases()
                    others = [self._start(alias) for alias in rest]
                    self._serve(first)
            except DatabaseError as error:
                self._wait_after(error)
        for thread in (*others, ticking):
            thread.join()
        return self.tally

    def _start(self, alias: str) -> threading.Thread:
        """A slow server must not keep another one's mail waiting, so each has a thread."""
        thread = threading.Thread(target=self._serve_in_thread, args=[alias], name=f"mail of {alias}")
        thread.start()
        return thread

    def _serve_in_thread(self, alias: str) -> None:
        try:
            self._serve(alias)
        finally:
            connections.close_all()

    def _keep_ticking(self) -> None:
        try:
            while not self.stop.wait(TICK_SECONDS):
                close_old_connections()
                self.tick()
        finally:
            connections.close_all()

    def tick(self) -> None:
        """Let other apps do what is to be done from time to time."""
        worker_tick.send_robust(Delivering, stop=self.stop)

    def _serve(self, alias: str) -> None:
        listener = Listener(database(), options().poll_seconds)
        try:
            while not self.stop.is_set():
                self._try(alias)
                listener.wait(self.stop, LONGEST_WAIT)
        finally:
            listener.close()

    def _try(self, alias: str) -> None:
        close_old_connections()
        try:
            self._beat()
            self._deliver(alias)
        except DatabaseError as error:
            self._wait_after(error)
        except Exception:  # whatever is wrong with one delivery, the next may be right
            logger.exception("Delivering mail of %s failed", alias)
            self.stop.wait(PAUSE_AFTER_ERROR)

    def _wait_after(self, error: DatabaseError) -> None:
        logger.warning("The database fails, trying again: %s", error)
        connections[database()].close()
        self.stop.wait(PAUSE_AFTER_ERROR)

    def _deliver(self, alias: str) -> None:
        self.tally += deliver(alias, self._token, self.stop, self._clock, self._connections, self._beat)

    # --- the other workers ---

    @contextmanager
    def _registered(self) -> Iterator[None]:
        self._beat()
        try:
            yield
        finally:
            try:
                Worker.objects.filter(token=self._token).delete()
            except DatabaseError as error:
                logger.warning("The worker could not sign off: %s", error)

    def _beat(self) -> None:
        """Say that this worker lives, at most every few seconds."""
        now = timezone.now()
        fresh = Worker.objects.filter(token=self._token, seen_at__gt=now - timedelta(seconds=BEAT_SECONDS))
        if fresh.exists():
            return
        me = {"host": socket.gethostname()[:253], "pid": os.getpid(), "seen_at": now}
        Worker.objects.update_or_create(token=self._token, defaults=me)
        Worker.objects.filter(seen_at__lt=now - GONE_AFTER).delete()

    def _connections(self, limits: Limits) -> int:
        since = timezone.now() - timedelta(seconds=3 * BEAT_SECONDS)
        living = sorted(Worker.objects.filter(seen_at__gt=since).values_list("token", flat=True))
        place = living.index(self._token) if self._token in living else len(living)
        return share(limits.connections, max(len(living), 1), place)


def aliases() -> list[str]:
    """The mailers whose mail may wait here; also of those that the project has no longer."""
    known = set(our_aliases()) | set(ServerQueue.objects.values_list("alias", flat=True))
    waiting = QueuedMessage.objects.filter(state=State.QUEUED).exclude(alias__in=known)
    return sorted(known | set(waiting.values_list("alias", flat=True).distinct())) or ["default"]


def in_background(stop: threading.Event) -> Callable[[], None]:
    """Deliver in a thread of this process until `stop`; returns what waits for its end."""
    worker = Delivering(stop)

    def run() -> None:
        try:
            worker.until_stopped()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run, name="mail delivery", daemon=True)
    thread.start()
    return thread.join
