"""A test email that goes wrong: how tests check the step, the advice, and that it ends in time (S-21)."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from mailconfig import diagnosis
from mailconfig.diagnosis import Outcome
from mailconfig.smtp import ServerSettings
from tests.sessions import RECIPIENT

FROM: Final[dict[str, Any]] = {"from_email": "site@example.com", "timeout": 10}
ACCOUNT: Final[dict[str, Any]] = {"auth_method": "plain", "username": "me@example.com", "password": "secret"}

Expected = tuple[str, str]
"""The step that fails, and the id of the advice."""


def check(server: ServerSettings, step: str, expected: str, recipient: str = RECIPIENT) -> Outcome:
    outcome = in_time(server, recipient)
    assert found(outcome) == (step, expected), outcome.error
    return outcome


def check_together(situations: Mapping[str, tuple[ServerSettings, Expected]]) -> None:
    """Those in which somebody waits, all at the same time."""
    with ThreadPoolExecutor(len(situations)) as pool:
        outcomes = pool.map(in_time, [server for server, _expected in situations.values()])
        seen = dict(zip(situations, map(found, outcomes), strict=True))
    assert seen == {name: expected for name, (_server, expected) in situations.items()}


def in_time(server: ServerSettings, recipient: str = RECIPIENT) -> Outcome:
    started = time.monotonic()
    outcome = diagnosis.run(server, recipient)
    assert time.monotonic() - started < server.timeout + 5
    return outcome


def found(outcome: Outcome) -> Expected:
    return outcome.steps[-1].name, outcome.advice.id if outcome.advice else "delivered"
