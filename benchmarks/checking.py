"""P8: `manage.py check` of a new project with the apps installed, against the same project without them."""

import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import django

from benchmarks.comparison import Action, Comparison, effort, report

ROOT: Final = Path(__file__).resolve().parent.parent
BACKEND: Final = "mailconfig.backends.EmailBackend"
OUR_SETTINGS: Final = f"""
INSTALLED_APPS += ["oauthconnections", "mailconfig"]
{f'MAILERS = {{"default": {{"BACKEND": "{BACKEND}"}}}}' if django.VERSION >= (6, 1) else f'EMAIL_BACKEND = "{BACKEND}"'}
"""
IMPORT: Final = re.compile(r"^import time: +(\d+) \| +\d+ \| +(\S+)$", re.MULTILINE)


def _start_project(folder: Path, more_settings: str = "") -> Path:
    folder.mkdir()
    subprocess.run([sys.executable, "-m", "django", "startproject", "site_of_benchmark", str(folder)], check=True)
    with (folder / "site_of_benchmark" / "settings.py").open("a") as settings:
        settings.write(more_settings)
    return folder


def _check(project: Path, *options: str) -> str:
    """Run it; return what was written to standard error."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for name in ("DJANGO_SETTINGS_MODULE", "PYTHONDONTWRITEBYTECODE"):  # else one side might compile at each start
        environment.pop(name, None)
    command = [sys.executable, *options, "manage.py", "check"]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=True)
    assert "no issues" in done.stdout, done.stdout
    return done.stderr


def _checker(project: Path) -> Action:
    return lambda: _check(project)


def _imports(project: Path) -> dict[str, int]:
    """Microseconds that each module took by itself, without those that it imports: the least of three runs."""
    least: dict[str, int] = {}
    for _number in range(3):
        for own, module in IMPORT.findall(_check(project, "-X", "importtime")):
            least[module] = min(int(own), least.get(module, sys.maxsize))
    return least


def _print_imports(baseline: dict[str, int], ours: dict[str, int]) -> None:
    added = {module: own for module, own in ours.items() if module not in baseline}
    own_code = sum(own for module, own in added.items() if module.startswith(("mailconfig", "oauthconnections")))
    total = sum(added.values())
    print(f"\n{len(added)} more modules, {total / 1000:.1f} ms, of it {own_code / 1000:.1f} ms ours. The slowest:\n")
    print("| Module | ms by itself |\n| --- | ---: |")
    for module in sorted(added, key=added.__getitem__, reverse=True)[:10]:
        print(f"| `{module}` | {added[module] / 1000:.1f} |")


def main() -> int:
    how_long = effort(__doc__)
    with TemporaryDirectory() as folder:
        without = _start_project(Path(folder, "without"))
        ours = _start_project(Path(folder, "ours"), OUR_SETTINGS)
        check = Comparison("P8", "`manage.py check`", at_most=1.10)
        check.run(_checker(without), _checker(ours), how_long)
        status = report([check])
        _print_imports(_imports(without), _imports(ours))
    return status


if __name__ == "__main__":
    sys.exit(main())
