"""SendingRecord: what became of mail lately, and the last settings that delivered."""

from django.db import models

from oauthconnections.fields import EncryptedTextField


class SendingRecord(models.Model):
    """One row per mail server, apart from it: it is written while mail is sent, and no page must be outdated by that.

    `revision` is that of the settings which the outcome belongs to; `working` is JSON with a password in it.
    """

    server = models.OneToOneField("mailconfig.MailServer", models.CASCADE, related_name="record")
    revision = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    failed_step = models.CharField(max_length=20, blank=True)
    error = models.TextField(blank=True)
    working = EncryptedTextField(blank=True, default="")
    working_revision = models.PositiveIntegerField(null=True)
    worked_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.server_id}"
