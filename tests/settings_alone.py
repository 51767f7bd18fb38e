"""A Django project that uses only oauthconnections."""

import django

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS, MIDDLEWARE, env

INSTALLED_APPS = [app for app in INSTALLED_APPS if not app.startswith("mailconfig")]
MIDDLEWARE = [middleware for middleware in MIDDLEWARE if not middleware.startswith("mailconfig")]
DATABASES = {"default": env.db_url_config("sqlite://:memory:")}
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
else:
    EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
