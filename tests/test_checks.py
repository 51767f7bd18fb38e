"""What `manage.py check` says of a project's mail settings."""

from pathlib import Path
from typing import Any

import django
import pytest
from django.apps import apps
from django.core.checks import CheckMessage, run_checks
from pytest_django import Settings

from mailconfig.locks import LOCKABLE
from mailconfig.notifications.checks import HANDLER

OURS = "mailconfig.backends.EmailBackend"
CONSOLE = "django.core.mail.backends.console.EmailBackend"


# Some of Django's own checks ask the database what it can.
pytestmark = [pytest.mark.usefixtures("our_backend"), pytest.mark.django_db]


def found() -> list[CheckMessage]:
    return [message for message in run_checks() if (message.id or "").startswith("mailconfig")]


def use_backends(settings: Settings, **backends: str) -> None:
    if django.VERSION >= (6, 1):
        settings.MAILERS = {alias: {"BACKEND": backend} for alias, backend in backends.items()}
    else:
        settings.EMAIL_BACKEND = backends["default"]


def test_a_project_as_documented_is_fine(settings: Settings) -> None:
    use_backends(settings, default=OURS)
    assert found() == []


@pytest.mark.parametrize("backend", [CONSOLE, "no.such.Backend", "mailconfig.models.MailServer"])
def test_mailers_that_point_elsewhere_are_warned_about(settings: Settings, backend: str) -> None:
    use_backends(settings, default=backend)
    (warning,) = found()
    assert warning.id == "mailconfig.W001"
    assert OURS in str(warning.hint)


def test_one_mailer_of_several_is_enough(settings: Settings) -> None:
    use_backends(settings, default=OURS, other=CONSOLE)
    assert found() == []


@pytest.mark.parametrize(
    ("configured", "said"),
    [
        ({"port": "s3cret"}, "'port'"),
        ({"port": 70000}, "less than or equal to 65535"),
        ({"host": "smtp://s3cret"}, "'host'"),
        ({"security": "s3cret"}, "one of: none, starttls, ssl."),
        ({"auth_method": ""}, "one of: none, auto, plain, login, cram-md5, xoauth2."),
        ({"password": "s3cret\n"}, "'password'"),
        ({"from_email": "s3cret"}, "Enter one e-mail address"),
        ({"ehlo_name": "s3cret s3cret"}, "not a host name"),
        ({"timeout": ""}, "'timeout'"),
        ({"timeout": 601}, "less than or equal to 600"),
        ({"force_from": "s3cret"}, "'force_from'"),
        ({"ca_bundle": "s3cret"}, "BEGIN CERTIFICATE"),
        ({"hots": "s3cret"}, "'hots' is not a field that can be set"),
        ({"alias": "s3cret"}, "'alias' is not a field that can be set"),
        ({"default": {"port": "s3cret"}}, "'port'"),
        ({"defualt": {"port": "s3cret"}}, "'defualt' is not a mailer of this project"),
    ],
    ids=str,
)
def test_a_value_that_can_not_be_used_is_an_error_and_not_printed(
    settings: Settings, configured: dict[str, Any], said: str
) -> None:
    settings.MAILCONFIG = configured
    (error,) = found()
    assert error.id == "mailconfig.E001"
    assert said in error.msg
    assert "s3cret" not in error.msg


def test_each_error_names_its_source(settings: Settings) -> None:
    settings.MAILCONFIG = {"port": "x", "timeout": "x"}
    settings.MAILCONFIG_SOURCES = {"port": "MAILCONFIG_PORT"}
    port, timeout = (error.msg for error in found())
    assert port.startswith("MAILCONFIG_PORT: ")
    assert timeout.startswith("MAILCONFIG in the settings of this site: ")


def test_an_unknown_field_is_told_which_there_are(settings: Settings) -> None:
    settings.MAILCONFIG = {"smtp_host": "x"}
    assert all(name in found()[0].msg for name in LOCKABLE)


@pytest.mark.parametrize(
    "configured", [None, {}, {"port": "", "host": "smtp.example.com", "password": "enc:v1:x"}], ids=str
)
def test_usable_values_are_fine(settings: Settings, configured: dict[str, Any] | None) -> None:
    settings.MAILCONFIG = configured
    assert found() == []


def test_a_certificate_file_that_is_missing_is_an_error(settings: Settings, tmp_path: Path) -> None:
    settings.EMAIL_CA_BUNDLE = str(tmp_path / "missing.pem")
    (error,) = found()
    assert error.id == "mailconfig.E002"
    assert "missing.pem" in error.msg
    (tmp_path / "missing.pem").touch()
    assert found() == []


def test_a_handler_without_its_app_tells_nobody(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    use_backends(settings, default=OURS)
    handlers = {"notify": {"class": HANDLER}}
    settings.LOGGING = {"version": 1, "handlers": handlers, "disable_existing_loggers": False}
    assert found() == []
    monkeypatch.delitem(apps.app_configs, "mailconfig_notifications")  # to load all apps anew would outlast this test
    (error,) = found()
    assert error.id == "mailconfig_notifications.E001"
