"""What manage.py does around Django's own command line: first-start files, and sentences instead of tracebacks."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from . import first_start


def run(arguments: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mailconfig.website.settings")
    try:
        if arguments[1:2] == ["quickstart"]:
            prepare_quickstart(arguments)
        execute_from_command_line(arguments)
    except (ImproperlyConfigured, first_start.UnusableFolderError) as error:
        if "--traceback" in arguments:
            raise
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)  # what a shell reports for a program that Ctrl-C ended


def prepare_quickstart(arguments: list[str]) -> None:
    if {"-h", "--help"}.intersection(arguments):
        os.environ.setdefault("SECRET_KEY", "Only to show the help, for which nothing shall be made.")
    else:
        first_start.prepare()
