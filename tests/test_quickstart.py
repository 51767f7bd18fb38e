"""quickstart as a stranger runs it: a real process in a folder of its own."""

import ast
import http.client
import os
import re
import signal
import smtplib
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import pytest

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 60


class Running:
    """A quickstart that serves, with all it printed until then."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.output = ""
        assert process.stdout
        for line in process.stdout:
            self.output += line
            if found := re.search(r"Open http://127\.0\.0\.1:(\d+)/", line):
                self.port = int(found[1])
                return
        raise AssertionError(f"quickstart ended: {self.output}{process.communicate()[1]}")

    def end(self, number: int = signal.SIGINT) -> tuple[int, str]:
        """Exit status and what it said on stderr."""
        self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=PATIENCE)
        self.output += output
        return self.process.returncode, errors

    def get(self, path: str, cookies: str = "") -> http.client.HTTPResponse:
        return self._ask("GET", path, cookies)

    def post(self, path: str, data: dict[str, str], cookies: str) -> http.client.HTTPResponse:
        return self._ask("POST", path, cookies, urlencode(data))

    def _ask(self, method: str, path: str, cookies: str, body: str | None = None) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        headers = {"Cookie": cookies, "Content-Type": "application/x-www-form-urlencoded", "Connection": "close"}
        connection.request(method, path, body, headers)
        return connection.getresponse()

    def password(self) -> str:
        found = re.search(r"Password: (\S+)", self.output)
        assert found, self.output
        return found[1]

    def log_in(self, password: str) -> str:
        """The cookies of the administrator."""
        token = cookies_of(self.get("/admin/login/"))
        csrf = token.removeprefix("csrftoken=")
        data = {"username": "admin", "password": password, "csrfmiddlewaretoken": csrf, "next": "/admin/"}
        response = self.post("/admin/login/", data, token)
        assert response.status == 302, "the printed password logs in"
        return cookies_of(response)


def cookies_of(response: http.client.HTTPResponse) -> str:
    cookies = SimpleCookie(";".join(response.headers.get_all("Set-Cookie") or []))
    return "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())


def command(folder: Path, *arguments: str, name: str = "quickstart", **environment: str) -> "subprocess.Popen[str]":
    own = ("SECRET_KEY", "DATABASE_URL", "EXTERNAL_URL", "DJANGO_SETTINGS_MODULE", "FIELD_ENCRYPTION_KEYS")
    kept = {name: value for name, value in os.environ.items() if name not in own}
    return subprocess.Popen(
        [sys.executable, "manage.py", name, *arguments],
        cwd=ROOT,
        env={**kept, "DATA_DIR": str(folder), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def quickstart(folder: Path, *arguments: str, **environment: str) -> Iterator[Running]:
    own = {"PYTHONWARNINGS": "error", "MAIL_CATCHER_PORT": str(CATCHER_PORTS[folder])}
    with command(folder, "--port", "0", *arguments, **{**own, **environment}) as process:
        try:
            yield Running(process)
        finally:
            process.kill()


def failure(folder: Path, *arguments: str, **environment: str) -> str:
    """The one sentence of a quickstart that doesn't start."""
    with command(folder, *arguments, **environment) as process:
        output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 1, output
    assert "Traceback" not in errors
    assert len(errors.strip().splitlines()) == 1, errors
    return errors


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number: int = server.getsockname()[1]
        return number


# One for each data folder: the usual one may be taken by another test between two starts.
CATCHER_PORTS: defaultdict[Path, int] = defaultdict(free_port)


@pytest.mark.slow
def test_the_first_start_serves_and_the_second_keeps_everything(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    with quickstart(folder) as first:
        password = first.password()
        keys = (folder / "quickstart.env").read_bytes()
        assert b"Outgoing mail server" in first.get("/admin/", first.log_in(password)).read()
        assert first.end() == (0, "")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "quickstart.env").stat().st_mode) == 0o600
    with quickstart(folder, "--no-input") as second:
        assert "kept" in second.output
        assert "changepassword admin" in second.output
        assert "Password:" not in second.output
        assert second.log_in(password)
        assert second.end() == (0, "")
    assert (folder / "quickstart.env").read_bytes() == keys


@pytest.mark.slow
def test_the_catcher_is_proposed_and_shows_what_it_caught(tmp_path: Path) -> None:
    with quickstart(tmp_path) as site:
        with closing(sqlite3.connect(tmp_path / "db.sqlite3")) as database:
            proposed = database.execute(
                "SELECT host, port, security, auth_method, from_email FROM mailconfig_mailserver"
            )
            row = ("127.0.0.1", CATCHER_PORTS[tmp_path], "none", "none", "mailconfig@localhost.localdomain")
            assert proposed.fetchall() == [row]
        with smtplib.SMTP("127.0.0.1", CATCHER_PORTS[tmp_path]) as client:
            client.sendmail("a@example.com", ["b@example.com"], b"Subject: Hello catcher\r\n\r\n<b>body</b>\r\n")
        cookies = site.log_in(site.password())
        assert b"Hello catcher" in site.get("/admin/catcher/caughtmessage/", cookies).read()
        page = site.get("/admin/catcher/caughtmessage/1/change/", cookies).read()
        assert b"&lt;b&gt;body&lt;/b&gt;" in page
        assert b"<b>body" not in page
        assert site.end() == (0, "")


