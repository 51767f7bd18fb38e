"""The ready site's settings, read by real processes from an environment of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PRODUCTION = {  # as docs/production.md has it
    "SECRET_KEY": "f2hB0wX9-documentation-only-7Qm4TzLrYc8uKsVnEaPdGi5JoR1tW6",
    "FIELD_ENCRYPTION_KEYS": "xW3bN8-documentation-only-Rq5TzLk9YcVuHs",
    "EXTERNAL_URL": "https://mail.example.com",
    "BEHIND_PROXY": "true",
    "ADMINS": "you@example.com",
}
SHOW = """
import json, sys, django
from django.conf import settings
django.setup()
print(json.dumps({name: getattr(settings, name, None) for name in sys.argv[1:]}, default=str))
"""


def python(*arguments: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    own = {"DATA_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "mailconfig.website.settings", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**kept, **own, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def settings(*names: str, folder: Path, **environment: str) -> list[object]:
    ended = python("-c", SHOW, *names, folder=folder, **{"SECRET_KEY": "k" * 60, **environment})
    assert ended.returncode == 0, ended.stderr
    values: dict[str, object] = json.loads(ended.stdout)
    return [values[name] for name in names]


@pytest.mark.slow
def test_check_deploy_is_clean_with_the_documented_settings(tmp_path: Path) -> None:
    # S-25
    ended = python("-W", "error", "manage.py", "check", "--deploy", "--fail-level=DEBUG", folder=tmp_path, **PRODUCTION)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "no issues (2 silenced)" in ended.stdout


def test_https_follows_from_the_external_url(tmp_path: Path) -> None:
    names = ("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "ALLOWED_HOSTS")
    local = ["localhost", "127.0.0.1", "[::1]"]
    assert settings(*names, folder=tmp_path) == [False, False, False, local]
    secure = settings(*names, folder=tmp_path, EXTERNAL_URL="https://mail.example.com/")
    assert secure == [True, True, True, ["mail.example.com", *local]]


def test_the_environment_wins_over_what_quickstart_wrote(tmp_path: Path) -> None:
    (tmp_path / "quickstart.env").write_text("SECRET_KEY=written\nTIME_ZONE=Europe/Berlin\n")
    values = settings("SECRET_KEY", "TIME_ZONE", "DEBUG", folder=tmp_path, SECRET_KEY="$from outside")
    assert values == ["$from outside", "Europe/Berlin", False]


def test_the_mail_server_can_be_fixed_with_its_source(tmp_path: Path) -> None:
    values = settings(
        "MAILCONFIG",
        "MAILCONFIG_SOURCES",
        folder=tmp_path,
        MAILCONFIG_HOST="smtp.example.com",
        MAILCONFIG_PASSWORD="$ecret, with # and spaces",
        MAILCONFIG_FORCE_FROM="yes",
    )
    fixed = {"host": "smtp.example.com", "password": "$ecret, with # and spaces", "force_from": True}
    assert values == [fixed, {name: f"MAILCONFIG_{name.upper()}" for name in fixed}]
    assert settings("MAILCONFIG", folder=tmp_path) == [{}]


def test_the_hostname_service_is_left_to_the_app_unless_set(tmp_path: Path) -> None:
    assert settings("HOSTNAME_SERVICE_URL", folder=tmp_path) == [None]
    assert settings("HOSTNAME_SERVICE_URL", folder=tmp_path, HOSTNAME_SERVICE_URL="") == [""]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SECRET_KEY", "", "SECRET_KEY is not set"),
        ("DEBUG", "perhaps", "DEBUG must be true or false, but is 'perhaps'"),
        ("SECURE_HSTS_SECONDS", "many", "SECURE_HSTS_SECONDS must be a whole number, but is 'many'"),
        ("DATABASE_URL", "postgres://user:hidden@host:many/name", "DATABASE_URL isn't a database's URL"),
        ("DATABASE_URL", "hidden", "DATABASE_URL isn't a database's URL"),
    ],
)
def test_a_wrong_value_is_one_sentence(tmp_path: Path, name: str, value: str, said: str) -> None:
    ended = python("manage.py", "check", folder=tmp_path, **{**PRODUCTION, name: value})
    assert ended.returncode == 1
    assert ended.stderr.startswith(said)
    assert "Traceback" not in ended.stderr
    assert "hidden" not in ended.stderr


@pytest.mark.slow
def test_collected_static_files_have_hashed_names(tmp_path: Path) -> None:
    environment = {"SECRET_KEY": "k" * 60, "STATIC_ROOT": str(tmp_path / "collected")}
    show = (
        "import django; django.setup(); from django.templatetags.static import static;"
        "print(static('admin/css/base.css'))"
    )
    assert python("-c", show, folder=tmp_path, **environment).stdout == "/static/admin/css/base.css\n"
    collected = python("manage.py", "collectstatic", "--no-input", folder=tmp_path, **environment)
    assert collected.returncode == 0, collected.stderr
    named = python("-c", show, folder=tmp_path, **environment).stdout.strip()
    assert named.startswith("/static/admin/css/base.")
    assert named != "/static/admin/css/base.css"
    assert (tmp_path / "collected" / named.removeprefix("/static/")).is_file()


def test_the_example_lists_what_the_settings_read() -> None:
    example = (ROOT / ".env.example").read_text()
    read = [*PRODUCTION, "DEBUG", "ALLOWED_HOSTS", "DATABASE_URL", "HOSTNAME_SERVICE_URL", "EMAIL_CA_BUNDLE"]
    read += [
        "METRICS_TOKEN",
        "METRICS_ADDRESSES",
        "DNS_RESOLVER",
        "REQUESTS_CA_BUNDLE",
        "DATA_DIR",
        "MAILCONFIG_HOST",
        "MAILCONFIG_CA_BUNDLE",
    ]
    assert [name for name in read if f"\n#{name}=" not in example] == []
