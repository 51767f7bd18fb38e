"""P3, P4 and P5: draining the outbox against raw smtplib, the peers, Postfix's smtp-source, and over a long way."""

import shutil
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from django.apps import apps
from django.db import connection

from benchmarks import sink
from benchmarks.comparison import Comparison, Effort, effort, report
from benchmarks.outbox_project import copies, message, outbox_project
from benchmarks.slow_link import slow_link

if TYPE_CHECKING:
    from mailconfig.outbox.models import QueuedMessage

SENDER, RECIPIENT = "shop@example.com", "customer@example.com"
SMTP_SOURCE: Final = shutil.which("smtp-source", path="/usr/sbin:/usr/local/sbin:/usr/bin")

Rate = Callable[[int], float]
"""Sends so many messages; messages per second."""


def timed(send: Callable[[int], object]) -> Rate:
    def rate(count: int) -> float:
        started = time.perf_counter()
        send(count)
        return count / (time.perf_counter() - started)

    return rate


class Outbox:
    """Ours, filled from one stored message."""

    def __init__(self) -> None:
        from mailconfig.outbox.backends import QueuedEmailBackend

        QueuedEmailBackend(alias="default").send_messages([message()])
        rows = apps.get_model("outbox", "QueuedMessage")._default_manager
        rows.update(state="sent")
        self.template: QueuedMessage = rows.get()

    @property
    def data(self) -> bytes:
        return bytes(self.template.content.data)

    def drain(self, port: int, connections: int) -> Rate:
        from mailconfig.outbox.delivery import deliver
        from mailconfig.outbox.management.commands.deliver_mail import SWITCH_SECONDS

        def rate(count: int) -> float:
            point_to(port, connections)
            copies(self.template, count, lambda columns: columns.replace("state", "'queued'", 1))
            usual = sys.getswitchinterval()
            sys.setswitchinterval(SWITCH_SECONDS)  # as the command does
            started = time.perf_counter()
            tally = deliver("default", "benchmark")
            seconds = time.perf_counter() - started
            sys.setswitchinterval(usual)
            assert tally.sent == count, tally
            return count / seconds

        return rate


def point_to(port: int, connections: int) -> None:
    servers = apps.get_model("mailconfig", "MailServer")._default_manager
    server = {"host": "127.0.0.1", "port": port, "security": "none", "auth_method": "none", "from_email": SENDER}
    servers.update_or_create(alias="default", defaults=server)
    queues = apps.get_model("outbox", "ServerQueue")._default_manager
    queues.update_or_create(alias="default", defaults={"connections": connections})


def raw(port: int, data: bytes) -> Rate:
    def send(count: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, local_hostname="benchmark.test") as client:
            for _number in range(count):
                client.sendmail(SENDER, [RECIPIENT], data)

    return timed(send)


def smtp_source(port: int) -> Rate:
    assert SMTP_SOURCE
    program = SMTP_SOURCE

    def send(count: int) -> None:
        options = ["-d", "-s", "8", "-m", str(count), "-l", "5000", "-f", SENDER, "-t", RECIPIENT]
        subprocess.run([program, *options, f"127.0.0.1:{port}"], check=True, capture_output=True)

    return timed(send)


def post_office(count: int) -> float:
    from post_office import mail

    one = {"sender": SENDER, "recipients": [RECIPIENT], "subject": "Your order", "message": message().body}
    mail.send_many([dict(one) for _number in range(count)])
    return timed(lambda _count: mail.send_queued_mail_until_done(processes=1, log_level=0))(count)


def django_mailer(count: int) -> float:
    from mailer.backend import DbBackend
    from mailer.engine import send_all

    DbBackend().send_messages([message() for _number in range(count)])
    return timed(lambda _count: send_all())(count)


def compare(
    comparison: Comparison, baseline: Rate, ours: Rate, counts: tuple[int, int], how_long: Effort
) -> Comparison:
    """In turns; `counts` are the messages of a round, the baseline's first."""
    for _number in range(how_long.rounds):
        comparison.baseline.append(baseline(counts[0]))
        comparison.ours.append(ours(counts[1]))
    return comparison


def main() -> int:
    how_long = effort(__doc__)
    many, some, few = (200, 50, 20) if how_long.rounds == 1 else (10_000, 1000, 200)
    with TemporaryDirectory() as folder, sink.running(Path(folder)) as ports, outbox_project(ports.plain):
        outbox = Outbox()
        one, eight = outbox.drain(ports.plain, 1), outbox.drain(ports.plain, 8)
        by_smtplib = raw(ports.plain, outbox.data)
        where = connection.vendor
        done = [
            compare(Comparison("P3", f"{where}, against raw smtplib", 1.5), by_smtplib, one, (some, many), how_long)
        ]
        for name, peer in (("post_office", post_office), ("mailer", django_mailer)):
            if apps.is_installed(name):
                target = Comparison("P3", f"{where}, against {name}", 10.0)
                done.append(compare(target, peer, one, (some // 2, many), how_long))
        if SMTP_SOURCE:
            target = Comparison("P4", f"{where}, 8 connections, against smtp-source", 0.4)
            done.append(compare(target, smtp_source(ports.plain), eight, (many, many), how_long))
        with slow_link(ports.plain, 0.005) as far:
            target = Comparison("P5", f"{where}, 10 ms round trip, against raw smtplib", 2.2)
            done.append(compare(target, raw(far, outbox.data), outbox.drain(far, 1), (few, 4 * few), how_long))
    return report(done)


if __name__ == "__main__":
    sys.exit(main())
