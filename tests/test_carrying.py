"""What passes between the thread that has the database and those that carry: all is heard, nobody sleeps for good."""

import threading

from django.utils import timezone

from mailconfig.outbox.carrying import Carrier, Ended, Event, Tray
from mailconfig.outbox.claiming import Parcel
from mailconfig.outbox.marking import ParcelReport
from mailconfig.pipelining import Answer, Report
from mailconfig.smtp import ServerSettings

FOREVER = 60.0


def parcel(pk: int) -> Parcel:
    return Parcel(pk, "a@example.com", ["b@example.com"], 0, timezone.now(), {}, 1, data=b"x")


def report(pk: int) -> ParcelReport:
    return Report(parcel(pk), Answer(250, "OK"), {})


def heard_while(tray: Tray, *events: Event, enough: int, hurry: bool = False) -> list[Event]:
    """What a thread hears that began to listen before all was told."""
    heard: list[Event] = []
    thread = threading.Thread(target=lambda: heard.extend(tray.hear(enough, FOREVER)))
    thread.start()
    for event in events:
        tray.tell(event)
    if hurry:
        tray.hurry()
    thread.join(FOREVER / 2)
    assert not thread.is_alive()
    return heard


def test_who_listens_is_woken_when_there_is_enough() -> None:
    tray = Tray(16)
    reports = [report(number) for number in range(3)]
    heard = heard_while(tray, *reports, enough=3)
    assert heard + tray.hear(0, 0) == reports


def test_who_listens_is_woken_by_the_end_of_a_connection_and_by_who_waits() -> None:
    tray = Tray(16)
    ended = Ended(Carrier(tray, ServerSettings("localhost", 25)))
    assert ended in heard_while(tray, report(1), ended, enough=10)
    heard_while(tray, enough=10, hurry=True)
    assert tray.is_silent


def test_what_few_tell_is_heard_in_the_end() -> None:
    tray = Tray(16)
    one = report(1)
    tray.tell(one)
    assert tray.hear(10, 0.001) == [one]


def test_a_closed_tray_hands_nothing_out_whatever_is_put_back() -> None:
    tray = Tray(16)
    tray.put([parcel(1), parcel(2)])
    first = tray.take(wait=True)
    assert first
    assert first.pk == 1
    tray.close()
    tray.put_back(first)
    assert tray.take(wait=True) is None
