"""How tests type `manage.py mailserver`."""

import io

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("mailserver", *arguments, stdout=out, stderr=out, no_color=True)
    return out.getvalue()


def refused(*arguments: str) -> str:
    with pytest.raises(CommandError) as error:
        run(*arguments)
    return str(error.value)
