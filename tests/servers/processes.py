"""Many processes of one site, which all begin at the same moment."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
PREPARE: Final = """
import json, sys
import django
django.setup()
given = json.loads(sys.argv[1])
def answer(value):
    print(json.dumps(value), flush=True)
"""
WAIT: Final = """
print("ready", flush=True)
sys.stdin.readline()
"""
LONGEST: Final = 120


@dataclass(frozen=True)
class Ended:
    status: int
    answer: Any
    """What it gave to `answer(...)`, or None."""
    errors: str


class Site:
    """The project of the tests on a database of its own, in processes."""

    def __init__(self, database_url: str, settings: str = "tests.settings") -> None:
        self._own = {"DJANGO_SETTINGS_MODULE": settings, "DATABASE_URL": database_url, "PYTHONPATH": str(ROOT)}

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **self._own}

    def migrate(self) -> None:
        command = [sys.executable, "-m", "django", "migrate", "--verbosity=0"]
        subprocess.run(command, env=self.environment, cwd=ROOT, timeout=LONGEST, check=True)

    def run(self, script: str, **given: Any) -> Ended:
        """A script in one process: it has `given`, a dictionary, and tells what it found by `answer(...)`."""
        return self.run_at_once(script, [given])[0]

    def run_at_once(self, script: str, each_given: Sequence[Mapping[str, Any]], prepare: str = "") -> list[Ended]:
        """As many processes as there are dictionaries; all go on from `prepare` to the script at the same moment."""
        program = PREPARE + prepare + WAIT + script
        with ExitStack() as running:
            processes = [running.enter_context(self._process(program, given)) for given in each_given]
            for process in processes:
                assert process.stdout
                assert process.stdout.readline() == "ready\n", process.communicate(timeout=LONGEST)
            for process in processes:
                assert process.stdin
                process.stdin.write("go\n")
                process.stdin.flush()
            return [_ended(process) for process in processes]

    def _process(self, program: str, given: Mapping[str, Any]) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", program, json.dumps(given)]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, env=self.environment, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )


def _ended(process: "subprocess.Popen[str]") -> Ended:
    out, errors = process.communicate(timeout=LONGEST)
    return Ended(process.returncode, json.loads(out) if out else None, errors)
