"""The project whose mail is queued, with delivery as a task: on the database, or on the Redis at REDIS_URL."""

import os

from tests.settings_of_outbox import *  # noqa: F403
from tests.settings_of_outbox import INSTALLED_APPS

if redis_url := os.environ.get("REDIS_URL"):
    INSTALLED_APPS += ["django_rq"]
    RQ_QUEUES = {"default": {"URL": redis_url}}
    TASKS = {"default": {"BACKEND": "django_tasks_rq.RQBackend"}}
else:
    INSTALLED_APPS += ["django_tasks_db"]
    TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
