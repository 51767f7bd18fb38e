"""All that touches the database, once more on MariaDB."""

import pytest

from tests.on_another_database import run_database_tests
from tests.servers.mariadb import mariadb


@pytest.mark.slow
@pytest.mark.mariadb
def test_the_database_tests_pass() -> None:
    with mariadb() as url:
        run_database_tests(url)
