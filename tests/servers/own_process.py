"""A server in a process of its own that prints its port and lives as long as its standard input."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent.parent


@contextmanager
def port_of(command: Sequence[str], folder: Path, **environment: str) -> Iterator[str]:
    """It ends with the `with`, and also when the tests are killed. Its log is in the folder, and printed."""
    with (
        (folder / "log").open("w") as log,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        assert process.stdout
        try:
            port = process.stdout.readline().strip()
            assert port, "It does not start."
            yield port
        finally:
            print((folder / "log").read_text())  # noqa: T201 - pytest shows it when a test fails
