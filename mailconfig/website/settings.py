"""Settings of the ready site, all of which the environment decides; .env.example lists them."""

import os
import sys
from urllib.parse import urlsplit

import django
from django.utils.translation import gettext_lazy as _

from . import environment
from .environment import BASE_DIR, number, text, words, yes_or_no

DATA_DIR = environment.read_files()

DEBUG = yes_or_no("DEBUG")
SECRET_KEY = environment.secret_key()
SECRET_KEY_FALLBACKS = words("SECRET_KEY_FALLBACKS")
FIELD_ENCRYPTION_KEYS = words("FIELD_ENCRYPTION_KEYS")

# Where people find the site. A URL that can't be parsed is reported by the checks of oauthconnections.
EXTERNAL_URL = text("EXTERNAL_URL").strip().rstrip("/")
try:
    _external = urlsplit(EXTERNAL_URL)
except ValueError:
    _external = urlsplit("")
ALLOWED_HOSTS = words("ALLOWED_HOSTS") or [*filter(None, [_external.hostname]), "localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [f"{_external.scheme}://{_external.netloc}"] if _external.netloc else []

INSTALLED_APPS = [
    "mailconfig.website.apps.WebsiteAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "oauthconnections",
    "mailconfig",
    "mailconfig.catcher",
    "mailconfig.outbox",
    "mailconfig.notifications",
    "mailconfig.scheduling",
    "mailconfig.website",
]

# Django 6 sends the Content-Security-Policy itself; on 5.2 the site does, from the same setting.
_CSP_MIDDLEWARE = (
    "django.middleware.csp.ContentSecurityPolicyMiddleware"
    if django.VERSION >= (6, 0)
    else "mailconfig.website.csp.ContentSecurityPolicyMiddleware"
)
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "mailconfig.monitoring.middleware.ProbeMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    _CSP_MIDDLEWARE,
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "mailconfig.monitoring.middleware.BannerMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "mailconfig.website.urls"
WSGI_APPLICATION = "mailconfig.website.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {"default": environment.database(DATA_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

USE_TZ = True
TIME_ZONE = text("TIME_ZONE", "UTC")
LANGUAGE_CODE = text("LANGUAGE_CODE", "en")
LANGUAGES = [("en", _("English")), ("de", _("German"))]

# Static files come straight from the apps until `collectstatic` has run, which alone must see its destination before.
_COLLECTED = BASE_DIR / text("STATIC_ROOT", "staticfiles")
_USE_COLLECTED = (_COLLECTED / "staticfiles.json").is_file() or "collectstatic" in sys.argv
STATIC_URL = "/static/"
STATIC_ROOT = _COLLECTED if _USE_COLLECTED else None
STATICFILES_DIRS = [folder for folder in [BASE_DIR / "static"] if folder.is_dir()]
WHITENOISE_USE_FINDERS = not _USE_COLLECTED
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if _USE_COLLECTED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# Mail: who may send is decided in the browser, unless the environment fixes it. Queued mail needs a `deliver_mail`.
_BACKEND = (
    "mailconfig.outbox.backends.QueuedEmailBackend" if yes_or_no("QUEUE_MAIL") else "mailconfig.backends.EmailBackend"
)
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": _BACKEND}}
else:
    EMAIL_BACKEND = _BACKEND
MAILCONFIG = environment.locked_mail_server()
MAILCONFIG_METRICS = {"token": text("METRICS_TOKEN"), "addresses": words("METRICS_ADDRESSES")}
MAILCONFIG_SOURCES = {field: environment.variable(field) for field in MAILCONFIG}
EMAIL_CA_BUNDLE = text("EMAIL_CA_BUNDLE")
DNS_RESOLVER = text("DNS_RESOLVER")
if "HOSTNAME_SERVICE_URL" in os.environ:  # set but empty switches the service off
    HOSTNAME_SERVICE_URL = os.environ["HOSTNAME_SERVICE_URL"]
DEFAULT_FROM_EMAIL = text("DEFAULT_FROM_EMAIL", "webmaster@localhost")
SERVER_EMAIL = text("SERVER_EMAIL", "root@localhost")
EMAIL_SUBJECT_PREFIX = "[Mailconfig] "
# Django 6 wants addresses, 5.2 pairs of name and address.
ADMINS = words("ADMINS") if django.VERSION >= (6, 0) else [(address, address) for address in words("ADMINS")]

# Security: what https makes possible follows from the external URL being https.
_HTTPS = _external.scheme == "https"
SECURE_SSL_REDIRECT = _HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz(/live)?$", r"^metrics$"]  # who asks from beside the site does so without https
SESSION_COOKIE_SECURE = _HTTPS
CSRF_COOKIE_SECURE = _HTTPS
SECURE_HSTS_SECONDS = number("SECURE_HSTS_SECONDS", 30 * 24 * 3600) if _HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = yes_or_no("SECURE_HSTS_INCLUDE_SUBDOMAINS")
SECURE_HSTS_PRELOAD = yes_or_no("SECURE_HSTS_PRELOAD")
# Both bind other sites of the same domain, so only the owner of the domain can decide to use them.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
if yes_or_no("BEHIND_PROXY"):  # believed only when said so: without a proxy anybody could send this header
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_CSP = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'"],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
    "base-uri": ["'none'"],
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
        "notify": {"class": "mailconfig.notifications.handler.NotificationHandler", "level": "ERROR"},
    },
    "root": {"handlers": ["console"], "level": text("LOG_LEVEL", "INFO")},
    "loggers": {
        "django": {"handlers": ["notify"], "level": "INFO"},
        "waitress.queue": {"level": "ERROR"},  # it warns whenever a request waits for a moment
        "mail.log": {"level": "WARNING"},  # aiosmtpd, which would log each line that the catcher is told
    },
}
