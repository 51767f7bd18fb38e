"""What is kept of each scheduled job: when it runs, and what became of its last run."""

from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from . import due
from .jobs import MINUTES_A_DAY, REGISTERED, Job


class Outcome(models.TextChoices):
    NEVER = "", pgettext_lazy("scheduled job", "Never run")
    WAITING = "waiting", _("Waiting for a worker of the task engine")
    RUNNING = "running", _("Running")
    OK = "ok", pgettext_lazy("scheduled job", "Done")
    FAILED = "failed", pgettext_lazy("scheduled job", "Failed")


class ScheduledJob(models.Model):
    """One row per registered job, made by itself.

    Whoever runs it has put a token of its own into `lease`; until `leased_until` nobody else does. `next_run` moves on
    when the run has ended, so a killed host's job is still due.
    """

    name = models.CharField(_("name"), max_length=100, unique=True, editable=False)
    enabled = models.BooleanField(_("enabled"), default=True)
    every = models.PositiveIntegerField(
        _("interval in minutes"),
        validators=[MinValueValidator(1), MaxValueValidator(366 * MINUTES_A_DAY)],
        help_text=_("60 is an hour, 1440 is a day."),
    )
    at = models.TimeField(
        _("time of day"),
        null=True,
        blank=True,
        help_text=_(
            "In the time zone of this site, for an interval of whole days. Empty: one interval after the run before."
        ),
    )
    next_run = models.DateTimeField(_("next run"), editable=False)
    last_run = models.DateTimeField(_("last run"), null=True, editable=False)
    last_finished = models.DateTimeField(_("ended"), null=True, editable=False)
    outcome = models.CharField(
        _("outcome"), max_length=10, choices=Outcome, blank=True, default=Outcome.NEVER, editable=False
    )
    detail = models.TextField(_("details"), blank=True, default="", editable=False)
    host = models.CharField(_("run by"), max_length=300, blank=True, default="", editable=False)
    lease = models.CharField(max_length=32, blank=True, default="", editable=False)
    leased_until = models.DateTimeField(null=True, editable=False)
    told_late = models.BooleanField(default=False, editable=False)

    class Meta:
        verbose_name = _("scheduled job")
        verbose_name_plural = _("scheduled jobs")
        ordering = ["name"]
        default_permissions = ("view", "change")
        permissions = [("run_scheduledjob", _("Can run scheduled jobs at once"))]

    def __str__(self) -> str:
        job = self.job
        return str(job.label) if job else self.name

    def clean(self) -> None:
        if self.at and self.every and self.every % MINUTES_A_DAY:
            raise ValidationError(
                {"at": _("A time of day needs an interval of whole days: 1440 minutes, or a multiple of them.")}
            )

    @property
    def job(self) -> Job | None:
        """None if the app that registered it is not installed any more."""
        return REGISTERED.get(self.name)

    @property
    def interval(self) -> timedelta:
        return timedelta(minutes=self.every)

    def first_run(self, now: datetime) -> datetime:
        return due.first_run(now, self.interval, self.at)

    def following_run(self, now: datetime) -> datetime:
        return due.next_run(self.next_run, now, self.interval, self.at)

    def is_free(self, now: datetime) -> bool:
        """Nobody runs it, or nobody who is still expected to end."""
        return not self.lease or self.leased_until is None or self.leased_until <= now

    def is_due(self, now: datetime) -> bool:
        return self.enabled and self.next_run <= now and self.is_free(now)

    def is_late(self, now: datetime) -> bool:
        """Twice the interval has passed since the run before, and it does not run now either."""
        runs = self.outcome == Outcome.RUNNING and not self.is_free(now)
        return self.enabled and not runs and self.next_run + self.interval < now
