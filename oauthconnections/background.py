"""Django's tasks: its own from 6.0, before that the backport django-tasks. Loaded only where a task is defined."""

import django

if django.VERSION >= (6, 0):
    from django.tasks import task
else:
    from django_tasks import task  # type: ignore[no-redef]

__all__ = ["task"]
