"""The tests that touch the database, once more on PostgreSQL and on MariaDB."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.servers.mariadb import mariadb
from tests.servers.postgresql import postgresql

pytestmark = pytest.mark.slow

ROOT: Final = Path(__file__).resolve().parent.parent
COMMAND: Final = [
    *(sys.executable, "-m", "pytest", "-q", "-p", "tests.database_tests_only", "-p", "no:cacheprovider"),
    *("-m", "not browser and not slow and not postfix and not mariadb and not pypi"),
]


def _run_database_tests(url: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["DATABASE_URL"] = url
    result = subprocess.run(COMMAND, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-20_000:]
    passed = re.search(r"(\d+) passed", result.stdout)
    assert passed
    assert int(passed[1]) > 50


def test_the_database_tests_pass_on_postgresql() -> None:
    with postgresql() as url:
        _run_database_tests(url)


@pytest.mark.mariadb
def test_the_database_tests_pass_on_mariadb() -> None:
    with mariadb() as url:
        _run_database_tests(url)
