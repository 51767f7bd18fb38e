"""What pytest says of tests that could not run here."""

import os
import subprocess
import sys
from pathlib import Path

TESTS = """
import pytest

@pytest.mark.mariadb
def test_one() -> None: ...

@pytest.mark.mariadb
def test_two() -> None: ...

@pytest.mark.xfail
def test_three() -> None:
    assert False

def test_four() -> None: ...
"""

# With an empty PATH: a machine without MariaDB.
CONFTEST = """
from tests import missing_tools

missing_tools.SERVER_FOLDERS.clear()
"""


def _run(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_it.py").write_text(TESTS)
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = mariadb\n")
    command = [sys.executable, "-m", "pytest", "-p", "tests.missing_tools", "-p", "no:django", "-p", "no:xdist", "-rsf"]
    path = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    environment |= {"PYTHONPATH": path, "PATH": "", "COLUMNS": "300"}
    return subprocess.run([*command, "."], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_it_says_once_how_to_get_what_is_missing(tmp_path: Path) -> None:
    result = _run(tmp_path)
    assert result.returncode == 0
    assert result.stdout.count("apt-get install mariadb-server") == 1
    assert "1 passed, 2 skipped, 1 xfailed" in result.stdout


def test_it_allows_no_skip_when_all_tests_are_required(tmp_path: Path) -> None:
    result = _run(tmp_path, REQUIRE_ALL_TESTS="1")
    assert result.returncode == 1
    assert "REQUIRE_ALL_TESTS is set" in result.stdout
    assert "1 failed, 1 passed, 2 errors" in result.stdout
