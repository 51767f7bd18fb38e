"""Jobs that only tests have, and the rows they run by."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from mailconfig.scheduling import jobs, running
from mailconfig.scheduling.jobs import Job
from mailconfig.scheduling.models import ScheduledJob

AddJob = Callable[..., ScheduledJob]


def add_job(monkeypatch: pytest.MonkeyPatch, task: Any, name: str = "job", **fields: Any) -> ScheduledJob:
    """Register a job until the end of the test; its row is due since a minute ago, unless `fields` say otherwise."""
    monkeypatch.setitem(jobs.REGISTERED, name, Job(name, f"Job {name}", task, timedelta(hours=1)))
    running.rows()
    ScheduledJob.objects.filter(name=name).update(**{"next_run": timezone.now() - timedelta(minutes=1), **fields})
    return ScheduledJob.objects.get(name=name)
