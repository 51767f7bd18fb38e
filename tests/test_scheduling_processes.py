"""Scheduled jobs on two hosts, that is in two processes on one database: each run happens on one of them."""

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.servers.postgresql import postgresql
from tests.servers.processes import Site

pytestmark = pytest.mark.slow

JOBS: Final = 20
HOSTS: Final = """
import io, json, os, signal, sys, time
from datetime import timedelta
from functools import partial
from pathlib import Path
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from mailconfig.scheduling import jobs, running
from mailconfig.scheduling.models import ScheduledJob

folder = Path(given["folder"])

def note(name, kind="run"):
    (folder / f"{kind}-{name}-{os.getpid()}-{time.monotonic_ns()}").touch()

def noted(kind):
    return [file.name.split("-")[1] for file in sorted(folder.glob(f"{kind}-*"))]

def work(name):
    note(name)
    time.sleep(0.02)  # so that the other host gets its share

def die_at_first(name):
    note(name)
    if len(noted("run")) == 1:
        os.kill(os.getpid(), signal.SIGKILL)

def make_due(count, task):
    jobs.REGISTERED.clear()
    ScheduledJob.objects.all().delete()
    for number in range(count):
        name = f"{number:02}"
        jobs.register(jobs.Job(name, name, partial(task, name), timedelta(hours=1)))
    running.rows()
    ScheduledJob.objects.update(next_run=timezone.now() - timedelta(minutes=1))
    connection.close()  # no host must share it

def host(act):
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        sys.stdout = io.StringIO()
        act()
        status = 0
    except SystemExit as end:
        status = end.code or 0
    finally:
        os._exit(status)

def wait_for(count):
    until = time.monotonic() + 60
    while len(noted("run")) < count and time.monotonic() < until:
        time.sleep(0.02)

def ends(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def create(model):
    if model._meta.db_table not in connection.introspection.table_names():
        with connection.schema_editor() as editor:
            editor.create_model(model)

create(ScheduledJob)
"""
TWO_UNTIL_STOPPED: Final = """
def run_scheduled():
    try:
        call_command("run_scheduled", "--json")
    finally:
        for job in json.loads(sys.stdout.getvalue())["jobs"]:
            note(job["name"], kind=job["outcome"])

make_due(given["count"], work)
pids = [host(run_scheduled) for _host in range(2)]
wait_for(given["count"])
for pid in pids:
    os.kill(pid, signal.SIGTERM)
answer({"ends": [ends(pid) for pid in pids], "runs": noted("run"), "told": noted("ok")})
"""
WORKER: Final = """
from django.apps import apps
from mailconfig.outbox import working

working.TICK_SECONDS = 0.05
for model in apps.get_app_config("outbox").get_models():
    create(model)
make_due(given["count"], work)
pid = host(partial(call_command, "deliver_mail"))
wait_for(given["count"])
os.kill(pid, signal.SIGTERM)
answer({"end": ends(pid), "runs": noted("run")})
"""
SIX_AT_ONCE: Final = """
make_due(1, work)
for pid in [host(running.run_due) for _host in range(6)]:
    ends(pid)
answer(noted("run"))
"""
KILLED: Final = """
make_due(1, die_at_first)
state = lambda: ScheduledJob.objects.values_list("outcome", flat=True).get()
found = {"end": ends(host(running.run_due)), "state": state(), "while leased": running.run_due()}
ScheduledJob.objects.update(leased_until=timezone.now())
found |= {"after": running.run_due(), "runs": noted("run"), "last state": state()}
answer(found)
"""

ENGINE: Final = """
from django_tasks_db.models import DBTaskResult

create(DBTaskResult)
make_due(given["count"], work)
outcomes = lambda: sorted(ScheduledJob.objects.values_list("outcome", flat=True))
ends(host(running.run_due))
before = outcomes()
connection.close()
worker = partial(call_command, "db_worker", batch=True, startup_delay=False, reload=False, verbosity=0)
found = {"ends": [ends(pid) for pid in [host(worker), host(worker)]]}
answer({**found, "before": before, "after": outcomes(), "runs": noted("run")})
"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('scheduled') / 'db.sqlite3'}"
        return
    with postgresql() as url:
        yield url


@pytest.fixture
def site(database_url: str) -> Site:
    return Site(database_url)


def ran(site: Site, script: str, folder: Path, count: int = 1) -> Any:
    """What a script answers whose hosts are processes that it forks."""
    ended = site.run(HOSTS + script, folder=str(folder), count=count)
    assert ended.status == 0, ended.errors
    return ended.answer


def test_two_hosts_run_each_due_job_once(site: Site, tmp_path: Path) -> None:
    found = ran(site, TWO_UNTIL_STOPPED, tmp_path, JOBS)
    assert set(Counter(found["runs"]).values()) == {1}
    assert len(found["runs"]) == JOBS
    assert sorted(found["told"]) == sorted(found["runs"])
    assert found["ends"] == [0, 0]


def test_a_worker_that_delivers_mail_runs_them_too(site: Site, tmp_path: Path) -> None:
    assert ran(site, WORKER, tmp_path, count=2) == {"end": 0, "runs": ["00", "01"]}


def test_many_at_the_same_moment_run_a_job_once(site: Site, tmp_path: Path) -> None:
    assert ran(site, SIX_AT_ONCE, tmp_path) == ["00"]


def test_the_job_of_a_killed_host_is_run_again_after_its_lease(site: Site, tmp_path: Path) -> None:
    assert ran(site, KILLED, tmp_path) == {
        "end": -signal.SIGKILL,
        "state": "running",
        "while leased": [],
        "after": ["00"],
        "runs": ["00", "00"],
        "last state": "ok",
    }


def test_a_real_task_engine_runs_what_one_host_has_claimed(database_url: str, tmp_path: Path) -> None:
    site = Site(database_url, "tests.settings_with_engine")
    found = ran(site, ENGINE, tmp_path, count=4)
    assert found["ends"] == [0, 0]
    assert found["before"] == ["waiting"] * 4
    assert found["after"] == ["ok"] * 4
    assert sorted(found["runs"]) == ["00", "01", "02", "03"]
