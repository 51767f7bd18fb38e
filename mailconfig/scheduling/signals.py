"""What others may want to know of scheduled jobs."""

from typing import Final

from django.dispatch import Signal

job_failed: Final = Signal()
"""A run ended with an error. The sender is ScheduledJob; `job` is the row, `error` a sentence without secrets."""

job_late: Final = Signal()
"""Once when a job was not run for twice its interval. The sender is ScheduledJob; `job` is the row."""
