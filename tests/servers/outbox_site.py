"""A site in a process of its own that queues mail, and starts workers by forking: at once, so that many can be killed.

It is told what to do by a line of JSON each, and answers by one.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Self

ROOT: Final = Path(__file__).resolve().parent.parent.parent


class OutboxSite:
    """Used as a context: the tables are made, and at its end all workers are killed. `options` are the outbox's.

    `environment` may name other settings.
    """

    def __init__(self, database_url: str, environment: Mapping[str, str] | None = None, **options: Any) -> None:
        self._environment = {
            **os.environ,
            "DATABASE_URL": database_url,
            "DJANGO_SETTINGS_MODULE": "tests.settings_of_outbox",
            "MAILCONFIG_OUTBOX": json.dumps(options),
            "PYTHONPATH": str(ROOT),
            **(environment or {}),
        }
        self.workers: list[int] = []

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.servers.outbox_site"]
        self._process = subprocess.Popen(
            command, env=self._environment, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._ask("migrate")
        return self

    def __exit__(self, *_error: object) -> None:
        for pid in self.workers:
            os.kill(pid, signal.SIGKILL)
        self._process.stdin.close()  # type: ignore[union-attr]
        self._process.wait(30)
        self._process.stdout.close()  # type: ignore[union-attr]

    def _ask(self, what: str, *values: object) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps([what, *values]), file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())

    def configure(self, **fields: object) -> None:
        self._ask("configure", fields)

    def allow(self, connections: int) -> None:
        """At once, of all workers; those that were killed count for a minute."""
        self._ask("allow", connections)

    def queue(self, count: int) -> list[str]:
        """Their Message-IDs."""
        ids: list[str] = self._ask("queue", count)
        return ids

    def states(self) -> dict[str, int]:
        found: dict[str, int] = self._ask("states")
        return found

    def execute(self, sql: str) -> list[list[str]]:
        """The rows that it returns, if any."""
        rows: list[list[str]] = self._ask("execute", sql)
        return rows

    def start(self) -> int:
        pid: int = self._ask("start")
        self.workers.append(pid)
        return pid

    def kill(self, pid: int, number: int = signal.SIGKILL) -> None:
        os.kill(pid, number)
        self.workers.remove(pid)

    def manage(self, *arguments: str) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "django", *arguments]
        return subprocess.Popen(command, env=self._environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def wait_until(reached: Callable[[], bool], seconds: float = 60) -> bool:
    until = time.monotonic() + seconds
    while not (fine := reached()) and time.monotonic() < until:
        time.sleep(0.01)
    return fine


# --- inside of the process ---


def main() -> None:
    import django

    django.setup()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the workers
    from django.db import connections

    for line in sys.stdin:
        what, *values = json.loads(line)
        answer = _ACTIONS[what](*values)
        connections.close_all()  # a forked worker must not share them
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _migrate() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def _configure(fields: dict[str, object]) -> None:
    from mailconfig.models import MailServer

    MailServer.objects.update_or_create(alias="default", defaults=fields)


def _allow(connections: int) -> None:
    from mailconfig.outbox.models import ServerQueue

    ServerQueue.objects.update_or_create(alias="default", defaults={"connections": connections})


def _queue(count: int) -> list[str]:
    from django.core.mail import EmailMessage

    from mailconfig.outbox.backends import QueuedEmailBackend
    from mailconfig.outbox.models import QueuedMessage

    one = EmailMessage("Hello", "Hi", "me@example.com", ["you@example.com"])
    assert QueuedEmailBackend(alias="default").send_messages(one for _number in range(count)) == count
    newest = QueuedMessage.objects.order_by("-pk").values_list("message_id", flat=True)
    return list(newest[:count])


def _states() -> dict[str, int]:
    from mailconfig.outbox.models import QueuedMessage

    return Counter(QueuedMessage.objects.values_list("state", flat=True))


def _execute(sql: str) -> list[list[str]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql)
        return [list(map(str, row)) for row in cursor.fetchall()] if cursor.description else []


def _start() -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.dup2(0, 1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        from django.core.management import call_command

        call_command("deliver_mail")
    finally:
        os._exit(0)


_ACTIONS: Final[dict[str, Callable[..., Any]]] = {
    "migrate": _migrate,
    "configure": _configure,
    "allow": _allow,
    "queue": _queue,
    "states": _states,
    "execute": _execute,
    "start": _start,
}

if __name__ == "__main__":
    main()
