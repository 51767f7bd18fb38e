"""Who may do what (S-22): every address of our apps in the admin, and each kind of person who asks for it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final

import pytest
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from mailconfig.models import MailServer
from mailconfig.notifications.models import Happening, Notifications
from mailconfig.scheduling.models import ScheduledJob
from oauthconnections.models import OAuthAccount, OAuthConnection, WebServer
from tests.conftest import MailServerFactory
from tests.notifying import chosen
from tests.settings_page import Page, sent

NAMESPACES: Final = ("mailconfig_monitoring", "oauthconnections")
LOGIN: Final = "login"
"""A redirect to the log-in page."""
Answer = int | str
ONE_DAY: Final = timedelta(days=1)

PEOPLE: Final = ("anonymous", "charlie", "bob", "tester", "alice", "administrator")

GET: Final[dict[str, list[Answer]]] = {
    # name of the address:                 anonymous, charlie, bob, tester, alice, administrator
    "mailconfig_mailserver_changelist": [LOGIN, 403, 302, 403, 302, 302],
    "mailconfig_mailserver_add": [LOGIN, 403, 403, 403, 403, 403],
    "mailconfig_mailserver_history": [LOGIN, 403, 200, 403, 200, 200],
    "mailconfig_mailserver_history_csv": [LOGIN, 403, 200, 403, 200, 200],
    "mailconfig_mailserver_delete": [LOGIN, 403, 403, 403, 403, 403],
    "mailconfig_mailserver_change": [LOGIN, 403, 200, 403, 200, 200],
    "mailconfig_mailserver_test": [LOGIN, 403, 403, 200, 200, 200],
    "mailconfig_mailserver_ehlo": [LOGIN, 405, 405, 405, 405, 405],
    "mailconfig_mailserver_detect": [LOGIN, 405, 405, 405, 405, 405],
    "mailconfig_mailserver_check": [LOGIN, 405, 405, 405, 405, 405],
    "mailconfig_mailserver_restore": [LOGIN, 405, 405, 405, 405, 405],
    "mailconfig_notifications_notifications_changelist": [LOGIN, 403, 302, 403, 302, 302],
    "mailconfig_notifications_notifications_add": [LOGIN, 403, 403, 403, 403, 403],
    "mailconfig_notifications_notifications_history": [LOGIN, 403, 200, 403, 200, 200],
    "mailconfig_notifications_notifications_delete": [LOGIN, 403, 403, 403, 403, 403],
    "mailconfig_notifications_notifications_change": [LOGIN, 403, 200, 403, 200, 200],
    "mailconfig_notifications_notifications_history_csv": [LOGIN, 403, 200, 403, 200, 200],
    "mailconfig_notifications_notifications_sample": [LOGIN, 405, 405, 405, 405, 405],
    "mailconfig_notifications_happening_changelist": [LOGIN, 403, 200, 403, 200, 200],
    "mailconfig_notifications_happening_add": [LOGIN, 403, 403, 403, 403, 403],
    "mailconfig_notifications_happening_history": [LOGIN, 403, 200, 403, 200, 200],
    "mailconfig_notifications_happening_delete": [LOGIN, 403, 403, 403, 403, 403],
    "mailconfig_notifications_happening_change": [LOGIN, 403, 200, 403, 200, 200],
    "mailconfig_help_changelist": [LOGIN, 200, 200, 200, 200, 200],
    "mailconfig_help_page": [LOGIN, 200, 200, 200, 200, 200],
    "mailconfig_help_all": [LOGIN, 200, 200, 200, 200, 200],
    "mailconfig_help_pdf": [LOGIN, 200, 200, 200, 200, 200],
    "oauthconnections_oauthaccount_changelist": [LOGIN, 403, 200, 403, 200, 200],
    "oauthconnections_oauthaccount_add": [LOGIN, 403, 403, 403, 403, 403],
    "oauthconnections_oauthaccount_history": [LOGIN, 403, 200, 403, 200, 200],
    "oauthconnections_oauthaccount_history_csv": [LOGIN, 403, 200, 403, 200, 200],
    "oauthconnections_oauthaccount_delete": [LOGIN, 403, 403, 403, 403, 200],
    "oauthconnections_oauthaccount_change": [LOGIN, 403, 200, 403, 200, 200],
    "oauthconnections_oauthaccount_authenticate": [LOGIN, 405, 405, 405, 405, 405],
    "oauthconnections_oauthaccount_renew": [LOGIN, 405, 405, 405, 405, 405],
    "oauthconnections_oauthaccount_disconnect": [LOGIN, 403, 403, 403, 403, 200],
    "oauthconnections_oauthconnection_changelist": [LOGIN, 403, 200, 403, 200, 200],
    "oauthconnections_oauthconnection_add": [LOGIN, 403, 403, 403, 403, 200],
    "oauthconnections_oauthconnection_history": [LOGIN, 403, 200, 403, 200, 200],
    "oauthconnections_oauthconnection_history_csv": [LOGIN, 403, 200, 403, 200, 200],
    "oauthconnections_oauthconnection_delete": [LOGIN, 403, 403, 403, 403, 200],
    "oauthconnections_oauthconnection_change": [LOGIN, 403, 200, 403, 200, 200],
    "oauthconnections_oauthconnection_authenticate": [LOGIN, 405, 405, 405, 405, 405],
    "oauthconnections_oauthconnection_application": [LOGIN, 405, 405, 405, 405, 405],
    "mailconfig_monitoring:healthz": [200, 200, 200, 200, 200, 200],
    "mailconfig_monitoring:live": [200, 200, 200, 200, 200, 200],
    "mailconfig_monitoring:metrics": [404, 404, 404, 404, 404, 404],  # until a token or networks are set
    "oauthconnections:callback": [400, 400, 400, 400, 400, 400],
    "oauthconnections:again": [405, 405, 405, 405, 405, 405],
    "oauthconnections_webserver_changelist": [LOGIN, 403, 302, 403, 302, 302],
    "oauthconnections_webserver_add": [LOGIN, 403, 403, 403, 403, 403],
    "oauthconnections_webserver_history": [LOGIN, 403, 200, 403, 200, 200],
    "oauthconnections_webserver_history_csv": [LOGIN, 403, 200, 403, 200, 200],
    "oauthconnections_webserver_delete": [LOGIN, 403, 403, 403, 403, 403],
    "oauthconnections_webserver_change": [LOGIN, 403, 200, 403, 200, 200],
    "scheduling_scheduledjob_changelist": [LOGIN, 403, 200, 403, 200, 200],
    "scheduling_scheduledjob_add": [LOGIN, 403, 403, 403, 403, 403],
    "scheduling_scheduledjob_history": [LOGIN, 403, 200, 403, 200, 200],
    "scheduling_scheduledjob_history_csv": [LOGIN, 403, 200, 403, 200, 200],
    "scheduling_scheduledjob_delete": [LOGIN, 403, 403, 403, 403, 403],
    "scheduling_scheduledjob_change": [LOGIN, 403, 200, 403, 200, 200],
    "scheduling_scheduledjob_run": [LOGIN, 405, 405, 405, 405, 405],
}
POST: Final[dict[str, list[Answer]]] = {
    "mailconfig_mailserver_changelist": [LOGIN, 403, 302, 403, 302, 302],
    "mailconfig_mailserver_add": [LOGIN, 403, 403, 403, 403, 403],
    "mailconfig_mailserver_history": [LOGIN, 403, 200, 403, 200, 200],
    "mailconfig_mailserver_history_csv": [LOGIN, 405, 405, 405, 405, 405],
    "mailconfig_mailserver_delete": [LOGIN, 403, 403, 403, 403, 403],
    "mailconfig_mailserver_change": [LOGIN, 403, 403, 403, 302, 302],
    "mailconfig_mailserver_test": [LOGIN, 403, 403, 200, 200, 200],
    "mailconfig_mailserver_ehlo": [LOGIN, 403, 403, 403, 302, 302],
    "mailconfig_mailserver_detect": [LOGIN, 403, 403, 403, 200, 200],
    "mailconfig_mailserver_check": [LOGIN, 403, 403, 403, 200, 200],
    "mailconfig_mailserver_restore": [LOGIN, 403, 403, 403, 302, 302],
    "mailconfig_notifications_notifications_changelist": [LOGIN, 403, 302, 403, 302, 302],
    "mailconfig_notifications_notifications_add": [LOGIN, 403, 403, 403, 403, 403],
    "mailconfig_notifications_notifications_history": [LOGIN, 403, 200, 403, 200, 200],
    "mailconfig_notifications_notifications_delete": [LOGIN, 403, 403, 403, 403, 403],
    "mailconfig_notifications_notifications_change": [LOGIN, 403, 403, 403, 302, 302],
    "mailconfig_notifications_notifications_history_csv": [LOGIN, 405, 405, 405, 405, 405],
    "mailconfig_notifications_notifications_sample": [LOGIN, 403, 403, 403, 302, 302],
    "mailconfig_notifications_happening_changelist": [LOGIN, 403, 200, 403, 200, 200],
    "mailconfig_notifications_happening_add": [LOGIN, 403, 403, 403, 403, 403],
    "mailconfig_notifications_happening_history": [LOGIN, 403, 200, 403, 200, 200],
    "mailconfig_notifications_happening_delete": [LOGIN, 403, 403, 403, 403, 403],
    "mailconfig_notifications_happening_change": [LOGIN, 403, 403, 403, 403, 403],
    "mailconfig_help_changelist": [LOGIN, 405, 405, 405, 405, 405],
    "mailconfig_help_page": [LOGIN, 405, 405, 405, 405, 405],
    "mailconfig_help_all": [LOGIN, 405, 405, 405, 405, 405],
    "mailconfig_help_pdf": [LOGIN, 405, 405, 405, 405, 405],
    "oauthconnections_oauthaccount_changelist": [LOGIN, 403, 200, 403, 200, 200],
    "oauthconnections_oauthaccount_add": [LOGIN, 403, 403, 403, 403, 403],
    "oauthconnections_oauthaccount_history": [LOGIN, 403, 200, 403, 200, 200],
    "oauthconnections_oauthaccount_history_csv": [LOGIN, 405, 405, 405, 405, 405],
    "oauthconnections_oauthaccount_delete": [LOGIN, 403, 403, 403, 403, 200],
    "oauthconnections_oauthaccount_change": [LOGIN, 403, 403, 403, 403, 403],
    "oauthconnections_oauthaccount_authenticate": [LOGIN, 403, 403, 403, 403, 200],
    "oauthconnections_oauthaccount_renew": [LOGIN, 403, 403, 403, 403, 302],
    "oauthconnections_oauthaccount_disconnect": [LOGIN, 403, 403, 403, 403, 302],
    "oauthconnections_oauthconnection_changelist": [LOGIN, 403, 200, 403, 200, 200],
    "oauthconnections_oauthconnection_add": [LOGIN, 403, 403, 403, 403, 200],
    "oauthconnections_oauthconnection_history": [LOGIN, 403, 200, 403, 200, 200],
    "oauthconnections_oauthconnection_history_csv": [LOGIN, 405, 405, 405, 405, 405],
    "oauthconnections_oauthconnection_delete": [LOGIN, 403, 403, 403, 403, 200],
    "oauthconnections_oauthconnection_change": [LOGIN, 403, 403, 403, 200, 200],
    "oauthconnections_oauthconnection_authenticate": [LOGIN, 403, 403, 403, 403, 200],
    "oauthconnections_oauthconnection_application": [LOGIN, 403, 403, 403, 403, 302],
    "mailconfig_monitoring:healthz": [405, 405, 405, 405, 405, 405],
    "mailconfig_monitoring:live": [405, 405, 405, 405, 405, 405],
    "mailconfig_monitoring:metrics": [405, 405, 405, 405, 405, 405],
    "oauthconnections:callback": [405, 405, 405, 405, 405, 405],
    "oauthconnections:again": [403, 403, 403, 403, 403, 404],
    "oauthconnections_webserver_changelist": [LOGIN, 403, 302, 403, 302, 302],
    "oauthconnections_webserver_add": [LOGIN, 403, 403, 403, 403, 403],
    "oauthconnections_webserver_history": [LOGIN, 403, 200, 403, 200, 200],
    "oauthconnections_webserver_history_csv": [LOGIN, 405, 405, 405, 405, 405],
    "oauthconnections_webserver_delete": [LOGIN, 403, 403, 403, 403, 403],
    "oauthconnections_webserver_change": [LOGIN, 403, 403, 403, 302, 302],
    "scheduling_scheduledjob_changelist": [LOGIN, 403, 200, 403, 200, 200],
    "scheduling_scheduledjob_add": [LOGIN, 403, 403, 403, 403, 403],
    "scheduling_scheduledjob_history": [LOGIN, 403, 200, 403, 200, 200],
    "scheduling_scheduledjob_history_csv": [LOGIN, 405, 405, 405, 405, 405],
    "scheduling_scheduledjob_delete": [LOGIN, 403, 403, 403, 403, 403],
    "scheduling_scheduledjob_change": [LOGIN, 403, 403, 403, 302, 302],
    "scheduling_scheduledjob_run": [LOGIN, 403, 403, 403, 403, 302],
}


def names(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from names(pattern, f"{pattern.namespace}:" if pattern.namespace in NAMESPACES else "")
        elif isinstance(pattern, URLPattern):
            name = f"{prefix}{pattern.name or ''}"
            if name.startswith(("mailconfig", "oauthconnections", "scheduling")):
                yield name


def path(name: str) -> str:
    if ":" in name:
        return reverse(name, args=(99,) if name.endswith("again") else ())
    if name == "mailconfig_help_page":
        return reverse(f"admin:{name}", args=["outbox"])
    of_no_row = name.endswith(("_changelist", "_add", "_history_csv")) or name.startswith("mailconfig_help")
    return reverse(f"admin:{name}", args=() if of_no_row else (1,))


@pytest.fixture(autouse=True)
def rows(mail_server: MailServerFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailconfig.helping.pdf.make", lambda title, language: b"%PDF")  # a true one takes seconds
    mail_server(pk=1, host="saved.example.com")
    WebServer.objects.create(external_url="https://saved.example")
    nobody = {"authorize_url": "https://localhost:1/authorize", "token_url": "https://localhost:1/token"}
    fields = {"provider": "microsoft", "tenant": "contoso.com", "client_id": "site", "client_secret": "s3cr3t"}
    connection = OAuthConnection.objects.create(pk=1, name="Contoso", **fields, **nobody)
    OAuthAccount.objects.create(pk=1, connection=connection, subject="1", refresh_token="token")
    chosen()
    Happening.objects.create(pk=1, occasion="sending", first_at=timezone.now(), last_at=timezone.now())
    ScheduledJob.objects.create(pk=1, name="mailconfig.tidy_outbox", every=60, next_run=timezone.now() + ONE_DAY)


@pytest.fixture
def tester(charlie: User) -> User:
    """May send test emails and nothing else."""
    user = User.objects.create_user("tester", "tester@example.com", "password", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="send_test_email"))
    return user


@pytest.fixture
def administrator(db: None) -> User:
    return User.objects.create_superuser("administrator")


@pytest.fixture
def anonymous() -> AnonymousUser:
    return AnonymousUser()


@pytest.fixture
def ask(client: Client, request: pytest.FixtureRequest) -> Callable[[str, str, str], Answer]:
    def ask(person: str, method: str, name: str) -> Answer:
        user = request.getfixturevalue(person)
        if user.is_authenticated:
            client.force_login(user)
        typed = {"external_url": "https://new.example", "every_minutes": "9", "every": "30", "enabled": "on"}
        data = sent(None, typed) if name.endswith("_change") else {}
        response = client.get(path(name)) if method == "GET" else client.post(path(name), data)
        if response.status_code == 302 and response["Location"].startswith(reverse("admin:login")):
            return LOGIN
        return int(response.status_code)

    return ask


def test_every_address_of_ours_is_in_the_tables() -> None:
    found = sorted(names(get_resolver()))
    assert found
    assert found == sorted(GET) == sorted(POST)


@pytest.mark.parametrize("number", range(len(PEOPLE)), ids=PEOPLE)
@pytest.mark.parametrize(("method", "table"), [("GET", GET), ("POST", POST)], ids=["GET", "POST"])
def test_each_address_lets_in_whom_it_should(
    ask: Callable[[str, str, str], Answer], number: int, method: str, table: dict[str, list[Answer]]
) -> None:
    expected = {name: answers[number] for name, answers in table.items()}
    assert {name: ask(PEOPLE[number], method, name) for name in table} == expected


STORED: Final = (MailServer, WebServer, OAuthConnection, OAuthAccount, Notifications, Happening, ScheduledJob)


def stored() -> list[object]:
    return [model.objects.values().get(pk=1) for model in STORED]


@pytest.mark.parametrize("person", ["charlie", "bob", "tester"])
def test_who_is_refused_changes_nothing(ask: Callable[[str, str, str], Answer], person: str) -> None:
    before = stored()
    for name in POST:
        ask(person, "POST", name)
    assert stored() == before


def test_a_viewer_gets_no_buttons_that_would_be_refused(client: Client, bob: User) -> None:
    client.force_login(bob)
    page = Page.of(client.get(path("mailconfig_mailserver_change")))
    assert "site.example.com" in page.text
    assert not {"Send test email", "Determine", "Check name", "Detect settings", "Check sender domain"} & {
        text.strip() for text in page.texts
    }
    assert 'name="_save"' not in page.html


def test_alice_gets_them(client: Client, alice: User) -> None:
    client.force_login(alice)
    page = Page.of(client.get(path("mailconfig_mailserver_change")))
    assert {"Send test email", "Determine", "Check name", "Detect settings", "Check sender domain"} <= {
        text.strip() for text in page.texts
    }
    assert 'name="_save"' in page.html


def test_a_row_that_is_not_there_is_not_found(client: Client, alice: User) -> None:
    client.force_login(alice)
    assert client.get(reverse("admin:mailconfig_mailserver_test", args=[99])).status_code == 404
    assert client.post(reverse("admin:mailconfig_mailserver_ehlo", args=[99])).status_code == 404
    assert client.get(reverse("admin:mailconfig_mailserver_change", args=[99]), follow=True).status_code == 200


def test_the_group_editor_offers_our_permissions(client: Client, administrator: User) -> None:
    client.force_login(administrator)
    text = Page.of(client.get(reverse("admin:auth_group_add"))).text
    for permission in (
        "outgoing mail server (SMTP) | Can view outgoing mail server (SMTP)",
        "outgoing mail server (SMTP) | Can change outgoing mail server (SMTP)",
        "outgoing mail server (SMTP) | Can send a test email",
        "web server | Can change web server",
        "notifications | Can change notifications",
        "happening | Can view happening",
        "OAuth connection | Can add OAuth connection",
        "OAuth account | Can authenticate accounts",
        "OAuth account | Can delete OAuth account",
        "scheduled job | Can run scheduled jobs at once",
    ):
        assert permission in text
    assert "Can delete outgoing mail server" not in text
    assert "Can change OAuth account" not in text
