"""All that touches the database, once more on PostgreSQL."""

import pytest

from tests.on_another_database import run_database_tests
from tests.servers.postgresql import postgresql


@pytest.mark.slow
def test_the_database_tests_pass() -> None:
    with postgresql() as url:
        run_database_tests(url)
