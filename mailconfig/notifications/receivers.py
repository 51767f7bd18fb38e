"""Turns what happens here and in other apps into notifications; called by signals."""

from functools import partial
from typing import Any, Final

import django
from django.dispatch import Signal
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from mailconfig.outbox import signals as outbox
from mailconfig.scheduling import signals as scheduling
from mailconfig.signals import sending_resumed, sending_stopped
from oauthconnections.signals import account_lost

from .background import background
from .channels import MAIL
from .delivery import hurry
from .links import path_of
from .occasions import notify
from .own_occasions import ACCOUNT_LOST, JOB_FAILED, JOB_LATE, MESSAGE_FAILED, SENDING, TASK_FAILED, TASK_FINISHED
from .pending import is_quiet

OWN_TASKS: Final = (f"{__package__}.", "mailconfig.scheduling.")
"""Of which nobody is told: what fails in telling, told, would be the next failure; of jobs their own signals tell."""


def connect() -> None:
    """Listen to what is installed. Signals of an app that is not are never sent."""
    account_lost.connect(tell_account_lost)
    sending_stopped.connect(tell_sending_stopped)
    sending_resumed.connect(tell_sending_resumed)
    outbox.queue_paused.connect(tell_queue_paused)
    outbox.queue_resumed.connect(tell_queue_resumed)
    outbox.message_failed.connect(tell_message_failed)
    outbox.worker_tick.connect(send_in_worker)
    scheduling.job_failed.connect(tell_job_failed)
    scheduling.job_late.connect(tell_job_late)
    if finished := _task_finished():
        finished.connect(tell_task_finished)


def _task_finished() -> Signal | None:
    """Django's own from 6.0, before that the backport's if it is there."""
    module = "django.tasks" if django.VERSION >= (6, 0) else "django_tasks"
    try:
        signal: Signal = import_string(f"{module}.signals.task_finished")
    except ImportError:
        return None
    return signal


# --- accounts ---


def tell_account_lost(account: Any, **_signal: Any) -> None:
    def subject() -> str:
        return _("The account %(account)s has to be authenticated again") % {"account": account}

    def body() -> str:
        error = account.last_error and _("The provider said: %(error)s") % {"error": account.last_error}
        return "\n".join(filter(None, [_("Open the page of the account and press “Authenticate again”."), error]))

    page = partial(path_of, "oauthconnections_oauthaccount_change", account.pk)
    notify(ACCOUNT_LOST.id, subject, body, f"account {account.pk}", page)


# --- mail ---


def tell_sending_stopped(server: Any, error: str, **_signal: Any) -> None:
    _tell_sending(
        f"server {server.alias}: stopped",
        lambda: _("Sending has stopped: %(error)s") % {"error": error},
        lambda: _("Open the page of the mail server: it says what to do. Mail fails until then."),
        partial(path_of, "mailconfig_mailserver_change", server.pk),
    )


def tell_sending_resumed(server: Any, **_signal: Any) -> None:
    if not is_quiet():
        hurry(MAIL)
    _tell_sending(
        f"server {server.alias}: resumed",
        lambda: _("Sending works again"),
        lambda: _("You have to do nothing."),
        partial(path_of, "mailconfig_mailserver_change", server.pk),
    )


def tell_queue_paused(queue: Any, **_signal: Any) -> None:
    _tell_sending(
        f"queue {queue.alias}: paused",
        lambda: _("Queued mail waits: %(trouble)s") % {"trouble": queue.get_trouble_display()},
        lambda: "\n".join([queue.problem, _("Correct the settings of the mail server. What waits goes out then.")]),
        partial(path_of, "outbox_serverqueue_change", queue.pk),
    )


def tell_queue_resumed(queue: Any, **_signal: Any) -> None:
    hurry(MAIL)
    _tell_sending(
        f"queue {queue.alias}: resumed",
        lambda: _("Queued mail goes out again"),
        lambda: _("You have to do nothing."),
        partial(path_of, "outbox_serverqueue_change", queue.pk),
    )


def _tell_sending(key: str, subject: Any, body: Any, page: Any) -> None:
    notify(SENDING.id, subject, body, key, page)


def tell_message_failed(pk: int, reason: str, **_signal: Any) -> None:
    def body() -> str:
        what = _("Message %(pk)s will not be delivered to anybody. The server's last word: %(reason)s")
        advice = _("Its page shows all attempts, and sends it again.")
        return "\n".join([what % {"pk": pk, "reason": reason}, advice])

    def page() -> str:
        failed = path_of("outbox_queuedmessage_changelist")
        return failed and f"{failed}?state__exact=failed"

    notify(MESSAGE_FAILED.id, lambda: reason or _("No server took it"), body, "", page)


def send_in_worker(**_signal: Any) -> None:
    """A process that delivers mail all the time sends digests, too, no more often than others look for them."""
    background.live()


# --- tasks and jobs ---


def tell_task_finished(task_result: Any, **_signal: Any) -> None:
    path, status = task_result.task.module_path, str(task_result.status)
    if path.startswith(OWN_TASKS) or is_quiet():
        return
    if status == "FAILED":
        error = task_result.errors[-1] if task_result.errors else None
        name = error.exception_class_path.rpartition(".")[2] if error else ""
        subject = f"{path} ({name})" if name else path
        notify(TASK_FAILED.id, subject, error.traceback if error else "", subject)
    elif status == "SUCCESSFUL":
        notify(TASK_FINISHED.id, path, key=path)


def tell_job_failed(job: Any, error: str, **_signal: Any) -> None:
    notify(JOB_FAILED.id, str(job), error, job.name, partial(path_of, "scheduling_scheduledjob_change", job.pk))


def tell_job_late(job: Any, **_signal: Any) -> None:
    notify(
        JOB_LATE.id,
        str(job),
        lambda: _("It did not run when it should have. See that the program which runs scheduled jobs is running."),
        job.name,
        partial(path_of, "scheduling_scheduledjob_change", job.pk),
    )
