"""Sets up the project that sending.py and settings_page.py measure in."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import django
from django.core.management import call_command
from django.db import connections


@contextmanager
def project() -> Iterator[Path]:
    """Django on a migrated SQLite file, as a site has it, in a folder of its own."""
    with TemporaryDirectory() as folder:
        os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
        os.environ["DATABASE_URL"] = f"sqlite:///{folder}/db.sqlite3"
        django.setup()
        call_command("migrate", run_syncdb=True, verbosity=0)
        try:
            yield Path(folder)
        finally:
            connections.close_all()
