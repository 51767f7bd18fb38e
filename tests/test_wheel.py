"""The wheel, installed into a new Django project as a stranger would."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import django
import pytest
import requests

pytestmark = [pytest.mark.pypi, pytest.mark.slow]

ROOT: Final = Path(__file__).resolve().parent.parent
UV: Final = os.environ.get("UV") or shutil.which("uv") or "uv"

SETTINGS: Final = """
INSTALLED_APPS += ["oauthconnections", "mailconfig"]
"""
MAILERS: Final = 'MAILERS = {"default": {"BACKEND": "mailconfig.backends.EmailBackend"}}\n'
EMAIL_BACKEND: Final = 'EMAIL_BACKEND = "mailconfig.backends.EmailBackend"\n'

SIGN_IN: Final = """
from django.contrib.auth.models import User
from django.test import Client

client = Client()
client.force_login(User.objects.create_superuser("admin"))
print(client.cookies["sessionid"].value)
"""


def _uv(*arguments: object) -> None:
    """Run uv, which fetches what is missing."""
    result = subprocess.run([UV, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    _uv("build", "--wheel", "--out-dir", folder)
    [path] = folder.glob("*.whl")
    return path


@dataclass(frozen=True)
class Project:
    """What `startproject` makes, with the wheel and nothing else of ours installed."""

    folder: Path
    python: Path

    def manage(self, *arguments: str) -> str:
        command = [str(self.python), "manage.py", *arguments]
        result = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    @property
    def environment(self) -> dict[str, str]:
        # Nothing of the run that this test is part of: neither its settings nor its checkout.
        ours = ("PYTHONPATH", "DJANGO_SETTINGS_MODULE", "DATABASE_URL", "VIRTUAL_ENV")
        return {name: value for name, value in os.environ.items() if name not in ours}

    @contextmanager
    def server(self) -> Iterator[str]:
        with closing(socket.create_server(("127.0.0.1", 0))) as listener:
            port = listener.getsockname()[1]
        command = [str(self.python), "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"]
        with subprocess.Popen(command, cwd=self.folder, env=self.environment, stderr=subprocess.DEVNULL) as process:
            try:
                yield f"http://127.0.0.1:{port}"
            finally:
                process.terminate()


@pytest.fixture(scope="module")
def project(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("stranger")
    python = folder / "venv" / "bin" / "python"
    _uv("venv", "--python", sys.executable, folder / "venv")
    _uv("pip", "install", "--python", python, wheel, f"Django=={django.__version__}")
    project = Project(folder / "project", python)
    project.folder.mkdir()
    subprocess.run([python, "-m", "django", "startproject", "stranger", "."], cwd=project.folder, check=True)
    with (project.folder / "stranger" / "settings.py").open("a") as settings:
        settings.write(SETTINGS + (MAILERS if django.VERSION >= (6, 1) else EMAIL_BACKEND))
    return project


def _files(folder: str) -> set[str]:
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_it_carries_both_apps_with_their_files(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert _files("mailconfig") | _files("oauthconnections") <= names
    for kind in ("templates", "static"):
        for path in _files(kind):
            folder = path.split("/")[1]
            app = "oauthconnections" if folder == "copying" else folder  # it lends its script to the other
            assert f"{app}/{path}" in names
    assert {path.replace("docs/", "mailconfig/", 1) for path in _files("docs/help")} <= names


def test_it_carries_nothing_else(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"mailconfig", "oauthconnections"}


def test_the_settings_page_of_a_new_project_works(project: Project) -> None:
    assert "no issues" in project.manage("check")
    assert "No changes detected" in project.manage("makemigrations", "--check", "--dry-run")
    project.manage("migrate")
    cookies = {"sessionid": project.manage("shell", "-c", SIGN_IN).split()[-1]}
    with project.server() as address:
        page = _get(f"{address}/admin/mailconfig/mailserver/", cookies)
        files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
        answers = {file: _get(address + file, cookies).status_code for file in files}
        help_page = _get(f"{address}/admin/mailconfig/mailserver/help/microsoft-365/", cookies)
    assert page.status_code == 200
    assert "Send test email" in page.text
    assert any("/mailconfig/" in file for file in files)
    assert set(answers.values()) == {200}
    assert 'id="shared-mailbox"' in help_page.text


def _get(address: str, cookies: dict[str, str], seconds: float = 20) -> requests.Response:
    until = time.monotonic() + seconds
    while True:
        try:
            return requests.get(address, cookies=cookies, timeout=10)
        except requests.ConnectionError:  # the server is about to start
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
