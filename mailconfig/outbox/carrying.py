"""The threads that carry messages to the server, a connection each, and what passes between them and the database."""

import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from mailconfig.pipelining import Closed, carry
from mailconfig.pool import KEEP_SECONDS, pool
from mailconfig.smtp import ServerSettings, Session

from .claiming import Parcel
from .marking import ParcelReport

SLICE_SECONDS: Final = 1.0


@dataclass
class Ended:
    """A carrier is done. `error` is why it could not open its session."""

    carrier: "Carrier"
    error: Exception | None = None


Event = ParcelReport | Ended


class Tray:
    """Where parcels are handed out and reports come back. `valid_until` (monotonic) is when the leases end: no text is
    begun after that.
    """

    def __init__(self, window: int) -> None:
        self.window = window
        self.valid_until = 0.0
        self._told: deque[Event] = deque()
        self._awaited = 1
        self._enough_told = threading.Event()
        self._parcels: deque[Parcel] = deque()
        self._closed = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._parcels)

    def put(self, parcels: Iterable[Parcel]) -> None:
        with self._changed:
            self._parcels.extend(parcels)
            self._changed.notify_all()

    def put_back(self, parcel: Parcel) -> None:
        """First in line: if it is at fault for a lost connection, it shall be found out in the next one."""
        with self._changed:
            if not self._closed:
                self._parcels.appendleft(parcel)
                self._changed.notify()

    def take(self, wait: bool) -> Parcel | None:
        """Without the lock where that can be: carriers would keep each other waiting for it."""
        while True:
            try:
                return self._parcels.popleft()
            except IndexError:
                if not wait or not self._wait_for_some():
                    return None

    def _wait_for_some(self) -> bool:
        """False if there will be none."""
        with self._changed:
            while not self._parcels and not self._closed:
                self._changed.wait()
        return not self._closed

    def close(self) -> None:
        """Hand out no more."""
        with self._changed:
            self._closed = True
            self._parcels.clear()
            self._changed.notify_all()

    # --- what carriers tell ---

    def tell(self, event: Event) -> None:
        """Wakes who listens only when there is enough to hear: to wake a thread costs as much as to send a message."""
        self._told.append(event)
        if len(self._told) >= self._awaited or isinstance(event, Ended):
            self.hurry()

    def hurry(self) -> None:
        """Have heard what there is: somebody waits for it to be dealt with."""
        self._enough_told.set()

    def hear(self, enough: int, seconds: float) -> list[Event]:
        """What was told, after at most so many seconds, or as soon as it is enough, or pressing."""
        self._awaited = enough
        if len(self._told) < enough:
            self._enough_told.wait(seconds)
        self._enough_told.clear()
        return [self._told.popleft() for _number in range(len(self._told))]

    @property
    def is_silent(self) -> bool:
        return not self._told


class Carrier(threading.Thread):
    """One connection at work. Speaks to no database."""

    def __init__(self, tray: Tray, settings: ServerSettings, session: Session | None = None) -> None:
        super().__init__(name=f"mail to {settings.host}", daemon=True)
        self.session = session
        self._tray = tray
        self._settings = settings
        self._unmarked: set[int] = set()
        self._room = threading.Condition()

    def run(self) -> None:
        error: Exception | None = None
        try:
            self.session = self.session or dial(self._settings)
            for report in carry(self.session, self._tray.take, self._permit):
                self._tray.tell(report)
        except Exception as caught:  # told to whoever looks after this thread
            error = caught
        if self.session and self.session.usable:
            pool.keep(self.session, KEEP_SECONDS)
        self._tray.tell(Ended(self, error))

    def _permit(self, parcel: Parcel) -> None:
        """Wait until few enough delivered messages are not marked as such."""
        with self._room:
            while len(self._unmarked) >= self._tray.window:
                self._refuse_outdated()
                self._tray.hurry()
                self._room.wait(SLICE_SECONDS)
            self._refuse_outdated()
            self._unmarked.add(parcel.pk)

    def _refuse_outdated(self) -> None:
        if time.monotonic() > self._tray.valid_until:
            raise Closed

    def marked(self, keys: set[int]) -> None:
        with self._room:
            self._unmarked -= keys
            self._room.notify()


class CantOpen(Exception):
    """Carries the session that failed, which knows at which step, and the error."""

    def __init__(self, session: Session, error: OSError) -> None:
        super().__init__(str(error))
        self.session, self.error = session, error


def dial(settings: ServerSettings) -> Session:
    """A session that is open; a kept one if there is any. Raises CantOpen."""
    if kept := pool.take(settings):
        return kept
    session = Session(settings)
    try:
        return session.open()
    except OSError as error:
        raise CantOpen(session, error) from error
