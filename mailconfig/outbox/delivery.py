"""Delivers what is due of one mailer: claims, hands out to carriers, marks. One run ends when nothing is due."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from django.db import DatabaseError, connections
from django.utils import timezone

from mailconfig.exceptions import MailconfigError
from mailconfig.models import MailServer
from mailconfig.outcomes import note_mail
from mailconfig.smtp import ServerSettings, Session

from .carrying import CantOpen, Carrier, Ended, Event, Tray, dial
from .claiming import Parcel, claim, database, is_due, release, renew
from .failover import STANDS_IN_FOR, in_use, is_over, servers
from .holding import Trouble, give_up_old, hold_back, let_go, queue_of, trouble_of
from .limits import Limits, limits, reserve
from .marking import ParcelReport, mark
from .models import ServerQueue, State
from .options import options
from .retry import refuses_us

logger = logging.getLogger("mailconfig.outbox")
BATCH: Final = 200
PARCELS_PER_CARRIER: Final = 8
"""Waiting for each carrier before another connection is opened."""
BREAKS_IN_A_ROW: Final = 5
"""Connections lost without any message taken, after which the server is taken to be the cause."""

Clock = Callable[[], datetime]


@dataclass
class Tally:
    """What became of messages in a run."""

    sent: int = 0
    failed: int = 0
    deferred: int = 0

    def count(self, states: Iterable[State]) -> None:
        for state, number in Counter(states).items():
            name = {State.SENT: "sent", State.FAILED: "failed"}.get(state, "deferred")
            setattr(self, name, getattr(self, name) + number)

    def __iadd__(self, other: "Tally") -> "Tally":
        for name, number in asdict(other).items():
            setattr(self, name, getattr(self, name) + number)
        return self


def deliver(
    alias: str,
    token: str,
    stop: threading.Event | None = None,
    clock: Clock = timezone.now,
    connections_of: Callable[[Limits], int] = lambda limits: limits.connections,
    beat: Callable[[], object] = lambda: None,
) -> Tally:
    """Send what is due until nothing is, the servers fail or it is time to stop. Raises DatabaseError.

    `connections_of` says how many connections this worker may have; `beat` is called now and then.
    """
    tally, stop = Tally(), stop or threading.Event()
    queue = queue_of(alias)
    if not is_due(alias, clock()):
        return tally
    opened: list[bool] = []
    for server in servers(queue, clock):
        with in_use[server.alias]:
            begun = _begin(alias, server, token, clock, connections_of)
            opened.append(begun is not None)
            if begun:
                errand, session = begun
                run = Run(errand, clock, stop, beat)
                run.start(session)
                run.to_the_end()
                tally += run.tally
                if run.tally.sent:
                    note_mail(errand.by)
    if opened and not any(opened) and queue.trouble in STANDS_IN_FOR:
        tally.failed += give_up_old(queue, clock(), options().give_up_after)
    return tally


def _begin(
    alias: str, server: ServerQueue, token: str, clock: Clock, connections_of: Callable[[Limits], int]
) -> "tuple[Errand, Session] | None":
    """What to do by this server, over an open session; None if it can't be used now, which holds its queue back."""
    try:
        row = MailServer.objects.for_alias(server.alias)
        settings = row.connection_settings()
        allowed = limits(server, settings.host)
        most = connections_of(allowed)
        if most < 1 or not reserve(server, allowed, 1, clock()):
            return None
        return Errand(alias, row, token, settings, allowed, most), dial(settings)
    except CantOpen as failure:
        hold_back(server, trouble_of(failure.session, failure.error), failure.error, clock())
    except MailconfigError as error:
        hold_back(server, trouble_of(None, error), error, clock())
    return None


@dataclass(frozen=True)
class Errand:
    """What a run is to do: whose mail, and by which server. It has the same alias unless another stands in."""

    alias: str
    by: MailServer
    token: str
    settings: ServerSettings
    limits: Limits
    connections: int

    @property
    def server(self) -> str:
        return f"{self.settings.host}:{self.settings.port}"


