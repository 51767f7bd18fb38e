"""Decides what becomes of a message after an attempt, and of a queue after a failure. No clock, no database."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from mailconfig.pipelining import Answer

from .models import ServerQueue, State

FIRST: Final = timedelta(minutes=1)
LONGEST: Final = timedelta(hours=4)
LOGIN_FIRST: Final = timedelta(minutes=15)
"""After a refused login: tried again seldom, for many servers lock the account of who tries often."""
PROBE_LONGEST: Final = timedelta(minutes=15)
"""A server that can't be reached costs one connection to ask for, and mail shall not wait long once it is back."""

NEEDS_LOGIN: Final = (530, 534, 535, 538)
"""Replies of a server that doesn't refuse the message but us."""


@dataclass(frozen=True)
class Decision:
    """`final` are the recipients whose fate is settled, with the last word on each."""

    state: State
    due_at: datetime | None = None
    final: dict[str, Answer] = field(default_factory=dict)
    reason: str = ""


def decide(
    answers: Mapping[str, Answer],
    *,
    attempt: int,
    created_at: datetime,
    now: datetime,
    give_up_after: timedelta,
    some_have_it: bool = False,
) -> Decision:
    """After the given attempt (1 is the first), in which each recipient still to be served got an answer."""
    refused = {who: answer for who, answer in answers.items() if not is_accepted(answer)}
    for_now = {who for who, answer in refused.items() if not answer.is_permanent}
    due_at = now + pause(attempt)
    if for_now and due_at < created_at + give_up_after:
        final = {who: answer for who, answer in answers.items() if who not in for_now}
        return Decision(State.QUEUED, due_at, final, describe(refused))
    delivered = some_have_it or len(refused) < len(answers)
    return Decision(State.SENT if delivered else State.FAILED, None, dict(answers), describe(refused))


def is_accepted(answer: Answer) -> bool:
    return 200 <= answer.code < 300


def describe(refused: Mapping[str, Answer]) -> str:
    """Each reason once, with whom it concerns if there are several."""
    reasons = dict.fromkeys(map(str, refused.values()))
    if len(reasons) <= 1:
        return next(iter(reasons), "")
    return "\n".join(f"{who}: {answer}" for who, answer in refused.items())


def pause(attempt: int, first: timedelta = FIRST, longest: timedelta = LONGEST) -> timedelta:
    """Doubled each time, up to a quarter more so that what failed together does not come back together."""
    doubled: timedelta = min(first * 2 ** min(attempt - 1, 30), longest)
    jitter: float = random.uniform(1, 1.25)  # noqa: S311 - no secret
    return min(doubled * jitter, longest)


def hold(trouble: ServerQueue.Trouble, failures: int, now: datetime) -> datetime:
    """Until when a queue waits after so many failures in a row of this kind."""
    if trouble == ServerQueue.Trouble.CONNECTION:
        return now + pause(failures, longest=PROBE_LONGEST)
    return now + pause(failures, first=LOGIN_FIRST)


def refuses_us(answers: Iterable[Answer]) -> Answer | None:
    """The answer of a server that wants a login before it takes anything, or None."""
    return next((answer for answer in answers if answer.code in NEEDS_LOGIN), None)
