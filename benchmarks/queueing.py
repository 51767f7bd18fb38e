"""P6: queueing mail, against Django building the same messages without storing them."""

import sys
from email import policy

import django
from django.core.mail import EmailMessage
from django.db import connection, transaction

from benchmarks.comparison import Comparison, effort, report
from benchmarks.outbox_project import message, outbox_project

MANY = 1000


def build(mail: EmailMessage) -> bytes:
    if django.VERSION >= (6, 0):
        return mail.message(policy=policy.SMTP).as_bytes()
    return mail.message().as_bytes(linesep="\r\n")  # type: ignore[call-arg] # Django 5.2's own class


def main() -> int:
    how_long = effort(__doc__)
    with outbox_project():
        from mailconfig.models import MailServer
        from mailconfig.outbox.backends import QueuedEmailBackend

        MailServer.objects.create(alias="default", host="smtp.example.com", from_email="shop@example.com")
        backend = QueuedEmailBackend(alias="default")

        def queue() -> None:
            backend.send_messages([message()])

        alone = Comparison("P6", f"{connection.vendor}, one message, a transaction each", at_most=1.4)
        alone.run(lambda: build(message()), queue, how_long)
        one = Comparison("P6", f"{connection.vendor}, one message, in the caller's transaction", at_most=1.4)
        with transaction.atomic():
            one.run(lambda: build(message()), queue, how_long)
        many = Comparison("P6", f"{connection.vendor}, a thousand at once", at_most=1.15)
        many.run(
            lambda: [build(message()) for _number in range(MANY)],
            lambda: backend.send_messages([message() for _number in range(MANY)]),
            how_long,
        )
    return report([alone, one, many])


if __name__ == "__main__":
    sys.exit(main())
