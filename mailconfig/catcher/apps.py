"""The app as Django loads it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CatcherConfig(AppConfig):
    name = "mailconfig.catcher"
    verbose_name = _("Mail catcher")
    default_auto_field = "django.db.models.BigAutoField"
