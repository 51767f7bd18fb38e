"""CaughtMessage: what the mail catcher was given, as it came."""

from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from mailconfig.storable import storable

from . import reading

KEPT: Final = 1000


class CaughtMessageManager(models.Manager["CaughtMessage"]):
    def keep(self, *, raw: bytes, sender: str, recipients: list[str], ehlo_name: str, peer: str) -> "CaughtMessage":
        """Store a message and let go of all but the newest."""
        message = self.create(
            sender=storable(sender),
            recipients=storable("\n".join(recipients)),
            ehlo_name=storable(ehlo_name)[:255],
            peer=peer[:100],
            subject=reading.subject(raw),
            raw=raw,
        )
        outdated = self.order_by("-pk").values_list("pk", flat=True)[KEPT : KEPT + 1]
        if newest_outdated := outdated.first():
            self.filter(pk__lte=newest_outdated).delete()
        return message


class CaughtMessage(models.Model):
    received_at = models.DateTimeField(_("received"), auto_now_add=True)
    sender = models.TextField(_("envelope sender"), blank=True)
    recipients = models.TextField(_("recipients"), help_text=_("Those of the envelope, one on each line."))
    ehlo_name = models.CharField(_("EHLO name"), max_length=255, blank=True)
    peer = models.CharField(_("sent from"), max_length=100)
    subject = models.TextField(_("subject"), blank=True)
    raw = models.BinaryField(_("source"))

    objects = CaughtMessageManager()

    class Meta:
        verbose_name = _("caught message")
        verbose_name_plural = _("caught messages")
        ordering = ["-pk"]
        default_permissions = ("view", "delete")

    def __str__(self) -> str:
        return self.subject or str(_("(no subject)"))
