"""`manage.py mailserver`: show, set and test from the command line, for people and for machines."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import django
import pytest
from django.core.management import call_command
from pytest_django import Settings

from mailconfig.models import MailServer
from oauthconnections.fields import Undecryptable
from tests.conftest import MailServerFactory, ScriptedServerFactory, SMTPServerFactory
from tests.mailserver_command import refused, run
from tests.servers.certificates import Authority

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def row(mail_server: MailServerFactory) -> MailServer:
    return mail_server(host="saved.example.com", username="me", password="saved-secret")


def stored() -> dict[str, Any]:
    return dict(MailServer.objects.values().get(alias="default"))


# --- show ---


def test_show_prints_the_settings_without_the_password() -> None:
    text = run("show")
    assert "host: saved.example.com" in text
    assert "effective_port: 25" in text
    assert "password: saved" in text
    assert "secret" not in text


def test_show_as_json() -> None:
    shown = json.loads(run("show", "--json"))
    assert shown["alias"] == "default"
    assert (shown["host"], shown["port"], shown["effective_port"]) == ("saved.example.com", None, 25)
    assert (shown["security"], shown["auth_method"], shown["force_from"]) == ("starttls", "auto", False)
    assert shown["password"] == "saved"


def test_show_tells_what_is_fixed_and_where(settings: Settings) -> None:
    settings.MAILCONFIG = {"host": "fixed.example.com", "password": "fixed-secret"}
    settings.MAILCONFIG_SOURCES = {"host": "MAILCONFIG_HOST"}
    text = run("show")
    assert "host: fixed.example.com  (set by MAILCONFIG_HOST)" in text
    assert "password: saved  (set by MAILCONFIG in the settings of this site)" in text
    assert "fixed-secret" not in text


def test_show_tells_that_the_password_can_not_be_decrypted(row: MailServer) -> None:  # S-3
    row.password = Undecryptable("enc:v1:lost")
    row.save()
    assert "password: undecryptable" in run("show")


def test_show_makes_the_row(row: MailServer) -> None:
    row.delete()
    assert json.loads(run("show", "--json"))["host"] == ""


# --- set ---


def test_set_changes_what_is_named_and_nothing_else() -> None:
    before = stored()
    assert "Saved and in force now." in run("set", "--timeout", "60", "--from-name", "Shop", "--force-from")
    assert stored() == {**before, "timeout": 60, "from_name": "Shop", "force_from": True, "revision": 1}
    run("set", "--no-force-from", "--from-name", "")
    assert stored() == {**before, "timeout": 60, "revision": 2}


def test_set_prints_the_result_as_json() -> None:
    shown = json.loads(run("set", "--json", "--timeout", "60"))
    assert (shown["timeout"], shown["password"]) == (60, "saved")


def test_set_without_options_changes_nothing() -> None:
    before = stored()
    run("set")
    assert stored() == before


def test_set_takes_every_field(tmp_path: Path, ca: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ca.pem").write_text(ca.pem)
    monkeypatch.setattr(sys, "stdin", io.StringIO("typed-secret\n"))
    run(
        *("set", "--host", "new.example.com", "--port", "2525", "--from-email", "new@example.com"),
        *("--from-name", "New", "--username", "you", "--ehlo-name", "new-ehlo.example.com", "--timeout", "9"),
        *("--security", "ssl", "--auth-method", "plain", "--ehlo-source", "custom", "--force-from"),
        *("--ca-bundle", str(tmp_path / "ca.pem"), "--password-file", "-"),
    )
    server = MailServer.objects.get()
    assert (server.host, server.port, server.from_email) == ("new.example.com", 2525, "new@example.com")
    assert (server.from_name, server.username, server.password) == ("New", "you", "typed-secret")
    assert (server.ehlo_name, server.timeout, server.ca_bundle) == ("new-ehlo.example.com", 9, ca.pem.strip())
    assert (server.security, server.auth_method, server.ehlo_source) == ("ssl", "plain", "custom")
    assert server.force_from
    run("set", "--port", "", "--ca-bundle", "", "--password-file", _file(tmp_path, b"p"))
    server.refresh_from_db()
    assert (server.port, server.ca_bundle) == (None, "")


def _file(folder: Path, content: bytes) -> str:
    path = folder / "password"
    path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (b"new-secret", "new-secret"),
        (b"new-secret\r\n", "new-secret"),
        ("pässwörd\n".encode(), "pässwörd"),
        (b"x" * 10_000, "x" * 10_000),
        (b"\n", "saved-secret"),
    ],
    ids=["plain", "line end", "not ASCII", "10 kB", "empty"],
)
def test_set_reads_the_password_from_a_file(tmp_path: Path, content: bytes, password: str) -> None:
    run("set", "--password-file", _file(tmp_path, content))
    assert MailServer.objects.get().password == password


def test_set_clears_the_password() -> None:
    run("set", "--clear-password", "--auth-method", "none")
    assert MailServer.objects.get().password == ""


def test_set_asks_for_the_password_of_another_server(tmp_path: Path) -> None:  # S-2
    assert refused("set", "--host", "evil.example.com").startswith("--password-file: Enter the password again")
    run("set", "--host", "new.example.com", "--password-file", _file(tmp_path, b"new-secret"))
    assert MailServer.objects.get().host == "new.example.com"


def test_set_asks_to_confirm_clear_text_once() -> None:  # S-17
    MailServer.objects.update(security="none")
    assert refused("set", "--auth-method", "plain").startswith("--confirm-clear-text: The password is sent in clear")
    run("set", "--auth-method", "plain", "--confirm-clear-text")
    run("set", "--timeout", "9")
    assert (MailServer.objects.get().auth_method, MailServer.objects.get().timeout) == ("plain", 9)


def test_set_warns_about_a_port_that_seldom_goes_with_the_security() -> None:
    MailServer.objects.update(auth_method="none", port=587)
    assert "Port 587 usually wants STARTTLS" in run("set", "--security", "ssl")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "smtp://x"], "--host: Enter only the name of the server"),
        (["--port", "smtp"], "--port: Enter a whole number."),
        (["--port", "70000"], "--port: Ensure this value is less than or equal to 65535."),
        (["--timeout", "0"], "--timeout: Ensure this value is greater than or equal to 1."),
        (["--from-email", "a, b"], "--from-email: Enter one e-mail address"),
        (["--from-name", "a\r\nb"], "--from-name: This must be on one line"),
        (["--ehlo-name", "a b"], "--ehlo-name: This is not a host name"),
        (["--username", ""], "--username: Enter the user name that belongs to the password."),
        (["--clear-password"], "--password-file: Enter the password, or choose None"),
        (["--security", "tls"], "--security: invalid choice: 'tls'"),
        (["--ca-bundle", "/no/such/file"], "/no/such/file can't be read"),
        (["--ca-bundle", "/"], "/ can't be read"),
        (["--password-file", "/no/such/file"], "/no/such/file can't be read"),
        (["--password-file", sys.executable], "can't be read"),
        (["--password", "x"], "unrecognized arguments"),
        (["--alias", "nwes"], "--alias: this project has no such mailer. It has: default."),
    ],
    ids=str,
)
def test_a_mistake_is_said_by_its_option_and_changes_nothing(arguments: list[str], said: str) -> None:
    before = stored()
    assert said in refused("set", *arguments)
    assert MailServer.objects.count() == 1
    assert stored() == before


def test_several_mistakes_are_said_at_once() -> None:
    lines = refused("set", "--port", "x", "--timeout", "x").splitlines()
    assert lines == ["--port: Enter a whole number.", "--timeout: Enter a whole number."]


@pytest.mark.parametrize("host", ["saved.example.com", "new.example.com"])
def test_set_refuses_what_is_fixed(settings: Settings, host: str) -> None:
    settings.MAILCONFIG = {"host": "fixed.example.com"}
    settings.MAILCONFIG_SOURCES = {"host": "MAILCONFIG_HOST"}
    assert refused("set", "--host", host) == "--host: can't be changed here, as it is set by MAILCONFIG_HOST."
    run("set", "--timeout", "9")
    assert (stored()["host"], stored()["timeout"]) == ("saved.example.com", 9)


def test_set_refuses_a_fixed_password(settings: Settings, tmp_path: Path) -> None:
    settings.MAILCONFIG = {"password": "fixed-secret"}
    assert refused("set", "--password-file", _file(tmp_path, b"x")).startswith("--password-file: can't be changed")
    assert refused("set", "--clear-password").startswith("--clear-password: can't be changed")
    assert MailServer.objects.get().password == "saved-secret"


# --- test ---


def exit_status(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("mailserver", "test", *arguments, stdout=out, no_color=True)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_test_sends_to_the_sender_unless_told_otherwise(
    mail_server: MailServerFactory, smtp_server: SMTPServerFactory
) -> None:
    server = smtp_server()
    mail_server(server, username="", password="")
    assert exit_status()[0] == 0
    status, text = exit_status("--to", "me@example.com")
    assert status == 0
    assert [message.recipients for message in server.messages] == [["site@example.com"], ["me@example.com"]]
    assert f"Sent to me@example.com, Message-ID {server.messages[1].message['Message-ID']}" in text
    assert MailServer.objects.get().tested_at


@pytest.mark.parametrize("format_", [[], ["--json"]], ids=str)
def test_a_quiet_test_speaks_only_of_a_failure(  # S-30
    mail_server: MailServerFactory, smtp_server: SMTPServerFactory, format_: list[str]
) -> None:
    server = smtp_server()
    mail_server(server, username="", password="")
    assert exit_status("--quiet", *format_) == (0, "")
    server.stop()
    status, text = exit_status("--quiet", *format_)
    assert status == 1
    assert "Connect" in text or '"connect"' in text


def test_a_failed_test_ends_with_1_and_says_why(
    mail_server: MailServerFactory, scripted_server: ScriptedServerFactory
) -> None:
    mail_server(scripted_server({"RCPT": "550 5.1.1 No such user \x00"}), username="", password="")
    status, text = exit_status("--json")
    outcome = json.loads(text)
    assert (status, outcome["ok"], outcome["message_id"]) == (1, False, None)
    assert (outcome["steps"][-1]["step"], outcome["steps"][-1]["advice"]["id"]) == ("recipient", "recipient-unknown")
    status, text = exit_status()
    assert status == 1
    assert "550 5.1.1 No such user" in text
    assert "Check the recipient's address." in text
    assert MailServer.objects.get().test_error.startswith("site@example.com: 550 5.1.1 No such user")


@pytest.mark.parametrize("recipient", ["nobody at all", "a@example.com\nRCPT TO:<b@example.com>", "", "@"])
def test_a_recipient_that_is_none_is_an_error_and_no_traceback(
    mail_server: MailServerFactory, smtp_server: SMTPServerFactory, recipient: str
) -> None:
    server = smtp_server()
    mail_server(server, username="", password="", from_email="")
    status, text = exit_status("--to", recipient, "--json")
    assert (status, json.loads(text)["ok"]) == (1, False)
    assert server.messages == []


@pytest.mark.parametrize(
    ("values", "configured", "said"),
    [
        ({"host": ""}, {}, "No outgoing mail server is configured"),
        ({"password": Undecryptable("enc:v1:lost")}, {}, "can't be decrypted"),
        ({}, {"port": "x"}, "can't be used"),
    ],
    ids=["no server", "undecryptable", "unusable lock"],
)
def test_settings_that_can_not_be_tested_are_an_error(
    row: MailServer, settings: Settings, values: dict[str, Any], configured: dict[str, Any], said: str
) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    settings.MAILCONFIG = configured
    status, text = exit_status("--json")
    outcome = json.loads(text)
    assert (status, outcome["ok"]) == (1, False)
    assert said in outcome["steps"][-1]["detail"]


# --- mailers ---


@pytest.mark.parametrize("action", ["show", "set", "test"])
def test_an_unknown_mailer_is_refused_with_those_that_there_are(settings: Settings, action: str) -> None:
    ours, expected = {"BACKEND": "mailconfig.backends.EmailBackend"}, "default"
    if django.VERSION >= (6, 1):
        settings.MAILERS, expected = {"default": ours, "news": ours}, "default, news"
        run("set", "--alias", "news", "--timeout", "9")
        assert MailServer.objects.get(alias="news").timeout == 9
    assert refused(action, "--alias", "nwes").endswith(f"It has: {expected}.")
    assert not MailServer.objects.filter(alias="nwes").exists()


# --- as a program ---

DJANGO_ADMIN = [sys.executable, "-m", "django"]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Of a project whose database is there and empty."""
    database = tmp_path_factory.mktemp("project") / "db.sqlite3"
    ours = {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": f"sqlite:///{database}",
    }
    environment = {**os.environ, **ours}
    subprocess.run([*DJANGO_ADMIN, "migrate", "-v0"], env=environment, check=True, capture_output=True)
    return environment


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["show"], 0, "timeout: 30"),
        (["set", "--port", "x"], 1, "CommandError: --port: Enter a whole number."),
        (["test"], 1, "No outgoing mail server is configured"),
        (["show", "--alias", "nwes"], 1, "CommandError: --alias: this project has no such mailer."),
    ],
    ids=str,
)
def test_the_exit_status_is_0_or_1_without_a_traceback(
    environment: dict[str, str], arguments: list[str], status: int, said: str
) -> None:
    command = [*DJANGO_ADMIN, "mailserver", *arguments]
    result = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert result.returncode == status
    assert said in result.stdout + result.stderr
    assert "Traceback" not in result.stderr
