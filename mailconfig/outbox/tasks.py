"""Delivery and tidying as tasks, on whatever engine the project has for them. Imported only where there is one."""

from dataclasses import asdict
from datetime import datetime

from django.utils import timezone

from oauthconnections.background import task

from .options import options
from .retention import tidy_up
from .scheduling import next_moment, run_at
from .working import Delivering


@task()
def deliver() -> dict[str, int]:
    """Deliver what is due. On an engine that can start tasks later, it runs again when more will be due."""
    waits = deliver.get_backend().supports_defer
    if waits and next_moment(timezone.now()):
        run_at(timezone.now() + options().lease, _start)  # should this process be killed, its messages are free then
    tally = Delivering().once()
    if waits and (moment := next_moment(timezone.now())):
        run_at(moment, _start)
    return asdict(tally)


def _start(at: datetime) -> None:
    deliver.using(run_after=at).enqueue()


@task()
def tidy() -> dict[str, int]:
    """Delete what has been kept long enough."""
    return tidy_up()
