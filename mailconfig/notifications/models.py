"""Who is told about what, and what has happened: grouped, and counted until everybody was told."""

from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, validate_email
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from oauthconnections.endpoints import validate_endpoint
from oauthconnections.fields import EncryptedTextField, Undecryptable

from .occasions import is_on_by_default, label_of

LONGEST_PAUSE: Final = 24 * 60


class Format(models.TextChoices):
    NONE = "", pgettext_lazy("webhook", "None")
    PLAIN = "plain", _("JSON, signed")
    SLACK = "slack", "Slack"
    TEAMS = "teams", "Microsoft Teams"


def validate_addresses(text: str) -> None:
    """One on each line."""
    for line in text.split("\n"):
        address = line.strip()
        if address:
            try:
                validate_email(address)
            except ValidationError as error:
                raise ValidationError(_("“%(line)s” is no e-mail address."), "address", {"line": address}) from error


class NotificationsManager(models.Manager["Notifications"]):
    def in_force(self) -> "Notifications":
        return self.get_or_create(pk=1)[0]


class Notifications(models.Model):
    """What an administrator decided. There is one row.

    `switched` has the occasions that somebody switched, also of apps that are not installed now. What a channel (mail,
    webhook) was told last stands here, too, apart from the form: only guarded updates write it.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    recipients = models.TextField(
        _("recipients"),
        blank=True,
        validators=[validate_addresses],
        help_text=_("One address on each line. Empty: those whom the setting ADMINS names."),
    )
    every_minutes = models.PositiveSmallIntegerField(
        _("at most every … minutes"),
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_PAUSE)],
        help_text=_("The first is told at once. What happens until the next may go out is gathered in one digest."),
    )
    language = models.CharField(_("language"), max_length=20, blank=True)
    switched = models.JSONField(default=dict, editable=False)
    webhook_format = models.CharField(_("webhook"), max_length=10, choices=Format, blank=True, default=Format.NONE)
    webhook_url = EncryptedTextField(_("address"), blank=True, default="", validators=[validate_endpoint])
    webhook_secret = EncryptedTextField(_("secret"), blank=True, default="")

    mail_next_at = models.DateTimeField(default=timezone.now, editable=False)
    mail_last_at = models.DateTimeField(null=True, editable=False)
    mail_error = models.TextField(blank=True, editable=False)
    webhook_next_at = models.DateTimeField(default=timezone.now, editable=False)
    webhook_last_at = models.DateTimeField(null=True, editable=False)
    webhook_error = models.TextField(blank=True, editable=False)

    objects = NotificationsManager()

    class Meta:
        verbose_name = _("notifications")
        verbose_name_plural = _("notifications")
        default_permissions = ("view", "change")

    def __str__(self) -> str:
        return gettext("Notifications")

    @property
    def addresses(self) -> list[str]:
        """Those who get mail: as entered, else the project's ADMINS (pairs with a name before Django 6)."""
        entered = [line.strip() for line in self.recipients.splitlines() if line.strip()]
        admins: list[Any] = list(settings.ADMINS)
        return entered or [admin if isinstance(admin, str) else admin[1] for admin in admins]

    @property
    def has_webhook(self) -> bool:
        return bool(self.webhook_format and self.webhook_url)

    @property
    def language_code(self) -> str:
        return self.language or settings.LANGUAGE_CODE

    @property
    def pause(self) -> timedelta:
        return timedelta(minutes=self.every_minutes)

    @property
    def is_readable(self) -> bool:
        """Whether the secrets of the webhook can be decrypted."""
        return not any(isinstance(one, Undecryptable) for one in (self.webhook_url, self.webhook_secret))

    def is_on(self, occasion_id: str) -> bool:
        return bool(self.switched.get(occasion_id, is_on_by_default(occasion_id)))


class Happening(models.Model):
    """What happened, as often as it did. The texts are those of the last time; `told_*` is what of `count` was told."""

    occasion = models.CharField(_("occasion"), max_length=100)
    key = models.CharField(max_length=200, blank=True, editable=False)
    subject = models.TextField(pgettext_lazy("notification", "what"))
    body = models.TextField(_("report"), blank=True)
    html = models.TextField(blank=True, editable=False)
    url = models.TextField(blank=True, editable=False)
    count = models.PositiveBigIntegerField(_("times"), default=0)
    first_at = models.DateTimeField(pgettext_lazy("notification", "first"))
    last_at = models.DateTimeField(pgettext_lazy("notification", "last"), db_index=True)
    told_by_mail = models.PositiveBigIntegerField(_("told by mail"), default=0)
    told_by_webhook = models.PositiveBigIntegerField(_("told by webhook"), default=0)

    class Meta:
        verbose_name = pgettext_lazy("notification", "happening")
        verbose_name_plural = pgettext_lazy("notification", "happenings")
        ordering = ["-last_at", "-pk"]
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["occasion", "key"], name="one_group_of_happenings")]

    def __str__(self) -> str:
        return self.subject

    @property
    def label(self) -> str:
        return label_of(self.occasion)
