"""A project whose outbox is filled at once with copies of one finished message, on SQLite or PostgreSQL."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import django
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.db import connection, connections

from tests.servers.postgresql import postgresql

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper

    from mailconfig.outbox.models import QueuedMessage

BODY: Final = "All work and no play makes Jack a dull boy, says this line.\n" * 84  # 5 KB
COLUMNS: Final = (
    "alias, state, priority, created_at, due_at, lease, attempts, uncertain, finished_at, sender, recipients, subject, "
    "message_id, size, outcomes, reason"
)


@contextmanager
def outbox_project(port: int | None = None) -> Iterator[Path]:
    """Django, set up and migrated; BENCHMARK_DATABASE=postgresql chooses that. The peers send to the port."""
    with TemporaryDirectory() as folder, ExitStack() as running:
        url = f"sqlite:///{folder}/db.sqlite3"
        if os.environ.get("BENCHMARK_DATABASE") == "postgresql":
            url = running.enter_context(postgresql(durable=True))
        os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings_of_outbox"
        os.environ["DATABASE_URL"] = url
        if port:
            os.environ["SINK_PORT"] = str(port)
        django.setup()
        call_command("migrate", verbosity=0)
        try:
            yield Path(folder)
        finally:
            connections.close_all()


def message() -> EmailMessage:
    return EmailMessage("Your order", BODY, "shop@example.com", ["customer@example.com"])


def copies(template: "QueuedMessage", count: int, changes: Callable[[str], str] = str) -> None:
    """So many more rows like one, made by the database itself; `changes` rewrites the list of selected columns."""
    selected = changes(COLUMNS)
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
    with connection.cursor() as cursor:
        last = _last(cursor)
        cursor.execute(
            f"INSERT INTO outbox_queuedmessage ({COLUMNS}) {numbers} "
            f"SELECT {selected} FROM n, outbox_queuedmessage WHERE id = %s",
            [template.pk],
        )
        cursor.execute(
            "INSERT INTO outbox_messagecontent (message_id, data) SELECT m.id, c.data FROM outbox_queuedmessage m, "
            "outbox_messagecontent c WHERE c.message_id = %s AND m.id > %s",
            [template.pk, last],
        )
        if connection.vendor == "postgresql":
            cursor.execute("ANALYZE")


def _last(cursor: "CursorWrapper") -> int:
    cursor.execute("SELECT max(id) FROM outbox_queuedmessage")
    return int(cursor.fetchone()[0])
