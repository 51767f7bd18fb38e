"""Runs what knows no time-out of its own, such as a DNS look-up, for a limited time."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def run_bounded(function: Callable[[], T], seconds: float) -> T:
    """What `function` returns or raises; TimeoutError if it takes longer than that.

    A function that is late can't be ended: its thread goes on in the background and its result is dropped.
    """
    future: Future[T] = Future()
    # A daemon, so that a look-up that never ends doesn't keep the process from ending.
    try:
        threading.Thread(target=_run, args=(function, future), name="bounded", daemon=True).start()
    except RuntimeError as error:  # there are no more threads; callers are ready for what a system refuses
        raise OSError(str(error)) from error
    return future.result(max(seconds, 0))


def _run(function: Callable[[], T], future: Future[T]) -> None:
    try:
        future.set_result(function())
    except BaseException as error:  # whatever it is, it belongs to the caller
        future.set_exception(error)
