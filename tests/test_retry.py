"""What becomes of a message and of a queue: decisions without clock or database (S-28)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailconfig.outbox.limits import PRESETS, Limits, limits, preset, reserve, share
from mailconfig.outbox.models import ServerQueue, State
from mailconfig.outbox.retry import Decision, decide, hold, pause
from mailconfig.pipelining import Answer

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
OK, LATER, NEVER = Answer(250, "OK"), Answer(451, "Try again later"), Answer(550, "No such user")
LOST = Answer(0, "Connection unexpectedly closed")


def decision(*answers: Answer, attempt: int = 1, age: timedelta = timedelta(0), **more: bool) -> Decision:
    return decide(
        {f"{number}@example.com": answer for number, answer in enumerate(answers)},
        attempt=attempt,
        created_at=NOW - age,
        now=NOW,
        give_up_after=timedelta(days=5),
        **more,
    )


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ([OK], State.SENT),
        ([NEVER], State.FAILED),
        ([LATER], State.QUEUED),
        ([LOST], State.QUEUED),
        ([OK, NEVER], State.SENT),
        ([OK, LATER], State.QUEUED),
        ([NEVER, LATER], State.QUEUED),
        ([Answer(251, "Forwarded")], State.SENT),
    ],
)
def test_the_answers_decide(answers: list[Answer], state: State) -> None:  # S-28
    assert decision(*answers).state == state


def test_only_who_was_put_off_is_served_again() -> None:  # S-20
    decided = decision(OK, LATER, NEVER)
    assert set(decided.final) == {"0@example.com", "2@example.com"}
    assert "451 Try again later" in decided.reason
    assert "550 No such user" in decided.reason


def test_after_five_days_it_ends_with_its_reason() -> None:  # S-26
    old = timedelta(days=5)
    assert decision(LATER, age=old) == Decision(State.FAILED, None, {"0@example.com": LATER}, "451 Try again later")
    assert decision(OK, LATER, age=old).state == State.SENT
    assert decision(LATER, age=old, some_have_it=True).state == State.SENT


@given(st.integers(1, 1000))
def test_pauses_are_between_a_minute_and_four_hours(attempt: int) -> None:
    assert timedelta(minutes=1) <= pause(attempt) <= timedelta(hours=4)


def test_pauses_grow_and_differ() -> None:
    assert pause(2) > timedelta(minutes=1.9)
    assert pause(20) == timedelta(hours=4)
    assert len({pause(3) for _ in range(20)}) > 1


def test_a_refused_login_is_tried_seldom_and_a_lost_server_soon() -> None:
    login, connection = ServerQueue.Trouble.LOGIN, ServerQueue.Trouble.CONNECTION
    assert hold(login, 1, NOW) >= NOW + timedelta(minutes=15)
    assert hold(login, 50, NOW) == NOW + timedelta(hours=4)
    assert hold(connection, 1, NOW) <= NOW + timedelta(minutes=2)
    assert hold(connection, 50, NOW) == NOW + timedelta(minutes=15)


# --- limits (S-29) ---


def test_providers_limits_are_known_and_can_be_overruled() -> None:  # S-29
    assert preset("smtp.office365.com") == Limits(3, 30, 10_000)
    assert preset("SMTP.gmail.com.").per_day == 2000
    assert preset("notgmail.com") == preset("mail.example.com") == Limits()
    queue = ServerQueue(connections=1, per_minute=0, per_day=5)
    assert limits(queue, "smtp.office365.com") == Limits(1, None, 5)
    assert len(PRESETS) >= 2


def test_a_minute_and_a_day_have_so_many_messages() -> None:  # S-29
    queue, allowed = ServerQueue(), Limits(per_minute=30, per_day=70)
    assert reserve(queue, allowed, 100, NOW) == 30
    assert reserve(queue, allowed, 100, NOW + timedelta(seconds=59)) == 0
    assert reserve(queue, allowed, 20, NOW + timedelta(seconds=60)) == 20
    assert reserve(queue, allowed, 100, NOW + timedelta(seconds=130)) == 20
    assert reserve(queue, allowed, 100, NOW + timedelta(hours=1)) == 0
    assert reserve(queue, allowed, 100, NOW + timedelta(days=1)) == 30


@given(st.integers(0, 50), st.integers(1, 50))
def test_the_shares_of_all_workers_are_the_limit(connections: int, workers: int) -> None:  # S-29
    assert sum(share(connections, workers, place) for place in range(workers)) == connections
