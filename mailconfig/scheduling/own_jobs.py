"""The jobs that this project's own apps need done regularly."""

from datetime import time, timedelta
from itertools import chain
from typing import Final

from django.apps import apps
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from oauthconnections.on_call import on_call
from oauthconnections.renewal import renew_idle

from .jobs import Job, JobFailed, register

# Each has models, so it is loaded only where its app is installed.
_tidy_up = on_call("mailconfig.outbox.retention.tidy_up")
_send_due = on_call("mailconfig.notifications.delivery.send_due")
_check_expiries = on_call("mailconfig.notifications.expiries.check_expiries")


def renew_accounts() -> str:
    """Raises JobFailed with those that could not be renewed."""
    renewals = renew_idle()
    if failed := [f"{renewal.account}: {renewal.error}" for renewal in renewals if renewal.error]:
        raise JobFailed("\n".join(failed))
    return _("Renewed: %(count)s.") % {"count": len(renewals)}


def tidy_outbox() -> str:
    deleted: dict[str, int] = _tidy_up()
    return _("Deleted: %(sent)s sent, %(failed)s failed, %(cancelled)s cancelled.") % deleted


def send_digests() -> str:
    told = _send_due()
    return _("Told by mail: %(mail)s, by webhook: %(webhook)s.") % {"mail": told.mail, "webhook": told.webhook}


def check_expiries() -> str:
    return _("Newly found: %(count)s.") % {"count": _check_expiries()}


DAILY: Final = timedelta(days=1)
# None at an hour that a change of the clocks may leave out.
ALWAYS: Final = (
    Job(
        "mailconfig.renew_accounts",
        gettext_lazy("Renew idle OAuth accounts"),
        renew_accounts,
        DAILY,
        at=time(4, 15),
        longest=timedelta(hours=1),
    ),
    Job(
        "mailconfig.check_mail_servers",
        gettext_lazy("Check the mail server without sending"),
        "mailconfig.scheduling.server_check.check_mail_servers",  # loads what no other process needs
        DAILY,
        at=time(6),
    ),
)
WITH_OUTBOX: Final = Job(
    "mailconfig.tidy_outbox",
    gettext_lazy("Delete old messages of the outbox"),
    tidy_outbox,
    DAILY,
    at=time(4, 45),
    longest=timedelta(hours=1),
)
WITH_NOTIFICATIONS: Final = (
    Job(
        "mailconfig.send_digests",
        gettext_lazy("Send digests of notifications"),
        send_digests,
        timedelta(minutes=1),
    ),
    Job(
        "mailconfig.check_expiries",
        gettext_lazy("Look for what expires soon"),
        check_expiries,
        DAILY,
        at=time(6, 15),
    ),
)


def register_all() -> None:
    optional = {"mailconfig.outbox": (WITH_OUTBOX,), "mailconfig.notifications": WITH_NOTIFICATIONS}
    for job in chain(ALWAYS, *(jobs for app, jobs in optional.items() if apps.is_installed(app))):
        register(job)
