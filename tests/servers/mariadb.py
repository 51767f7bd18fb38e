"""A MariaDB of its own, on a socket in a temporary folder."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.missing_tools import program


@contextmanager
def mariadb() -> Iterator[str]:
    """Its DATABASE_URL, while it runs."""
    with tempfile.TemporaryDirectory(prefix="mariadb-") as name:
        folder = Path(name)
        user = _user_for(folder)
        options = [f"--datadir={folder / 'data'}", *user]
        _call("mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal", *options)
        path = folder / "socket"
        options += [f"--socket={path}", "--skip-networking", "--character-set-server=utf8mb4"]
        options += ["--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0"]  # nobody pulls its plug
        with subprocess.Popen([program("mariadbd"), "--no-defaults", *options], stderr=subprocess.DEVNULL) as process:
            try:
                wait_for_socket(path)
                yield f"mysql://root@localhost/mailconfig?unix_socket={path}"
            finally:
                process.terminate()


def create_database(url: str) -> None:
    """The one that the URL names, empty; pytest-django makes its own."""
    path = url.partition("unix_socket=")[2]
    statement = "SET foreign_key_checks = 0; CREATE OR REPLACE DATABASE mailconfig"
    _call("mariadb", "--no-defaults", f"--socket={path}", "--user=root", f"--execute={statement}")


def _user_for(folder: Path) -> list[str]:
    """MariaDB refuses to run as root, and then wants a user whose folder it is."""
    if os.geteuid() != 0:
        return []
    shutil.chown(folder, "mysql")
    return ["--user=mysql"]


def _call(name: str, *options: str) -> None:
    subprocess.run([program(name), *options], capture_output=True, check=True)


def wait_for_socket(path: Path, seconds: float = 30) -> None:
    """Until a server listens there."""
    until = time.monotonic() + seconds
    with socket.socket(socket.AF_UNIX) as client:
        while client.connect_ex(str(path)):
            if time.monotonic() > until:
                raise TimeoutError(f"Nobody listens at {path}")
            time.sleep(0.05)
