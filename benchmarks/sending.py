"""P1 and P2: send_mail() one at a time through our EmailBackend, against Django's SMTP backend on the same server."""

import os
import sys
from pathlib import Path
from typing import Any, Final

import django
from django.apps import apps
from django.core.mail import get_connection, send_mail
from django.test import override_settings
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from benchmarks.comparison import Action, Comparison, effort, report
from benchmarks.project import project
from benchmarks.sink import Ports, running

BODY: Final = "All work and no play makes Jack a dull boy, says this line.\n" * 84  # 5 KB
USER: Final = {"username": "shop@example.com", "password": "benchmark"}
DJANGO: Final = "django.core.mail.backends.smtp.EmailBackend"
OURS: Final = "mailconfig.backends.EmailBackend"


def _mailers(ports: Ports) -> dict[str, dict[str, Any]]:
    """Ours have their settings in the row named like the mailer."""
    host = {"host": "127.0.0.1", "timeout": 30}
    return {
        "django_tls": {"BACKEND": DJANGO, "OPTIONS": {**host, "port": ports.tls, "use_ssl": True, **USER}},
        "django_plain": {"BACKEND": DJANGO, "OPTIONS": {**host, "port": ports.plain}},
        "tls": {"BACKEND": OURS, "OPTIONS": {}},
        "plain": {"BACKEND": OURS, "OPTIONS": {"keep_alive": 0}},
    }


def _save_rows(ports: Ports) -> None:
    rows = apps.get_model("mailconfig", "MailServer")._default_manager
    server = {"host": "127.0.0.1", "from_email": "shop@example.com"}
    rows.create(alias="tls", port=ports.tls, security="ssl", auth_method="auto", **USER, **server)
    rows.create(alias="plain", port=ports.plain, security="none", auth_method="none", **server)


def _trust(authority: Path) -> None:
    """For both sides the sink's authority, beside as many as a machine has: to load them is what a context costs."""
    bundle = authority.with_name("authorities.pem")
    bundle.write_text(Path(DEFAULT_CA_BUNDLE_PATH).read_text() + authority.read_text())
    os.environ["SSL_CERT_FILE"] = str(bundle)


def _sender(alias: str, mailer: dict[str, Any]) -> Action:
    """Sends one mail; before Django 6.1 there is no MAILERS, and the backend is handed over."""

    def send() -> None:
        chosen: dict[str, Any] = {"using": alias}
        if django.VERSION < (6, 1):
            chosen = {"connection": get_connection(mailer["BACKEND"], alias=alias, **mailer["OPTIONS"])}
        assert send_mail("Your order", BODY, "shop@example.com", ["customer@example.com"], **chosen) == 1

    return send


def main() -> int:
    how_long = effort(__doc__)
    tls = Comparison("P1", "over TLS with AUTH, connection kept", at_least=15)
    plain = Comparison("P2", "without TLS and AUTH, a connection each", at_least=1.0)
    with project() as folder, running(folder) as ports:
        _trust(folder / "ca.pem")
        _save_rows(ports)
        mailers = _mailers(ports)
        with override_settings(MAILERS=mailers):
            senders = {alias: _sender(alias, mailer) for alias, mailer in mailers.items()}
            tls.run(senders["django_tls"], senders["tls"], how_long)
            plain.run(senders["django_plain"], senders["plain"], how_long)
    return report([tls, plain])


if __name__ == "__main__":
    sys.exit(main())
