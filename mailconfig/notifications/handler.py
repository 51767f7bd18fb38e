"""Replaces Django's `AdminEmailHandler` in LOGGING: as many errors as there are, few mails."""

import hashlib
import logging
import traceback
from typing import Any, Final

from django.conf import global_settings, settings
from django.utils.functional import Promise
from django.utils.log import AdminEmailHandler

from oauthconnections.reports import HidingFilter, HidingReporter, blacked_out, sent_secrets

from .pending import Group, is_quiet, pending

OCCASION: Final = "server_error"
TOLD_OTHERWISE: Final = ("mailconfig", "django.tasks", "django_tasks")
"""Loggers whose errors are told otherwise or not at all: an error of telling, told, would be the next one."""
INNERMOST: Final = 50
"""Frames that make a traceback known again; an endless recursion has thousands."""


class NotificationHandler(AdminEmailHandler):
    """Groups errors by traceback, and makes the report of one of them a second. Option: `include_html`.

    Reports are as DEFAULT_EXCEPTION_REPORTER and its filter make them; where the project names none, what looks like a
    secret in the request is hidden, too (S-2).
    """

    def __init__(self, include_html: bool = False, reporter_class: str | None = None) -> None:
        super().__init__(include_html=include_html, reporter_class=reporter_class)
        if reporter_class is None and _has_usual_reports():
            self.reporter_class = _Reporter

    def emit(self, record: logging.LogRecord) -> None:
        if is_quiet() or f"{record.name}.".startswith(tuple(f"{name}." for name in TOLD_OTHERWISE)):
            return
        try:
            self._key, self._record = fingerprint(record), record
            if not pending.repeat(OCCASION, self._key):
                super().emit(record)
        except Exception:  # as handlers of Python's do
            self.handleError(record)

    def send_mail(self, subject: str | Promise, message: str | Promise, *args: Any, **kwargs: Any) -> None:
        """What `AdminEmailHandler.emit` has composed; the lock of the handler is held meanwhile."""
        secrets = sent_secrets(getattr(self._record, "request", None)) if self.reporter_class is _Reporter else []
        what, body = (blacked_out(str(text), secrets) for text in (_subject(self._record), message))
        pending.add(Group(OCCASION, self._key, what, body, html=kwargs.get("html_message") or ""))


class _Reporter(HidingReporter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filter = HidingFilter()


def _has_usual_reports() -> bool:
    names = ("DEFAULT_EXCEPTION_REPORTER", "DEFAULT_EXCEPTION_REPORTER_FILTER")
    return all(getattr(settings, name) == getattr(global_settings, name) for name in names)


def fingerprint(record: logging.LogRecord) -> str:
    """The same for what came out of the same lines; without a traceback, for what was logged in the same line."""
    error = record.exc_info[1] if record.exc_info else None
    if error is None:
        parts = [record.name, record.pathname, str(record.lineno), str(record.msg), _route(record)]
    else:
        frames = [(frame.f_code, line) for frame, line in traceback.walk_tb(error.__traceback__)][-INNERMOST:]
        parts = [type(error).__qualname__, *(f"{code.co_filename}:{line}" for code, line in frames)]
    return hashlib.sha256("\n".join(parts).encode(errors="surrogatepass")).hexdigest()


def _route(record: logging.LogRecord) -> str:
    """The pattern of the address, since addresses themselves are as many as visitors like."""
    match = getattr(getattr(record, "request", None), "resolver_match", None)
    return str(getattr(match, "route", ""))


def _subject(record: logging.LogRecord) -> str:
    error = record.exc_info[0] if record.exc_info else None
    return f"{record.getMessage()} ({error.__name__})" if error else record.getMessage()
