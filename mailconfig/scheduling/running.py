"""Runs due jobs: claims one, hands it to django.tasks where there is such a thing, and notes how it ended."""

import logging
import os
import secrets
import socket
import threading
from datetime import timedelta
from importlib.util import find_spec
from typing import Any, Final

import django
from django.db import DatabaseError, connections, router
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from mailconfig.storable import storable

from . import due
from .jobs import REGISTERED, Job, JobFailed
from .models import Outcome, ScheduledJob
from .signals import job_failed, job_late

logger = logging.getLogger("mailconfig.scheduling")
HAS_TASKS: Final = django.VERSION >= (6, 0) or find_spec("django_tasks") is not None
AGAIN_AFTER: Final = timedelta(minutes=1)
"""When a job is handed over again that the task engine did not take."""


def rows() -> list[ScheduledJob]:
    """Those of the registered jobs; what has no row yet gets one."""
    found = {row.name: row for row in ScheduledJob.objects.filter(name__in=REGISTERED)}
    for name in REGISTERED.keys() - found.keys():
        found[name] = _new(REGISTERED[name])
    return [found[name] for name in sorted(found)]


def _new(job: Job) -> ScheduledJob:
    now = timezone.now()
    defaults = {"every": job.minutes, "at": job.at, "next_run": due.first_run(now, job.every, job.at)}
    return ScheduledJob.objects.get_or_create(name=job.name, defaults=defaults)[0]


def run_due(stop: threading.Event | None = None) -> list[str]:
    """Start what is due, one after the other; the names of the jobs that this process started.

    Raises DatabaseError.
    """
    started = []
    for row in rows():
        if stop and stop.is_set():
            break
        _tell_if_late(row)
        if row.is_due(timezone.now()) and start(row):
            started.append(row.name)
    return started


def run_on_tick(stop: threading.Event, **_signal: Any) -> list[str]:
    """As `run_due`, for a worker, which carries on whatever happens to the database."""
    try:
        return run_due(stop)
    except DatabaseError as error:
        logger.warning("The database fails, scheduled jobs wait: %s", error)
        connections[router.db_for_write(ScheduledJob)].close()
        return []


def start(row: ScheduledJob) -> bool:
    """Claim a job as it was read and have it run; False if somebody else runs it or has just done so.

    Of many who try at once, one succeeds: the UPDATE finds the row as it was read only for the first of them.
    """
    now, token, job = timezone.now(), secrets.token_hex(16), row.job
    if job is None or not row.is_free(now):
        return False
    as_read = ScheduledJob.objects.filter(pk=row.pk, lease=row.lease, next_run=row.next_run)
    if not as_read.update(lease=token, leased_until=now + job.longest, outcome=Outcome.WAITING, detail=""):
        return False
    if row.outcome == Outcome.RUNNING:
        logger.warning("Scheduled job %s: %s had it and ended without a word", row.name, row.host)
    try:
        _hand_over(row.name, token)
    except DatabaseError:
        raise
    except Exception:  # the engine's own
        logger.exception("The task engine did not take the scheduled job %s", row.name)
        _put_off(row, token)
    return True


def _hand_over(name: str, token: str) -> None:
    if HAS_TASKS:
        import_string("mailconfig.scheduling.tasks.run_job").enqueue(name, token)
    else:
        run(name, token)


def _put_off(row: ScheduledJob, token: str) -> None:
    error = _("The task engine of this site did not take the job. It is tried again every minute.")
    until = timezone.now() + AGAIN_AFTER
    mine = ScheduledJob.objects.filter(pk=row.pk, lease=token)
    if mine.update(leased_until=until, outcome=Outcome.FAILED, detail=error) and row.outcome != Outcome.FAILED:
        _tell_failed(row.name, error)


def run(name: str, token: str) -> None:
    """Run a job that was claimed with this token, unless somebody else has it by now. Raises DatabaseError."""
    job, own_token, now = REGISTERED[name], secrets.token_hex(16), timezone.now()
    host = f"{socket.gethostname()}, {os.getpid()}"
    # An engine may deliver a task twice, or so late that the claim has run out: the token can be used once.
    begun = {"lease": own_token, "leased_until": now + job.longest, "last_run": now, "outcome": Outcome.RUNNING}
    if not ScheduledJob.objects.filter(name=name, lease=token).update(**begun, host=host):
        return
    outcome, detail = _try(job, host)
    _end(name, own_token, outcome, detail)


def _try(job: Job, host: str) -> tuple[Outcome, str]:
    try:
        return Outcome.OK, job.run()
    except JobFailed as failure:
        logger.error("Scheduled job %s: %s", job.name, failure)
        return Outcome.FAILED, str(failure)
    except Exception as error:
        logger.exception("Scheduled job %s failed", job.name)
        # The words of an error that nobody has foreseen may hold a secret (S-2).
        text = _("It was stopped by an error: %(kind)s. The log of %(host)s has the details.")
        return Outcome.FAILED, text % {"kind": type(error).__name__, "host": host}


def _end(name: str, token: str, outcome: Outcome, detail: str) -> None:
    row, now = ScheduledJob.objects.get(name=name), timezone.now()
    told = {"last_finished": now, "outcome": outcome, "detail": storable(detail), "told_late": False}
    mine = ScheduledJob.objects.filter(name=name, lease=token)
    ended = mine.update(lease="", leased_until=None, next_run=row.following_run(now), **told)
    if ended and outcome == Outcome.FAILED:
        _tell_failed(name, detail)


def _tell_failed(name: str, error: str) -> None:
    job_failed.send_robust(ScheduledJob, job=ScheduledJob.objects.get(name=name), error=error)


def _tell_if_late(row: ScheduledJob) -> None:
    """Once, whoever notices it first."""
    if row.told_late or not row.is_late(timezone.now()):
        return
    untold = ScheduledJob.objects.filter(pk=row.pk, next_run=row.next_run, told_late=False)
    if untold.update(told_late=True):
        logger.error("Scheduled job %s did not run in time, it was due at %s", row.name, row.next_run.isoformat())
        job_late.send_robust(ScheduledJob, job=row)
