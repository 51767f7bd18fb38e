"""The project of the tests on a database as a site has it, with those whom the outbox is measured against."""

import os
from importlib.util import find_spec

from tests import settings as tests
from tests.settings import *  # noqa: F403

PEERS = [name for name in ("post_office", "mailer") if find_spec(name)]
INSTALLED_APPS = [*tests.INSTALLED_APPS, *PEERS]
DATABASES = tests.DATABASES
if "sqlite" in str(DATABASES["default"]["ENGINE"]):
    DATABASES["default"]["OPTIONS"] = {
        "init_command": "PRAGMA journal_mode=WAL",
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
    }
if "SINK_PORT" in os.environ:  # the peers know Django's old settings only
    globals().pop("MAILERS", None)
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST, EMAIL_PORT = "127.0.0.1", int(os.environ["SINK_PORT"])
POST_OFFICE = {"LOG_LEVEL": 0, "BATCH_SIZE": 1000}
MAILER_USE_FILE_LOCK = False
