"""The app as Django loads it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MailconfigConfig(AppConfig):
    name = "mailconfig"
    verbose_name = _("Mailconfig")
    default_auto_field = "django.db.models.BigAutoField"
