"""Runs what may wait without end for a limited time."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

from django.utils import translation

T = TypeVar("T")


def run_bounded(function: Callable[[], T], seconds: float) -> T:
    """What `function` returns or raises; TimeoutError if it takes longer than that.

    It runs in a thread of its own, in the caller's language. One that is late goes on in the background, and its result
    is dropped.
    """
    return _start(function).result(max(seconds, 0))


def run_together(functions: Sequence[Callable[[], T]], seconds: float, otherwise: Callable[[OSError], T]) -> list[T]:
    """What each of them returns, all running at once; `otherwise` speaks for one that is late or raises OSError."""
    deadline = time.monotonic() + seconds
    started = [_attempt(function) for function in functions]
    return [_outcome(future, deadline, otherwise) for future in started]


def _attempt(function: Callable[[], T]) -> "Future[T]":
    try:
        return _start(function)
    except OSError as error:
        failed: Future[T] = Future()
        failed.set_exception(error)
        return failed


def _outcome(future: "Future[T]", deadline: float, otherwise: Callable[[OSError], T]) -> T:
    try:
        return future.result(max(deadline - time.monotonic(), 0))
    except OSError as error:  # TimeoutError is one
        return otherwise(error)


def _start(function: Callable[[], T]) -> "Future[T]":
    future: Future[T] = Future()
    # A daemon, so that what never ends doesn't keep the process from ending.
    arguments = (function, future, translation.get_language())
    thread = threading.Thread(target=_run, args=arguments, name="bounded", daemon=True)
    try:
        thread.start()
    except RuntimeError as error:  # there are no more threads; callers are ready for what a system refuses
        raise OSError(str(error)) from error
    return future


def _run(function: Callable[[], T], future: Future[T], language: str | None) -> None:
    try:
        with translation.override(language):
            future.set_result(function())
    except BaseException as error:  # whatever it is, it belongs to the caller
        future.set_exception(error)
