"""The site's settings; what differs from one run to another is in the folder that TOOLKIT_FOLDER names."""

import json
import os
from pathlib import Path

FOLDER = Path(os.environ["TOOLKIT_FOLDER"])
OPTIONS = json.loads((FOLDER / "options.json").read_text())

SECRET_KEY = "tests only: a key that is long enough to be no warning, and no secret"
DEBUG = True
USE_TZ = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
ROOT_URLCONF = "tests.servers.toolkit.urls"
LOGIN_URL = "/login/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": FOLDER / "db.sqlite3",
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
    }
}
MIGRATION_MODULES = dict.fromkeys(["auth", "contenttypes", "sessions", "oauth2_provider"])  # tables at once: quicker
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
INSTALLED_APPS = [
    "tests.servers.toolkit",  # before the toolkit: its pages want a style sheet from the Internet
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "oauth2_provider",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
# A cookie knows no ports, and the site under test has its own at the same host.
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "toolkit_session", "toolkit_csrf"

OAUTH2_PROVIDER = {
    "OIDC_ENABLED": True,
    "OIDC_RSA_PRIVATE_KEY": (FOLDER / "signing.pem").read_text(),
    "OAUTH2_VALIDATOR_CLASS": "tests.servers.toolkit.claims.Validator",
    "SCOPES": {scope: scope for scope in OPTIONS["scopes"]},
    "ACCESS_TOKEN_EXPIRE_SECONDS": OPTIONS["lifetime"],
    "ROTATE_REFRESH_TOKEN": OPTIONS["rotate"],
    "ALLOW_LOCALHOST_LOOPBACK": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
}
