"""The project of the tests with its mail queued, on a database that several processes share."""

import json
import os

import django

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES

BACKEND = "mailconfig.outbox.backends.QueuedEmailBackend"
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": BACKEND}}
else:
    EMAIL_BACKEND = BACKEND
if "sqlite" in str(DATABASES["default"]["ENGINE"]):  # as the ready site has it
    DATABASES["default"]["OPTIONS"] = {
        "init_command": "PRAGMA journal_mode=WAL",
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
    }
MAILCONFIG_OUTBOX = json.loads(os.environ.get("MAILCONFIG_OUTBOX", "{}"))
"""Options of the outbox for the processes that a test starts."""
