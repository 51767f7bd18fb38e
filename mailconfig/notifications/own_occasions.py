"""The occasions that come with the app."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from .occasions import Occasion, register

SERVER_ERROR: Final = Occasion(
    "server_error", _("Server error"), _("A page or a command failed; the report has the traceback, without secrets.")
)
TASK_FAILED: Final = Occasion("task_failed", _("Task failed"))
TASK_FINISHED: Final = Occasion("task_finished", _("Task finished"), _("Each one that ends well."), default_on=False)
JOB_FAILED: Final = Occasion("job_failed", _("Scheduled job failed"))
JOB_LATE: Final = Occasion("job_late", _("Scheduled job did not run in time"))
ACCOUNT_LOST: Final = Occasion("account_lost", _("OAuth account needs authentication"))
EXPIRY: Final = Occasion(
    "expiry", _("Something expires soon"), _("A client secret, a certificate, or the token of an account left idle.")
)
SENDING: Final = Occasion("sending", _("Sending has stopped, or works again"))
MESSAGE_FAILED: Final = Occasion("message_failed", _("Message failed for good"))


def register_all() -> None:
    for occasion in (
        *(SERVER_ERROR, TASK_FAILED, TASK_FINISHED, JOB_FAILED, JOB_LATE),
        *(ACCOUNT_LOST, EXPIRY, SENDING, MESSAGE_FAILED),
    ):
        register(occasion)
