"""A Redis of its own, on a socket in a temporary folder; it keeps nothing on disk."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.missing_tools import program
from tests.servers.mariadb import wait_for_socket


@contextmanager
def redis() -> Iterator[str]:
    """Its URL, while it runs."""
    with tempfile.TemporaryDirectory(prefix="redis-") as name:
        path = Path(name) / "socket"
        options = ["--port", "0", "--unixsocket", str(path), "--dir", name, "--save", ""]
        with subprocess.Popen([program("redis-server"), *options], stdout=subprocess.DEVNULL) as process:
            try:
                wait_for_socket(path)
                yield f"unix://{path}?db=0"
            finally:
                process.terminate()
