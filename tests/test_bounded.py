"""Functions that know no time-out are given one."""

import threading
import time

import pytest

from oauthconnections.bounded import run_bounded, run_together


def test_it_returns_what_the_function_returns() -> None:
    assert run_bounded(lambda: 42, 5) == 42


def test_it_raises_what_the_function_raises() -> None:
    with pytest.raises(ZeroDivisionError):
        run_bounded(lambda: 1 // 0, 5)


def test_it_gives_up_in_time() -> None:  # S-21
    released = threading.Event()
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        run_bounded(lambda: released.wait(30), 0.1)
    assert 0.1 <= time.monotonic() - began < 2
    released.set()


@pytest.mark.parametrize("seconds", [0, -1])
def test_no_time_left_is_a_time_out(seconds: float) -> None:
    released = threading.Event()
    with pytest.raises(TimeoutError):
        run_bounded(lambda: released.wait(30), seconds)
    released.set()


def test_what_is_late_does_not_keep_the_process_from_ending() -> None:
    released = threading.Event()

    def daemon() -> bool:
        released.wait(1)
        return threading.current_thread().daemon

    released.set()
    assert run_bounded(daemon, 5) is True


def test_even_an_exit_reaches_the_caller() -> None:
    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        run_bounded(leave, 5)


# --- several at once ---


def test_several_run_at_once_and_keep_their_order() -> None:
    meet = threading.Barrier(3, timeout=5)  # each waits for the others, so none ran after another

    def number(value: int) -> int:
        meet.wait()
        return value

    assert run_together([lambda: number(1), lambda: number(2), lambda: number(3)], 5, lambda error: 0) == [1, 2, 3]


def test_what_is_late_or_fails_does_not_hold_the_others_up() -> None:  # S-21
    released = threading.Event()

    def refused() -> str:
        raise ConnectionRefusedError("refused")

    def late() -> str:
        released.wait(30)
        return "late"

    began = time.monotonic()
    ended = run_together([refused, late, lambda: "in time", late], 0.2, lambda error: type(error).__name__)
    assert ended == ["ConnectionRefusedError", "TimeoutError", "in time", "TimeoutError"]
    assert time.monotonic() - began < 2
    released.set()


def test_nothing_at_all_takes_no_time() -> None:
    assert run_together([], 5, lambda error: None) == []
