"""django.tasks: Django's own from 6.0 on, before that the package django-tasks (design.md, decision 13)."""

import django

if django.VERSION >= (6, 0):
    from django.tasks import task
else:
    from django_tasks import task  # type: ignore[import-not-found,no-redef,unused-ignore]

__all__ = ["task"]
