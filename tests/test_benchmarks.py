"""The benchmarks run, print their table and come to a verdict; whether they are fast is not for a test to say."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize(
    ("script", "targets"), [("sending", ["P1", "P2"]), ("checking", ["P8"]), ("settings_page", ["P9"])]
)
def test_a_benchmark_prints_its_table_and_its_verdict(script: str, targets: list[str]) -> None:
    command = [sys.executable, "-m", f"benchmarks.{script}", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert re.findall(r"^\| (P\d+) \|.* at (?:least|most) [\d.]+ \|$", done.stdout, re.MULTILINE) == targets, (
        done.stderr
    )
    assert re.search(r"^Rounds: 1\. .+ cores, .+Python [\d.]+, Django [\d.]+", done.stdout, re.MULTILINE)
    missed = re.search(r"^P\d+ missed: ", done.stdout, re.MULTILINE)
    assert done.returncode == (1 if missed else 0)
    assert bool(missed) != ("Every target is met." in done.stdout)
