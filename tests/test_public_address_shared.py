"""The workers of one server ask for the public address once, and keep the answer where nobody else can put one."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.files import locks
from django.utils import translation
from pytest_django import Settings

from mailconfig import public_address, server_start
from mailconfig.public_address import PublicAddress, determine, state
from mailconfig.reverse_dns import Resolver
from tests.servers.hostname_service import HostnameService, after, text

ROOT = Path(__file__).resolve().parent.parent
NO_NAMES = Resolver(lambda address: [], lambda name: [])
"""A name server that knows nothing: the real one can't be made to know an address of the documentation."""


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture
def service(settings: Settings) -> Iterator[HostnameService]:
    """The configured service."""
    with HostnameService(text("192.0.2.1")) as running:
        settings.HOSTNAME_SERVICE_URL = running.url
        yield running


# --- asked once ---


def test_requests_is_not_even_imported_until_the_service_is_asked() -> None:
    code = "import sys; import mailconfig.ehlo; sys.exit('requests' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60).returncode == 0


def test_the_service_is_asked_once(service: HostnameService) -> None:
    assert determine(resolver=NO_NAMES) == determine(resolver=NO_NAMES)
    assert service.asked == 1


def test_to_look_at_the_state_asks_nobody(service: HostnameService) -> None:
    assert state() is None
    assert service.asked == 0
    assert not public_address._folder_path().exists()
    found = determine(resolver=NO_NAMES)
    assert state() == found
    assert abs(time.time() - found.asked_at.timestamp()) < 10
    assert service.asked == 1


def test_a_failure_is_remembered_until_somebody_asks_again(service: HostnameService) -> None:
    service.answer = text("", 500)
    determine()
    service.answer = text("192.0.2.1")
    assert determine(resolver=NO_NAMES).reason == "status"
    assert service.asked == 1
    assert determine(again=True, resolver=NO_NAMES).error == ""
    assert determine(resolver=NO_NAMES).name == "[192.0.2.1]"
    assert service.asked == 2


def test_the_error_is_told_in_the_language_of_its_reader(service: HostnameService) -> None:
    service.answer = text("", 500)
    determine()
    found = state()
    assert found
    with translation.override("de"):
        assert service.url.split("/")[2] in found.error
    assert "answered with an error" in found.error


PROCESSES = 8
WORKERS = f"""
import json, os, sys, time
from django.conf import settings
settings.configure(HOSTNAME_SERVICE_URL=sys.argv[1], USE_I18N=False)
from mailconfig.public_address import determine
from mailconfig.reverse_dns import Resolver

ready, go = os.pipe()
children = []
for number in range({PROCESSES}):
    child = os.fork()
    if not child:
        os.close(go)
        os.read(ready, 1)  # ends for all at once, when the parent closes its end
        found = determine(sys.argv[2:] == ["again"], resolver=Resolver(lambda address: [], lambda name: []))
        os.write(1, (found.name + "\\n").encode())
        os._exit(0)
    children.append(child)
os.close(go)
sys.exit(any(os.waitpid(child, 0)[1] for child in children))
"""


def names_of_workers(url: str, tmp_path: Path, *arguments: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", WORKERS, url, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_of_eight_processes_at_once_one_asks(service: HostnameService, tmp_path: Path) -> None:
    service.answer = after(0.5, text("192.0.2.1"))
    assert names_of_workers(service.url, tmp_path) == ["[192.0.2.1]"] * PROCESSES
    assert service.asked == 1


def test_of_eight_that_determine_again_at_once_two_ask_at_most(service: HostnameService, tmp_path: Path) -> None:
    """Who pressed the button after the first one had begun is answered by the second."""
    service.answer = after(0.5, text("192.0.2.1"))
    assert names_of_workers(service.url, tmp_path, "again") == ["[192.0.2.1]"] * PROCESSES
    assert service.asked in (1, 2)


def test_another_start_of_the_server_asks_anew_and_tidies_up(service: HostnameService, tmp_path: Path) -> None:
    names_of_workers(service.url, tmp_path)
    (folder,) = tmp_path.glob("mailconfig*")
    before = set(folder.iterdir())
    names_of_workers(service.url, tmp_path)
    assert service.asked == 2
    assert len(before) == 2
    assert not before & set(folder.iterdir())


def test_who_waits_for_another_worker_waits_a_bounded_time(service: HostnameService) -> None:  # S-21
    determine(resolver=NO_NAMES)
    with own_file(".lock").open("a") as held:
        assert locks.lock(held, locks.LOCK_EX)
        began = time.monotonic()
        assert determine(again=True, seconds=0).reason == "busy"
        assert 1 <= time.monotonic() - began < 2
        locks.unlock(held)
    assert determine(resolver=NO_NAMES).name == "[192.0.2.1]"


# --- where it is kept ---


def folder_of_all() -> Path:
    folder = public_address._folder_path()
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def own_file(suffix: str) -> Path:
    """Where this process and its siblings keep what they found."""
    return folder_of_all() / f"{server_start.name()}{suffix}"


def test_the_folder_belongs_to_this_user_alone(service: HostnameService, tmp_path: Path) -> None:
    determine(resolver=NO_NAMES)
    (folder,) = tmp_path.glob("mailconfig*")
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_may_write_is_not_trusted(service: HostnameService) -> None:
    kept = own_file(".json")
    kept.write_text(json.dumps({"name": "evil.example.com"}))
    kept.parent.chmod(0o777)
    for found in (determine(), state()):
        assert found
        assert found.name == ""
        assert str(kept.parent) in found.error
    assert service.asked == 0


def test_a_link_in_place_of_the_folder_is_not_trusted(service: HostnameService, tmp_path: Path) -> None:
    folder = folder_of_all()
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert determine().reason == "folder"


def test_a_file_in_place_of_the_folder_is_said(service: HostnameService) -> None:
    folder = folder_of_all()
    folder.rmdir()
    folder.touch()
    assert determine().reason == "folder"


@pytest.mark.parametrize("kept", ["", "{", "[]", "null", '{"unknown": 1}', '{"timestamp": "yesterday"}'])
def test_a_broken_file_is_as_none(service: HostnameService, kept: str) -> None:
    own_file(".json").write_text(kept)
    assert state() is None
    assert determine(resolver=NO_NAMES).name == "[192.0.2.1]"


def test_nothing_found_is_no_error() -> None:
    assert PublicAddress().error == ""
