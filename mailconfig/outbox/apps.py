"""The app as Django loads it."""

from django.apps import AppConfig
from django.core.checks import register
from django.db.models.signals import post_save
from django.utils.translation import gettext_lazy as _


class OutboxConfig(AppConfig):
    name = "mailconfig.outbox"
    verbose_name = _("Outbox")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from mailconfig.models import MailServer
        from mailconfig.monitoring import health

        from . import checks, figures, waking  # need the models

        register(checks.check_options)
        health.register(figures.PART)
        post_save.connect(waking.wake_for_new_settings, sender=MailServer, dispatch_uid="mailconfig.outbox")
