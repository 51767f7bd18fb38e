"""What others may want to know of the outbox."""

from typing import Final

from django.dispatch import Signal

queue_paused: Final = Signal()
"""Once when a server's queue stops for want of a person: `queue` is the ServerQueue, with `trouble` and `problem`."""

queue_resumed: Final = Signal()
"""Once when mail goes out again after that: `queue` is the ServerQueue."""

message_failed: Final = Signal()
"""A message will not be delivered to anybody: `pk` is that of the QueuedMessage, `reason` the last word."""

worker_tick: Final = Signal()
"""Every few seconds in each worker process, in a thread of its own; `stop` is the event that ends the worker."""
