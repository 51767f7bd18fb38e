"""The app as Django loads it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SchedulingConfig(AppConfig):
    name = "mailconfig.scheduling"
    verbose_name = _("Scheduled jobs")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from mailconfig.outbox.signals import worker_tick  # sent only where the outbox is installed

        from . import own_jobs, running  # need the models

        own_jobs.register_all()
        worker_tick.connect(running.run_on_tick)
