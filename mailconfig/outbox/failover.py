"""Which servers to try for a queue's mail: its own, and the second while that one can't be used."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from threading import Lock
from typing import Final

from .holding import NEEDS_A_PERSON, Trouble, may_go, queue_of, revision
from .models import ServerQueue

STANDS_IN_FOR: Final = (Trouble.CONNECTION, *NEEDS_A_PERSON)
"""A queue that a person has paused waits for that person."""

in_use: Final[defaultdict[str, Lock]] = defaultdict(Lock)
"""By alias: two threads of a worker that use one server, one of them in place of another, would have twice as many
connections as it allows."""


def servers(queue: ServerQueue, clock: Callable[[], datetime]) -> Iterator[ServerQueue]:
    """The queues of the servers to try now, one after the other."""
    if may_go(queue, clock()):
        yield queue
        queue.refresh_from_db()
    if queue.second and queue.trouble in STANDS_IN_FOR and may_go(second := queue_of(queue.second), clock()):
        yield second


def stands_in(queue: ServerQueue) -> str:
    """The alias of the second server if mail goes through it now, else an empty text."""
    held = queue.trouble in STANDS_IN_FOR and queue.second
    free = held and not ServerQueue.objects.filter(alias=queue.second).exclude(trouble=Trouble.NONE).exists()
    return queue.second if free else ""


def is_over(queue: ServerQueue, by: ServerQueue, now: datetime) -> bool:
    """Whether a person has paused the mail or the server meanwhile, or it is time to try the first server again."""
    now_so = {one.pk: one for one in ServerQueue.objects.filter(pk__in=[queue.pk, by.pk])}
    if any(one.trouble == Trouble.BY_HAND for one in now_so.values()):
        return True
    first = now_so.get(queue.pk, queue)
    if by.pk == first.pk:
        return False
    waits = first.held_until and now < first.held_until and first.held_revision == revision(first.alias)
    return first.trouble not in STANDS_IN_FOR or first.second != by.alias or not waits
