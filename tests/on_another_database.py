"""The tests that touch the database, once more on another one. This file is also the plugin of pytest that picks them.

Of a test with many cases the first three do: the database is the other one, not what is typed.
"""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
CASES: Final = 3
COMMAND: Final = [
    *(sys.executable, "-m", "pytest", "-q", "-p", "tests.on_another_database", "-p", "no:cacheprovider"),
    *("-m", "not browser and not slow and not postfix and not mariadb and not pypi"),
]


def run_database_tests(url: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["DATABASE_URL"] = url
    result = subprocess.run(COMMAND, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-20_000:]
    passed = re.search(r"(\d+) passed", result.stdout)
    assert passed
    assert int(passed[1]) > 500


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    seen: Counter[str] = Counter()
    picked = [item for item in items if _touches_database(item) and _is_among_the_first(item, seen)]
    config.hook.pytest_deselected(items=[item for item in items if item not in picked])
    items[:] = picked


def _touches_database(item: pytest.Item) -> bool:
    asked_for = {"db", "transactional_db", "live_server"}.intersection(getattr(item, "fixturenames", ()))
    return bool(asked_for or item.get_closest_marker("django_db"))


def _is_among_the_first(item: pytest.Item, seen: "Counter[str]") -> bool:
    function = item.nodeid.split("[")[0]
    seen[function] += 1
    return seen[function] <= CASES
