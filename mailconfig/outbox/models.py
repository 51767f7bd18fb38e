"""What the outbox keeps: messages, their bytes, how each attempt ended, and how each server's queue is doing."""

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from mailconfig.exceptions import NotConfigured
from mailconfig.models import MailServer


class State(models.TextChoices):
    QUEUED = "queued", _("Waiting")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class Priority(models.IntegerChoices):
    HIGH = 0, _("High")
    NORMAL = 1, _("Normal")
    LOW = 2, _("Low")


class QueuedMessage(models.Model):
    """One message without its bytes, so that lists and claims read little.

    While a worker has it, `lease` names the worker and `due_at` is when the lease ends: a killed worker's messages
    are due again by themselves. `outcomes` holds what is final for single recipients, address: [code, reply].
    """

    alias = models.CharField(_("mailer"), max_length=100, default="default")
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    priority = models.PositiveSmallIntegerField(_("priority"), choices=Priority, default=Priority.NORMAL)
    created_at = models.DateTimeField(_("queued at"), default=timezone.now)
    due_at = models.DateTimeField(_("next attempt"), default=timezone.now)
    lease = models.CharField(max_length=32, blank=True, default="", editable=False)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    uncertain = models.PositiveSmallIntegerField(
        _("attempts of unknown end"),
        default=0,
        help_text=_("The message may have gone out in these, so that it may arrive twice, with one Message-ID."),
    )
    finished_at = models.DateTimeField(_("ended at"), null=True)
    sender = models.TextField(_("envelope sender"), blank=True)
    recipients = models.TextField(_("recipients"), help_text=_("One on each line."))
    subject = models.TextField(_("subject"), blank=True)
    message_id = models.TextField(_("Message-ID"), blank=True)
    size = models.PositiveIntegerField(_("size"), default=0)
    outcomes = models.JSONField(_("recipients' outcomes"), default=dict, blank=True)
    reason = models.TextField(_("last error"), blank=True)

    class Meta:
        verbose_name = _("queued message")
        verbose_name_plural = _("queued messages")
        ordering = ["-pk"]
        default_permissions = ("view",)
        permissions = [("resend_queuedmessage", _("Can resend and cancel messages of the outbox"))]
        indexes = [
            models.Index(fields=["state", "alias", "priority", "due_at"], name="outbox_due"),
            models.Index(fields=["state", "finished_at"], name="outbox_finished"),
        ]

    def __str__(self) -> str:
        return self.subject or gettext("(no subject)")

    @property
    def addresses(self) -> list[str]:
        return self.recipients.splitlines()

    @property
    def refused(self) -> dict[str, str]:
        """Recipients that will not get it, and the last word on each."""
        return {who: f"{code} {text}".strip() for who, (code, text) in self.outcomes.items() if code != 250}


class MessageContent(models.Model):
    """The finished bytes (RFC 5322), as they go over the wire."""

    message = models.OneToOneField(QueuedMessage, models.CASCADE, primary_key=True, related_name="content")
    data = models.BinaryField(_("source"))

    class Meta:
        verbose_name = _("source")
        verbose_name_plural = _("sources")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.pk)


class Attempt(models.Model):
    """How one attempt to deliver a message ended."""

    class Outcome(models.TextChoices):
        SENT = "sent", _("Accepted by the server")
        DEFERRED = "deferred", _("Will be tried again")
        REFUSED = "refused", _("Refused")
        UNCERTAIN = "uncertain", _("Broken off, perhaps after it was accepted")
        BY_HAND = "by_hand", _("Decided by a person")

    message = models.ForeignKey(QueuedMessage, models.CASCADE, related_name="history", verbose_name=_("message"))
    at = models.DateTimeField(_("time"), default=timezone.now)
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome)
    server = models.CharField(_("server"), max_length=260, blank=True)
    detail = models.TextField(_("details"), blank=True)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ["pk"]
        default_permissions = ()

    def __str__(self) -> str:
        return self.get_outcome_display()


class ServerQueue(models.Model):
    """The mail that waits for one server: how much of it may go out at once, and whether it is held back now."""

    class Trouble(models.TextChoices):
        NONE = "", pgettext_lazy("what was done with a message", "None")
        CONNECTION = "connection", _("The server can't be reached")
        LOGIN = "login", _("The server refuses the login")
        SETTINGS = "settings", _("The settings are incomplete")
        BY_HAND = "by_hand", _("Paused by a person")

    alias = models.CharField(_("mailer"), max_length=100, unique=True, editable=False)
    connections = models.PositiveSmallIntegerField(
        _("connections"), null=True, blank=True, help_text=_("At once, of all workers. Empty: as the provider allows.")
    )
    per_minute = models.PositiveIntegerField(
        _("messages per minute"), null=True, blank=True, help_text=_("Empty: as the provider allows.")
    )
    per_day = models.PositiveIntegerField(
        _("messages per day"), null=True, blank=True, help_text=_("Empty: as the provider allows.")
    )
    second = models.CharField(
        _("second server"),
        max_length=100,
        blank=True,
        default="",
        help_text=_(
            "Takes the mail of this one while this one can't be reached, refuses the login or isn't configured. "
            "Messages go out as they were stored, so it must be allowed to send as the same addresses. "
            "Its own limits are kept."
        ),
    )
    trouble = models.CharField(max_length=10, choices=Trouble, blank=True, default=Trouble.NONE, editable=False)
    problem = models.TextField(_("problem"), blank=True, editable=False)
    failures = models.PositiveSmallIntegerField(default=0, editable=False)
    held_since = models.DateTimeField(_("held since"), null=True, editable=False)
    held_until = models.DateTimeField(_("tried again at"), null=True, editable=False)
    held_revision = models.PositiveIntegerField(null=True, editable=False)
    minute = models.DateTimeField(null=True, editable=False)
    minute_count = models.PositiveIntegerField(default=0, editable=False)
    day = models.DateTimeField(null=True, editable=False)
    day_count = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("queue of a mail server")
        verbose_name_plural = _("queues of mail servers")
        default_permissions = ("view", "change")

    def __str__(self) -> str:
        return self.alias

    def clean(self) -> None:
        """Refuse a second server that could not stand in."""
        if self.second and self.second == self.alias:
            raise ValidationError({"second": _("This is the first server itself. Choose another one.")})
        if self.second:
            self._refuse_unconfigured()

    def _refuse_unconfigured(self) -> None:
        try:
            MailServer.objects.for_alias(self.second)
        except NotConfigured:
            text = _("“%(alias)s” has no server yet. Enter it under “Outgoing mail server (SMTP)” first.")
            raise ValidationError({"second": ValidationError(text, params={"alias": self.second})}) from None


class ScheduledRun(models.Model):
    """A task that an engine was asked to start at that time, so that it is asked once."""

    at = models.DateTimeField(_("time"), unique=True)

    class Meta:
        verbose_name = _("scheduled run")
        verbose_name_plural = _("scheduled runs")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.at)


class Worker(models.Model):
    """A process that delivers, so that all of them together keep a server's limit of connections."""

    token = models.CharField(max_length=32, unique=True)
    host = models.CharField(_("host"), max_length=253)
    pid = models.PositiveIntegerField(_("process"))
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    seen_at = models.DateTimeField(_("last seen"), default=timezone.now)

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.host}, {self.pid}"
