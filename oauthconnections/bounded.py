"""Runs what may wait without end for a limited time."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from django.utils import translation

T = TypeVar("T")


def run_bounded(function: Callable[[], T], seconds: float) -> T:
    """What `function` returns or raises; TimeoutError if it takes longer than that.

    It runs in a thread of its own, in the caller's language. One that is late goes on in the background, and its result
    is dropped.
    """
    future: Future[T] = Future()
    # A daemon, so that what never ends doesn't keep the process from ending.
    arguments = (function, future, translation.get_language())
    thread = threading.Thread(target=_run, args=arguments, name="bounded", daemon=True)
    try:
        thread.start()
    except RuntimeError as error:  # there are no more threads; callers are ready for what a system refuses
        raise OSError(str(error)) from error
    return future.result(max(seconds, 0))


def _run(function: Callable[[], T], future: Future[T], language: str | None) -> None:
    try:
        with translation.override(language):
            future.set_result(function())
    except BaseException as error:  # whatever it is, it belongs to the caller
        future.set_exception(error)