@pytest.mark.slow
def test_the_first_start_finds_a_port_for_the_catcher_and_keeps_it(tmp_path: Path) -> None:
    with ExitStack() as stack:
        with suppress(OSError):  # taken by somebody else already serves as well
            stack.enter_context(socket.create_server(("127.0.0.1", 2525)))
        site = stack.enter_context(quickstart(tmp_path, MAIL_CATCHER_PORT=""))
        assert site.end() == (0, "")
    found = re.search(r"^MAIL_CATCHER_PORT=(\d+)$", (tmp_path / "quickstart.env").read_text(), re.MULTILINE)
    assert found
    assert found[1] != "2525"
    assert f"127.0.0.1 port {found[1]} " in site.output


@pytest.mark.slow
def test_it_delivers_queued_mail(tmp_path: Path) -> None:
    with quickstart(tmp_path, QUEUE_MAIL="true") as running:
        with command(tmp_path, "me@example.com", name="sendtestemail", QUEUE_MAIL="true") as sending:
            assert sending.communicate(timeout=PATIENCE) == ("", "")
        cookies = running.log_in(running.password())
        until = time.monotonic() + PATIENCE
        while b"me@example.com" not in (page := running.get("/admin/catcher/caughtmessage/", cookies).read()):
            assert time.monotonic() < until, page
            time.sleep(0.1)
        assert running.end() == (0, "")


def test_ctrl_c_ends_it_with_a_client_connected_and_frees_both_ports(tmp_path: Path) -> None:
    with quickstart(tmp_path) as site:
        ports = [site.port, CATCHER_PORTS[tmp_path]]
        clients = [socket.create_connection(("127.0.0.1", number)) for number in ports]
        assert clients[1].recv(100).startswith(b"220")
        assert site.end(signal.SIGTERM) == (0, "")
        assert site.output.endswith("Ended.\n")
        for client in clients:
            client.close()
        for number in ports:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", number))


@pytest.mark.slow
def test_it_answers_a_sender_that_holds_the_database(tmp_path: Path) -> None:
    with (
        quickstart(tmp_path),
        closing(sqlite3.connect(tmp_path / "db.sqlite3", isolation_level=None)) as database,
    ):
        database.execute("BEGIN IMMEDIATE")
        with smtplib.SMTP("127.0.0.1", CATCHER_PORTS[tmp_path], timeout=PATIENCE) as client:
            assert client.sendmail("a@example.com", ["b@example.com"], b"Subject: Later\r\n\r\n") == {}
        database.execute("COMMIT")
        assert row_arrives(database)


def row_arrives(database: sqlite3.Connection) -> bool:
    pause = threading.Event()
    return any(
        database.execute("SELECT 1 FROM catcher_caughtmessage WHERE subject = 'Later'").fetchone() or pause.wait(0.05)
        for _attempt in range(400)
    )


@pytest.mark.slow
def test_without_catcher_it_says_that_mail_would_go_there(tmp_path: Path) -> None:
    with quickstart(tmp_path) as first:
        assert first.end() == (0, "")
    with quickstart(tmp_path, "--no-catcher") as second:
        assert "isn't started: mail will fail" in second.output
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", CATCHER_PORTS[tmp_path]))


@pytest.mark.slow
def test_it_serves_static_files_and_keeps_to_its_policy_without_debug(tmp_path: Path) -> None:
    with quickstart(tmp_path, "--no-catcher") as site:
        assert site.get("/").headers["Location"] == "/admin/"
        page = site.get("/admin/login/")
        assert "unsafe-inline" not in page.headers["Content-Security-Policy"]  # S-24
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        named = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.read().decode())
        assert named
        assert [site.get(address).status for address in named] == [200] * len(named)
        missing = site.get("/nothing/")
        assert (missing.status, b"DEBUG" in missing.read()) == (404, False)


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_it_refuses_what_is_no_port(tmp_path: Path, port: str) -> None:
    with command(tmp_path, f"--port={port}") as process:
        _output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0
    assert "a port is a number from 0 to 65535" in errors


@pytest.mark.slow
def test_a_taken_port_is_one_sentence_and_changes_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        message = failure(tmp_path, "--port", str(taken))
        assert f"127.0.0.1 port {taken}" in message
        assert "--port" in message
        message = failure(tmp_path, "--port", "0", MAIL_CATCHER_PORT=str(taken))
        assert f"127.0.0.1 port {taken}" in message
        assert "MAIL_CATCHER_PORT" in message
    assert not (tmp_path / "db.sqlite3").exists()


def test_a_folder_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    # Tests may run as root, who may write anywhere; a file in the folder's place stops even root.
    (tmp_path / "data").write_text("a file")
    assert "DATA_DIR" in failure(tmp_path / "data")
    assert str(tmp_path / "data" / "below") in failure(tmp_path / "data" / "below")


@pytest.mark.slow
def test_a_database_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "db.sqlite3").write_bytes(b"This is no database. " * 100)
    assert "DATABASE_URL" in failure(tmp_path, "--port", "0", "--no-catcher")


def test_an_old_python_can_read_manage_py_and_is_told_what_to_do() -> None:
    source = (ROOT / "manage.py").read_text()
    ast.parse(source, feature_version=(3, 7))  # the oldest that ast can imitate
    program = f"import sys; sys.version_info = (3, 6, 15, 'final', 0)\n{source}"
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "needs Python 3.11 or newer, but this is Python 3.6" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_without_a_key_every_command_says_how_to_get_one(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in ("SECRET_KEY", "DJANGO_SETTINGS_MODULE")}
    ended = subprocess.run(
        [sys.executable, "manage.py", "migrate"],
        cwd=ROOT,
        env={**kept, "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("SECRET_KEY is not set. Set SECRET_KEY")
    assert "quickstart" in ended.stderr