class Run:
    """One run. All that touches the database happens in the thread that calls it."""

    def __init__(self, errand: Errand, clock: Clock, stop: threading.Event, beat: Callable[[], object]) -> None:
        self.tally = Tally()
        self._errand = errand
        self._options = options()
        self._mail, self._queue = queue_of(errand.alias), queue_of(errand.by.alias)
        self._tray = Tray(self._options.window)
        self._clock, self._stop, self._beat = clock, stop, beat
        self._most = errand.connections
        self._carriers: list[Carrier] = []
        self._held: dict[int, Parcel] = {}
        self._renew_at = 0.0
        self._nothing_due = self._over = False
        self._breaks = 0

    def start(self, session: Session | None = None) -> None:
        carrier = Carrier(self._tray, self._errand.settings, session)
        self._carriers.append(carrier)
        carrier.start()

    def to_the_end(self) -> None:
        try:
            while not self._ends and (self._refill() or self._held):
                self._handle(self._gather())
                self._keep_leases()
        finally:
            self._finish()

    @property
    def _ends(self) -> bool:
        return self._over or self._stop.is_set()

    # --- claiming ---

    def _refill(self) -> bool:
        """Claim if few are waiting; whether anything was claimed."""
        if len(self._tray) > BATCH // 2 or (self._nothing_due and self._held):
            return False
        if is_over(self._mail, self._queue, self._clock()) or self._settings_changed():
            self._over = True
            return False
        parcels = self._claim()
        self._nothing_due = len(parcels) < BATCH
        if not self._held:
            self._valid_for_a_lease()
        self._held |= {parcel.pk: parcel for parcel in parcels}
        self._tray.put(parcels)
        self._open_more()
        return bool(parcels)

    def _claim(self) -> list[Parcel]:
        errand, now = self._errand, self._clock()
        return claim(self._queue, errand.token, BATCH, now, self._options.lease, errand.limits, mail_of=errand.alias)

    def _settings_changed(self) -> bool:
        try:
            return MailServer.objects.for_alias(self._queue.alias).connection_settings() != self._errand.settings
        except MailconfigError:
            return True

    def _open_more(self) -> None:
        while self._carriers and len(self._carriers) < self._most:
            if len(self._tray) <= PARCELS_PER_CARRIER * len(self._carriers):
                return
            self.start()

    def _valid_for_a_lease(self) -> None:
        lease = self._options.lease_seconds
        self._tray.valid_until = time.monotonic() + 0.8 * lease
        self._renew_at = time.monotonic() + lease / 3

    def _keep_leases(self) -> None:
        if time.monotonic() > self._renew_at:
            self._beat()
            renew(self._errand.token, self._held, self._clock() + self._options.lease)
            self._valid_for_a_lease()

    # --- what carriers tell ---

    def _gather(self) -> list[Event]:
        """What was told, waiting a little for more, since one transaction costs as much for many."""
        windows = self._options.window * len(self._carriers)
        return self._tray.hear(max(min(windows, len(self._held)), 1), self._options.window_ms / 2000)

    def _handle(self, events: list[Event]) -> None:
        ended, blameless, reports = [], [], []
        for event in events:
            if isinstance(event, Ended):
                ended.append(event)
            elif event.untouched or self._is_about_us(event):
                blameless.append(event.letter)
            else:
                reports.append(event)
        self._mark(reports)
        self._put_back(blameless)
        for one in ended:
            self._handle_end(one)

    def _put_back(self, parcels: list[Parcel]) -> None:
        for parcel in parcels:
            self._tray.put_back(parcel)
        self._make_room(parcel.pk for parcel in parcels)

    def _make_room(self, keys: Iterable[int]) -> None:
        done = set(keys)
        for carrier in self._carriers:
            carrier.marked(done)

    def _is_about_us(self, report: ParcelReport) -> bool:
        if refusal := refuses_us([report.reply, *report.refused.values()]):
            self._hold_back(Trouble.LOGIN, OSError(str(refusal)))
        return refusal is not None

    def _mark(self, reports: list[ParcelReport]) -> None:
        if not reports:
            return
        states = self._insist(
            lambda: mark(self._errand.token, self._errand.server, reports, self._clock(), self._options)
        )
        self.tally.count(states.values())
        for key in states:
            self._held.pop(key, None)
        self._make_room(states)
        taken = any(report.reply.code for report in reports)
        self._breaks = 0 if taken else self._breaks + len(reports)
        if taken:
            let_go(self._queue)
        elif self._breaks >= BREAKS_IN_A_ROW:
            self._hold_back(Trouble.CONNECTION, OSError(reports[-1].reply.text))

    def _insist(self, write: Callable[[], dict[int, State]]) -> dict[int, State]:
        """A database that goes away for a moment must not make us forget what was delivered."""
        while True:
            try:
                return write()
            except DatabaseError as error:
                if time.monotonic() > self._tray.valid_until:
                    raise
                logger.warning("Deliveries could not be saved, trying again: %s", error)
                connections[database()].close()
                time.sleep(min(1, self._options.lease_seconds / 10))

    def _handle_end(self, ended: Ended) -> None:
        if ended.carrier in self._carriers:
            self._carriers.remove(ended.carrier)
        if ended.error and self._carriers:
            self._most = len(self._carriers)  # the server wants no more connections than that
            if self._trouble(ended.error) == Trouble.LOGIN:
                self._hold_back(Trouble.LOGIN, _cause(ended.error))
        elif self._held and not self._ends:
            self._dial_again(ended.error)

    def _dial_again(self, error: Exception | None) -> None:
        try:
            if error:
                raise error
            self.start(dial(self._errand.settings))
        except (CantOpen, MailconfigError) as failure:
            self._hold_back(self._trouble(failure), _cause(failure))

    @staticmethod
    def _trouble(error: Exception) -> Trouble:
        return trouble_of(error.session if isinstance(error, CantOpen) else None, _cause(error))

    def _hold_back(self, trouble: Trouble, error: Exception) -> None:
        self._over = True
        hold_back(self._queue, trouble, error, self._clock())

    # --- the end ---

    def _finish(self) -> None:
        """Let the carriers end what is on the wire, save it, and give back the rest."""
        self._tray.close()
        self._over = True
        while any(carrier.is_alive() for carrier in self._carriers) or not self._tray.is_silent:
            self._handle(self._gather())
            self._keep_leases()
            for carrier in self._carriers:
                carrier.join(0.01)
        release(self._errand.token, self._held, self._clock())
        self._held.clear()


def _cause(error: Exception) -> Exception:
    return error.error if isinstance(error, CantOpen) else error
