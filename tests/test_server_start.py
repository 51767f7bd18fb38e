"""All workers of one server have one name for its start, whoever made them; another server has another name."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import urlopen

import pytest

from mailconfig import server_start

ROOT = Path(__file__).resolve().parent.parent
TELL = "import os; from mailconfig import server_start; print(server_start.name(), flush=True)\n"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


def output_of(*arguments: str) -> list[str]:
    command = [sys.executable, *arguments]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_a_process_keeps_its_name() -> None:
    assert server_start.name() == server_start.name()


def test_two_plain_processes_have_two_names() -> None:
    assert output_of("-c", TELL) != output_of("-c", TELL)


def test_a_command_that_another_program_runs_has_its_own_name() -> None:
    assert output_of("-c", TELL) != [server_start.name()]


def test_threads_share_the_name() -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(server_start.name).result() == server_start.name()


@needs_proc
@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_workers_made_by_multiprocessing_share_the_name(method: str, tmp_path: Path) -> None:
    """As uvicorn starts its workers; and a worker of a worker belongs to the same server."""
    script = tmp_path / "serve.py"
    script.write_text(
        "import multiprocessing, os, sys\n"
        "from mailconfig import server_start\n"
        "def tell():\n"
        "    os.write(1, f'{server_start.name()}\\n'.encode())  # in one piece, as others write too\n"
        "def work(depth):\n"
        "    tell()\n"
        "    if depth:\n"
        "        start(depth - 1)\n"
        "def start(depth):\n"
        "    workers = [multiprocessing.get_context(sys.argv[1]).Process(target=work, args=[depth]) for _ in 'ab']\n"
        "    [worker.start() for worker in workers]\n"
        "    [worker.join() for worker in workers]\n"
        "if __name__ == '__main__':\n"
        "    tell()\n"
        f"    start({0 if method == 'forkserver' else 1})\n"
    )
    names = output_of(str(script), method)
    assert len(names) == (3 if method == "forkserver" else 7)
    assert len(set(names)) == 1


@needs_proc
def test_the_reloader_of_runserver_and_its_child_share_the_name(tmp_path: Path) -> None:
    script = tmp_path / "manage.py"
    script.write_text(
        TELL + "from django.conf import settings\n"
        "from django.core.management import execute_from_command_line\n"
        "urlpatterns = []\n"
        "settings.configure(DEBUG=True, ROOT_URLCONF=__name__, SECRET_KEY='x')\n"
        "execute_from_command_line()\n"
    )
    # A person types "python", the reloader starts its child as sys.executable.
    command = ["python", str(script), "runserver", "127.0.0.1:0"]
    path = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    with subprocess.Popen(
        command,
        executable=sys.executable,
        env=ENVIRONMENT | path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as server:
        assert server.stdout
        names = [server.stdout.readline().strip() for _process in range(2)]
        os.killpg(server.pid, signal.SIGKILL)
    assert names[0] == names[1]
    assert f".{server.pid}." in names[0]


@needs_proc
def test_the_workers_of_gunicorn_share_the_name_of_their_master(tmp_path: Path) -> None:
    (tmp_path / "site_of_test.py").write_text(
        "import json, os, time\n"
        "from mailconfig import server_start\n"
        "def application(environ, start_response):\n"
        "    time.sleep(0.05)\n"
        "    start_response('200 OK', [])\n"
        "    return [json.dumps([os.getpid(), server_start.name()]).encode()]\n"
    )
    command = [sys.executable, "-m", "gunicorn", "-w", "2", "-b", "127.0.0.1:0", "site_of_test"]
    with subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True) as master:
        try:
            assert master.stderr
            url = next(found[0] for line in master.stderr if (found := re.search(r"http://\S+", line)))
            answers = ask_until_two_workers_answered(url)
        finally:
            master.terminate()
            master.communicate(timeout=30)
    assert {name for _pid, name in answers} == {next(iter(answers))[1]}
    assert f".{master.pid}." in next(iter(answers))[1]


def ask_until_two_workers_answered(url: str) -> set[tuple[int, str]]:
    def ask(_number: int) -> tuple[int, str]:
        with urlopen(url, timeout=10) as response:
            pid, name = json.load(response)
            return pid, name

    answers: set[tuple[int, str]] = set()
    deadline = time.monotonic() + 20
    with ThreadPoolExecutor(4) as pool:
        while len({pid for pid, _name in answers}) < 2:
            assert time.monotonic() < deadline, "only one worker ever answered"
            answers.update(pool.map(ask, range(4)))
    return answers


@needs_proc
@pytest.mark.parametrize(
    ("master", "worker", "shared"),
    [
        ("gunicorn: master [app]", "gunicorn: worker [app]", True),
        ("(wsgi:site)", "(wsgi:other)", False),
    ],
)
def test_titles_set_by_setproctitle(master: str, worker: str, shared: bool) -> None:
    """gunicorn overwrites the arguments of its processes where setproctitle is installed."""
    start_worker = (
        TELL + "import subprocess, sys\n"
        f"subprocess.run([{worker!r}, '-c', {TELL!r}], executable={sys.executable!r}, check=True)\n"
    )
    # Python finds its library by the name it was called by, so it has to be told here.
    home = {"PYTHONHOME": f"{sys.base_prefix}", "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), *sys.path]))}
    command = [master, "-c", start_worker]
    done = subprocess.run(
        command, executable=sys.executable, env=ENVIRONMENT | home, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    own, workers = done.stdout.split()
    assert (own == workers) is shared


def test_without_proc_a_process_has_its_own_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_start, "PROC", tmp_path)
    assert f".{os.getpid()}." in server_start.name()
    assert server_start.name() == server_start.name()


def test_without_proc_no_server_is_declared_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_start, "PROC", tmp_path)
    assert not server_start.is_gone(server_start.name())


def test_a_running_server_is_not_gone() -> None:
    assert not server_start.is_gone(server_start.name())


@needs_proc
def test_a_server_that_ended_is_gone() -> None:
    (name,) = output_of("-c", TELL)
    assert server_start.is_gone(name)


@needs_proc
def test_a_server_is_gone_when_another_process_got_its_number() -> None:
    host, pid, started = server_start.name().split(".")
    assert server_start.is_gone(f"{host}.{pid}.{int(started) - 1}")


@pytest.mark.parametrize("name", ["another-machine.1.1", "", "x", "a.b.c", "..", "another-machine.99999999.1"])
def test_what_is_not_of_this_machine_is_left_alone(name: str) -> None:
    assert not server_start.is_gone(name)
