"""The app as Django loads it."""

from django.apps import AppConfig
from django.core.checks import Tags, register
from django.utils.translation import gettext_lazy as _


class MailconfigConfig(AppConfig):
    name = "mailconfig"
    verbose_name = _("Mailconfig")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from oauthconnections import consumers, help_links

        from . import checks, oauth_consumer  # need the models
        from .helping.topics import help_address
        from .monitoring import accounts, alarm_checks, health, servers
        from .notifications.checks import check_handler

        consumers.register(oauth_consumer.CONSUMER)
        help_links.register(help_address)
        register(checks.check_mailers)
        register(checks.check_locked_values)
        register(checks.check_ca_bundle)
        register(checks.check_dns_resolver)
        register(check_handler)
        register(alarm_checks.check_alarms, Tags.database)
        register(alarm_checks.check_metrics)
        health.register(servers.PART)
        health.register(accounts.PART)
