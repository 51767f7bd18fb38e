"""P9: the server's time for the settings page, against a plain ModelAdmin change form of as many fields."""

import re
import sys

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from benchmarks.comparison import Action, Comparison, effort, report
from benchmarks.project import project


def _sign_in() -> Client:
    client = Client()
    client.force_login(get_user_model()._default_manager.create(username="admin", is_staff=True, is_superuser=True))
    return client


def _save_rows() -> tuple[str, str]:
    """Filled in, as pages are when they are opened; the addresses of their forms, the plain one's first."""
    model = apps.get_app_config("benchmarks").get_model("PlainSettings")
    plain = model._default_manager.create(name="www", email="me@example.com")
    settings = apps.get_model("mailconfig", "MailServer")._default_manager.create(
        host="mail.example.com", from_email="shop@example.com", username="shop@example.com", password="benchmark"
    )
    return (
        reverse("admin:benchmarks_plainsettings_change", args=[plain.pk]),
        reverse("admin:mailconfig_mailserver_change", args=[settings.pk]),
    )


def _getter(client: Client, page: str) -> Action:
    def get() -> str:
        response = client.get(page)
        assert response.status_code == 200
        return response.text

    return get


def _fields(page: object) -> int:
    return len(re.findall(r'class="form-row\b', str(page)))


def _queries(get: Action) -> int:
    with CaptureQueriesContext(connection) as queries:
        get()
    return len(queries)


def _add_more() -> None:
    """A hundred further mailers, and test emails and changes in the history, by the same administrator."""
    log = apps.get_model("admin", "LogEntry")._default_manager
    servers = apps.get_model("mailconfig", "MailServer")._default_manager
    user = get_user_model()._default_manager.get()
    content_type = apps.get_model("contenttypes", "ContentType")._default_manager.get(model="mailserver")
    for number in range(100):
        servers.create(alias=f"mailer{number}", host="mail.example.com")
        log.create(user=user, content_type=content_type, object_id="1", object_repr="mail", action_flag=2)


def main() -> int:
    how_long = effort(__doc__)
    with project():
        client = _sign_in()
        plain, settings = (_getter(client, page) for page in _save_rows())
        assert _fields(plain()) == _fields(settings()), "the two pages must have as many fields"
        page = Comparison("P9", f"GET of the page, {_fields(settings())} fields", at_most=1.3)
        page.run(plain, settings, how_long)
        before = _queries(settings)
        _add_more()
        after = _queries(settings)
        print(
            f"Queries: {before}, with a hundred more mailers and history entries {after}; plain: {_queries(plain)}.\n"
        )
    return report([page], "" if before == after else f"P9 missed: {before} queries became {after}")


if __name__ == "__main__":
    sys.exit(main())
