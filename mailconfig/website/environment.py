"""Where the ready site's settings come from: the environment, then .env, then what quickstart wrote."""

import os
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR: Final = Path(__file__).resolve().parents[2]
QUICKSTART_FILE: Final = "quickstart.env"
SQLITE: Final = "django.db.backends.sqlite3"

# What the environment may fix of the mail server; MAILCONFIG_HOST becomes MAILCONFIG["host"].
MAIL_SERVER_FIELDS: Final = (
    "host",
    "port",
    "security",
    "auth_method",
    "username",
    "password",
    "from_name",
    "from_email",
    "force_from",
    "ehlo_source",
    "ehlo_name",
    "timeout",
    "ca_bundle",
    "pinned_certificate",
)

env = environ.Env()


def read_files() -> Path:
    """Add both files to the environment, whose own values win, and return the data folder."""
    env.read_env(BASE_DIR / ".env")
    env.read_env(data_folder() / QUICKSTART_FILE)
    return data_folder()


def data_folder() -> Path:
    return BASE_DIR / text("DATA_DIR", "data")


def catcher_port() -> int:
    """The port of quickstart's mail catcher; 0 until the first start has found one."""
    return number("MAIL_CATCHER_PORT", 0)


def text(name: str, default: str = "") -> str:
    """A value as it is: django-environ takes a leading `$`, as passwords have it, for another variable's name."""
    return os.environ.get(name) or default


def words(name: str) -> list[str]:
    """The parts between the commas."""
    return [word.strip() for word in text(name).split(",") if word.strip()]


def number(name: str, default: int) -> int:
    value = text(name, str(default))
    if not value.isdecimal():
        raise ImproperlyConfigured(f"{name} must be a whole number, but is {value!r}. Correct it in the environment.")
    return int(value)


def yes_or_no(name: str) -> bool:
    value = text(name, "no").lower()
    if value not in ("true", "yes", "on", "1", "false", "no", "off", "0"):
        raise ImproperlyConfigured(f"{name} must be true or false, but is {value!r}. Correct it in the environment.")
    return value in ("true", "yes", "on", "1")


def secret_key() -> str:
    key = text("SECRET_KEY")
    if not key:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set. Set SECRET_KEY in the environment or in the file .env (.env.example shows how), "
            'or start with "uv run manage.py quickstart", which makes one.'
        )
    return key


def database(data: Path) -> dict[str, object]:
    """DATABASE_URL, else SQLite in the data folder; what the URL says of options wins."""
    config = parsed_database_url(text("DATABASE_URL")) or {"ENGINE": SQLITE, "NAME": data / "db.sqlite3"}
    if config["ENGINE"] != SQLITE:
        return {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True, **config}
    # A web server's threads write at once: readers don't block with WAL, and a transaction that will write has to
    # say so at its begin, for SQLite refuses to wait once it has read.
    options = {"init_command": "PRAGMA journal_mode=WAL", "transaction_mode": "IMMEDIATE", "timeout": 20}
    return {**config, "OPTIONS": {**options, **config.get("OPTIONS", {})}}


def parsed_database_url(url: str) -> dict[str, Any]:
    try:
        if url and urlsplit(url).scheme not in env.DB_SCHEMES:
            raise ValueError("no such database")
        return dict(env.db_url_config(url)) if url else {}
    except ValueError as error:
        # Without the URL itself: it may hold a password.
        raise ImproperlyConfigured(
            "DATABASE_URL isn't a database's URL. Write it like postgres://user:password@host:5432/name."
        ) from error


def locked_mail_server() -> dict[str, object]:
    """The fields of the mail server that the environment fixes."""
    fixed: dict[str, object] = {
        field: os.environ[variable(field)] for field in MAIL_SERVER_FIELDS if variable(field) in os.environ
    }
    if "force_from" in fixed:
        fixed["force_from"] = yes_or_no(variable("force_from"))
    return fixed


def variable(field: str) -> str:
    """The environment variable that fixes a field of the mail server."""
    return f"MAILCONFIG_{field.upper()}"
