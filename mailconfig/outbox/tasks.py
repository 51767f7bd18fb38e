"""Delivery and tidying as tasks, on whatever engine the project has for them. Imported only where there is one."""

from dataclasses import asdict

from oauthconnections.background import task

from .retention import tidy_up
from .working import Delivering


@task()
def deliver() -> dict[str, int]:
    """Deliver what is due."""
    return asdict(Delivering().once())


@task()
def tidy() -> dict[str, int]:
    """Delete what has been kept long enough."""
    return tidy_up()
