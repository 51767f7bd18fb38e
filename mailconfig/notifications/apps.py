"""The app as Django loads it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    name = "mailconfig.notifications"
    label = "mailconfig_notifications"  # other packages are called "notifications", too
    verbose_name = _("Notifications")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import background, own_occasions, receivers  # need the models

        own_occasions.register_all()
        receivers.connect()
        background.begin()
