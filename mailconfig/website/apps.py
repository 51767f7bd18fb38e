"""The site's app, and Django's admin with the site's own name on it."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.utils.translation import gettext_lazy as _


class WebsiteConfig(AppConfig):
    name = "mailconfig.website"
    verbose_name = _("Website")


class WebsiteAdminConfig(admin_apps.AdminConfig):
    default = False  # the app of this folder is the one above
    default_site = "mailconfig.website.admin_site.WebsiteAdminSite"
