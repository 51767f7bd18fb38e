"""Django's own tests for e-mail backends, from the source distribution of the Django that is installed, run on ours."""

import subprocess
import sys
import tarfile
import unittest
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Final

import django
import pytest
from django.conf import settings
from django.test import TestCase

from mailconfig.backends import EmailBackend
from mailconfig.models import MailServer

pytestmark = [pytest.mark.pypi, pytest.mark.slow]

DJANGOS_OWN_CLASS: Final = "tests how Django's backend takes its options from EMAIL_* settings; ours has no options"
NOT_APPLICABLE: Final = {
    "test_ignores_settings_when_initialized_with_alias": DJANGOS_OWN_CLASS,
    "test_direct_construction_deprecated": DJANGOS_OWN_CLASS,
    "test_email_host_use_settings": DJANGOS_OWN_CLASS,
    "test_email_host_override_settings": DJANGOS_OWN_CLASS,
    "test_email_authentication_use_settings": DJANGOS_OWN_CLASS,
    "test_email_authentication_override_settings": DJANGOS_OWN_CLASS,
    "test_email_disabled_authentication": DJANGOS_OWN_CLASS,
    "test_email_tls_use_settings": DJANGOS_OWN_CLASS,
    "test_email_tls_override_settings": DJANGOS_OWN_CLASS,
    "test_email_ssl_use_settings": DJANGOS_OWN_CLASS,
    "test_email_ssl_override_settings": DJANGOS_OWN_CLASS,
    "test_email_ssl_certfile_use_settings": DJANGOS_OWN_CLASS,
    "test_email_ssl_certfile_override_settings": DJANGOS_OWN_CLASS,
    "test_email_ssl_keyfile_use_settings": DJANGOS_OWN_CLASS,
    "test_email_ssl_keyfile_override_settings": DJANGOS_OWN_CLASS,
    "test_email_timeout_use_settings": DJANGOS_OWN_CLASS,
    "test_email_timeout_override_settings": DJANGOS_OWN_CLASS,
    "test_connection_timeout_custom": "a subclass of Django's class whose option says the time-out; ours is in the row",
    "test_connection_timeout_default": "Django's waits forever by default, ours 30 seconds (S-21)",
    "test_host_option_required": "the host is in the row, not in the options",
    "test_port_default_adapts_to_security": "the usual ports are the row's: 25, 25 and 465",
    "test_ssl_tls_settings_mutually_exclusive": "one field says which encryption, so there is nothing to exclude",
    "test_ssl_tls_mutually_exclusive": "one field says which encryption, so there is nothing to exclude",
    "test_email_ssl_certfile_default_disabled": "there are no client certificates",
    "test_email_ssl_keyfile_default_disabled": "there are no client certificates",
    "test_ssl_context_uses_ssl_certfile_and_keyfile": "there are no client certificates",
    "test_smtp_connection_uses_host_and_port": "replaces smtplib.SMTP inside Django's module, which ours does not use",
    "test_reopen_replaces_partial_connection": "ours keeps no partial connection: what fails to open is closed at once",
    "test_prep_address_without_force_ascii": "a method for subclasses of Django's class",
}
"""Tests that are left out, and why. Everything else has to pass."""

ONLY_6_1: Final = {
    "test_auth_attempted": "replaces smtplib's login(), which ours does not call; test_backend.py logs in for real",
}
ONLY_5_2: Final = {
    "test_email_msg_uses_crlf": "replaces smtplib's send(), where ours says bytes; test_backend.py reads the wire",
}


def _fetch(folder: Path) -> Path:
    """The unpacked source distribution; fetched once, then found in the folder."""
    unpacked = folder / f"django-{django.__version__}"
    if not unpacked.exists():
        requirement = f"Django=={django.__version__}"
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", "Django", requirement]
        subprocess.run([*command, "-d", str(folder)], capture_output=True, check=True)
        with tarfile.open(f"{unpacked}.tar.gz") as archive:
            archive.extractall(folder, filter="data")
    return unpacked


