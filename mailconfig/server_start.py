"""Which start of the server this process belongs to: a name that all its worker processes share."""

import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

PROC: Final = Path("/proc")
_LOADED_AT: Final = time.time_ns()


class Process(NamedTuple):
    """A running process, as /proc describes it."""

    pid: int
    parent: int
    started: int
    program: str
    arguments: list[str]


def name() -> str:
    """The same in all workers of one server, another one after its restart; fit for the name of a file."""
    pid = _multiprocessing_parent()
    own = _process(pid or os.getpid())
    if own:
        first = _first_of_the_same_program(own)
        return _name(first.pid, first.started)
    return _name(pid or os.getpid(), 0 if pid else _LOADED_AT)


def is_gone(name: str) -> bool:
    """Whether the server of that name has ended; False if that can't be known from here."""
    host, _dash, rest = name.partition(".")
    pid, _dash, started = rest.partition(".")
    known = host == _host() and _process(os.getpid()) and pid.isdigit() and started.isdigit()
    if not known:
        return False
    process = _process(int(pid))
    return process is None or process.started != int(started)


def _name(pid: int, started: int) -> str:
    return f"{_host()}.{pid}.{started}"


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9-]", "_", socket.gethostname())


def _multiprocessing_parent() -> int | None:
    """Asked of multiprocessing itself, as /proc names its fork server instead."""
    from multiprocessing.process import parent_process  # 4 ms, needless while no public address is wanted

    parent = parent_process()
    return parent.pid if parent else None


def _first_of_the_same_program(process: Process) -> Process:
    for parent in _ancestors(process):
        if not _is_worker_of(process, parent):
            break
        process = parent
    return process


def _ancestors(process: Process) -> Iterator[Process]:
    while parent := _process(process.parent):
        yield parent
        process = parent


def _is_worker_of(process: Process, parent: Process) -> bool:
    """A fork has its parent's arguments, unless setproctitle changed them or multiprocessing or autoreload made it."""
    if process.arguments == parent.arguments or "--multiprocessing-fork" in process.arguments:
        return True
    if _is_titled_gunicorn(process) and _is_titled_gunicorn(parent):
        return True
    # runserver starts itself once more as sys.executable, which needn't be the name a person typed.
    same = process.program == parent.program and process.arguments[1:] == parent.arguments[1:]
    return same and len(process.arguments) > 1


def _is_titled_gunicorn(process: Process) -> bool:
    return process.arguments[0].startswith("gunicorn: ")


def _process(pid: int) -> Process | None:
    """None if there is no such process, or no /proc."""
    folder = PROC / str(pid)
    try:
        # The second field is the program's name in parentheses, which may itself hold spaces and parentheses.
        fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
        arguments = (folder / "cmdline").read_text(errors="replace").rstrip("\0").split("\0")
        return Process(pid, int(fields[1]), int(fields[19]), _program(folder), arguments)
    except (OSError, ValueError, IndexError):
        return None


def _program(folder: Path) -> str:
    try:
        return str((folder / "exe").readlink())
    except OSError:  # another user's process; two of those are not taken for the same
        return str(folder)
