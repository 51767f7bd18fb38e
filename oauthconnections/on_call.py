"""Functions whose module is loaded when they are first called, so that `manage.py` of a project doesn't wait for it."""

from collections.abc import Callable
from typing import Any

from django.utils.module_loading import import_string


def on_call(path: str) -> Callable[..., Any]:
    """The function of that dotted path; a mistake in it comes to light with the call."""

    def call(*args: Any, **kwargs: Any) -> Any:
        return import_string(path)(*args, **kwargs)

    return call
