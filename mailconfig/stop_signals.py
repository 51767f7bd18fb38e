"""How a command that runs until it is stopped learns of Ctrl-C and SIGTERM."""

import signal
import threading


def stopped_by_signals() -> threading.Event:
    """Set by SIGINT or SIGTERM from now on, which then interrupt nothing. To be called in the main thread."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_signal: stop.set())
    return stop