def _configure(alias: str, *, use_tls: bool = False, use_ssl: bool = False, **fields: Any) -> None:
    security = "starttls" if use_tls else "ssl" if use_ssl else "none"
    fields |= {"security": security, "from_email": "site@example.com"}
    MailServer.objects.update_or_create(alias=alias, defaults=fields)


def _backend(alias: str | None, options: dict[str, Any]) -> EmailBackend:
    """Our backend, where a test asks for Django's: the server goes into the row, the rest stays an option."""
    of_the_row = ("host", "port", "username", "password", "use_tls", "use_ssl", "timeout")
    row = {name: options.pop(name) for name in of_the_row if name in options}
    _configure(alias or "default", **row)
    backend = EmailBackend(alias=alias, **options) if alias else EmailBackend(**options)
    # Tests look at these attributes of Django's class before they come to what the backend does.
    vars(backend).update(use_tls=row.get("use_tls", False), use_ssl=row.get("use_ssl", False), _partial_connection=None)
    return backend


class _Ours6_1:  # noqa: N801 - a version
    """What SMTPBackendTests of Django 6.1 needs to get our backend."""

    backend_class = EmailBackend
    smtp_controller: Any

    def create_backend(self, *, alias: str | None = "test_alias", **options: Any) -> EmailBackend:
        server = {"host": self.smtp_controller.hostname, "port": self.smtp_controller.port}
        return _backend(alias, server | options)

    def test_create_from_mailers(self) -> None:
        # Django's passes the option "host"; the test shared by all backends passes none.
        import_module("mail.test_backends").SharedEmailBackendTests.test_create_from_mailers(self)


class _Ours5_2:  # noqa: N801
    """What SMTPBackendTests of Django 5.2 needs: it asks for the backend by setting, and calls Django's class."""

    email_backend = "mailconfig.backends.EmailBackend"
    smtp_controller: Any

    def setUp(self) -> None:
        super().setUp()  # type: ignore[misc]
        _configure("default", host=self.smtp_controller.hostname, port=self.smtp_controller.port)


def _from_settings(**options: Any) -> EmailBackend:
    server = {"host": settings.EMAIL_HOST, "port": settings.EMAIL_PORT}
    encryption = {"use_tls": settings.EMAIL_USE_TLS, "use_ssl": settings.EMAIL_USE_SSL}
    return _backend(None, server | encryption | options)


class _OursStopped:
    """Our backend for the tests with a server that stopped."""

    smtp_controller: Any
    backend: EmailBackend

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()  # type: ignore[misc]
        server = {"host": cls.smtp_controller.hostname, "port": cls.smtp_controller.port}
        cls.backend = _backend("default", server)


def _subclasses(suite: ModuleType, ours: type, left_out: dict[str, str]) -> list[type[TestCase]]:
    names = dict.fromkeys(name for name in left_out if hasattr(suite.SMTPBackendTests, name))
    return [
        type("SMTPBackendTests", (ours, suite.SMTPBackendTests, TestCase), names),
        type("SMTPBackendStoppedServerTests", (_OursStopped, suite.SMTPBackendStoppedServerTests, TestCase), {}),
    ]


@pytest.fixture
def suite(pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch) -> unittest.TestSuite:
    sources = _fetch(pytestconfig.cache.mkdir("django-sdist"))
    monkeypatch.syspath_prepend(sources / "tests")
    if find_spec("mail.test_backends"):
        classes = _subclasses(import_module("mail.test_backends"), _Ours6_1, NOT_APPLICABLE | ONLY_6_1)
    else:
        module = import_module("mail.tests")
        monkeypatch.setattr(module, "smtp", SimpleNamespace(EmailBackend=_from_settings))
        classes = _subclasses(module, _Ours5_2, NOT_APPLICABLE | ONLY_5_2)
    load = unittest.defaultTestLoader.loadTestsFromTestCase
    return unittest.TestSuite(load(one) for one in classes)


@pytest.mark.django_db
def test_the_backend_passes_djangos_own_tests(suite: unittest.TestSuite) -> None:
    result = unittest.TestResult()
    suite.run(result)
    failures = [f"{test}\n{text}" for test, text in [*result.failures, *result.errors]]
    assert not failures, "\n".join(failures)
    assert result.skipped == []
    assert result.testsRun > 25
