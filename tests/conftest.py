"""What every test may ask for: servers, a browser, the cast of users, and the row they configure."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import django
import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import translation
from playwright.sync_api import Browser, Page
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from mailconfig.models import MailServer
from mailconfig.notifications.pending import pending
from mailconfig.outcomes import notes
from mailconfig.pool import pool
from oauthconnections.models import OAuthConnection
from tests import settings as project
from tests.missing_tools import (  # noqa: F401 - hooks: pytest finds them here
    pytest_make_collect_report,
    pytest_runtest_makereport,
    pytest_runtest_setup,
)
from tests.servers.browser import Complaints, accessibility_faults, chromium
from tests.servers.certificates import Authority
from tests.servers.dns import DnsServer
from tests.servers.dovecot import Dovecot, Introspects, dovecot
from tests.servers.identity_provider import IdentityProvider
from tests.servers.network import Network
from tests.servers.node_provider import NodeProvider
from tests.servers.node_provider import node_provider as run_node_provider
from tests.servers.scripted import Says, ScriptedServer
from tests.servers.smtp import SMTPServer
from tests.servers.toolkit_provider import ToolkitProvider
from tests.servers.toolkit_provider import toolkit_provider as run_toolkit_provider

SMTPServerFactory = Callable[..., SMTPServer]
ScriptedServerFactory = Callable[..., ScriptedServer]
MailServerFactory = Callable[..., MailServer]
IdentityProviderFactory = Callable[..., IdentityProvider]
NodeProviderFactory = Callable[..., NodeProvider]
ToolkitProviderFactory = Callable[..., ToolkitProvider]
DovecotFactory = Callable[..., Dovecot]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with something slow come first, so that no process of several has the last of them for itself."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


# --- servers ---


@pytest.fixture(scope="session")
def ca() -> Authority:
    """A certificate authority; `ca.pem` is its certificate as text."""
    return Authority()


@pytest.fixture
def smtp_server(ca: Authority) -> Iterator[SMTPServerFactory]:
    """`smtp_server(security="starttls", users={"me": "secret"})`; `names=["other.test"]` are its certificate's."""
    with ExitStack() as running:

        def start(names: tuple[str, ...] = (), **options: object) -> SMTPServer:
            server = SMTPServer(tls=ca.server_context(*names), **options)  # type: ignore[arg-type]
            return running.enter_context(server)

        yield start


@pytest.fixture
def scripted_server(ca: Authority) -> Iterator[ScriptedServerFactory]:
    """`scripted_server({"RCPT": "550 5.1.1 No", "DATA": scripted.stall})`; with `security="starttls"` or "ssl" too."""
    with ExitStack() as running:

        def start(
            script: dict[str, Says] | None = None, security: str = "none", names: tuple[str, ...] = ()
        ) -> ScriptedServer:
            return running.enter_context(ScriptedServer(script or {}, security, ca.server_context(*names)))

        yield start


@pytest.fixture
def trusts_ca(ca: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What uses `requests` trusts our certificate authority, and no other."""
    bundle = tmp_path / "authority.pem"
    bundle.write_text(ca.pem)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))


@pytest.fixture
def identity_provider(ca: Authority, trusts_ca: None) -> Iterator[IdentityProviderFactory]:
    """`identity_provider("microsoft", rotate=True)`, else "google" or "openid"; `tls=False` for plain http."""
    with ExitStack() as running:

        def start(kind: str = "openid", *, tls: bool = True, **options: Any) -> IdentityProvider:
            context = ca.server_context() if tls else None
            return running.enter_context(IdentityProvider(kind, context, **options))

        yield start


@pytest.fixture
def provider(identity_provider: IdentityProviderFactory) -> IdentityProvider:
    """One of OpenID Connect, as it comes."""
    return identity_provider()


@pytest.fixture
def toolkit_provider(
    ca: Authority, trusts_ca: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ToolkitProviderFactory]:
    """`toolkit_provider(lifetime=60)`: django-oauth-toolkit in a site of its own; `tls=False` for plain http."""
    with ExitStack() as running:

        def start(*, tls: bool = True, **options: object) -> ToolkitProvider:
            folder = tmp_path_factory.mktemp("toolkit")
            return running.enter_context(run_toolkit_provider(folder, ca if tls else None, **options))

        yield start


@pytest.fixture
def node_provider(
    ca: Authority, trusts_ca: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NodeProviderFactory]:
    """`node_provider("google")`: the npm package oidc-provider; needs the marker npm; `tls=False` for plain http."""
    with ExitStack() as running:

        def start(kind: str = "openid", *, tls: bool = True, **options: object) -> NodeProvider:
            folder = tmp_path_factory.mktemp("node")
            return running.enter_context(run_node_provider(folder, ca if tls else None, kind=kind, **options))

        yield start


@pytest.fixture
def submission_server(ca: Authority, smtp_server: SMTPServerFactory) -> Iterator[DovecotFactory]:
    """`submission_server(identity_provider())`: a Dovecot that takes that provider's tokens; see `.relay.messages`."""
    with ExitStack() as running:

        def start(provider: Introspects, **options: object) -> Dovecot:
            return running.enter_context(dovecot(ca, provider, smtp_server(), **options))

        yield start


@pytest.fixture
def dns_server() -> Iterator[Callable[..., DnsServer]]:
    """`dns_server("example.test. MX 10 mail.example.test.", {"example.test": "silent"})`; `.resolver` asks it."""
    with ExitStack() as running:
        yield lambda zone="", faults=None: running.enter_context(DnsServer(zone, faults or {}))


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    """`network.connect("smtp.example.test", 587, smtp_server())`; any other name leads nowhere."""
    network = Network()
    monkeypatch.setattr(socket, "getaddrinfo", network.getaddrinfo)
    return network


@pytest.fixture
def our_backend(settings: Settings) -> None:
    """Send through our backend: Django's test environment has replaced it by one that only remembers."""
    if django.VERSION >= (6, 1):
        settings.MAILERS = project.MAILERS
    else:
        settings.EMAIL_BACKEND = project.EMAIL_BACKEND


@pytest.fixture
def mail_server(db: None, ca: Authority, our_backend: None) -> MailServerFactory:
    """Configure the row of an alias: `mail_server(smtp_server(), password="secret")`; a server gives host, port, CA."""

    def configure(
        server: SMTPServer | ScriptedServer | None = None, alias: str = "default", **fields: object
    ) -> MailServer:
        values: dict[str, Any] = {"from_email": "site@example.com", "timeout": 5, "ehlo_source": "custom"}
        values |= {"ehlo_name": "site.example.com"}
        if server:
            values |= {"host": server.host, "port": server.port, "security": server.security, "ca_bundle": ca.pem}
        row, _created = MailServer.objects.update_or_create(alias=alias, defaults=values | fields)
        return row

    return configure


@pytest.fixture(autouse=True)
def no_connection_outlives_its_test() -> Iterator[None]:
    yield
    pool.close()


@pytest.fixture(autouse=True)
def no_outcome_outlives_its_test() -> Iterator[None]:
    yield
    notes.forget()  # else it is written by a later test, to a row of the same number


@pytest.fixture(autouse=True)
def no_happening_outlives_its_test() -> Iterator[None]:
    yield
    pending.forget()


@pytest.fixture(autouse=True)
def no_language_outlives_its_test() -> Iterator[None]:
    yield
    translation.deactivate()  # the middleware that chooses one leaves it to this thread


# --- the rows of connections ---


@pytest.fixture
def contoso(db: None) -> OAuthConnection:
    """One whose provider wants a server of its own."""
    return OAuthConnection.objects.create(name="Contoso", provider="microsoft", tenant="contoso.com", client_id="id")


@pytest.fixture
def keycloak(db: None) -> OAuthConnection:
    """One whose mail server is entered."""
    return OAuthConnection.objects.create(name="Keycloak", provider="openid", issuer="https://id.example.com")


# --- the cast ---


def _staff(name: str, *actions: str) -> User:
    user = User.objects.create_user(name, f"{name}@example.com", "password", is_staff=True)
    ours = ["mailconfig", "mailconfig_notifications", "oauthconnections", "scheduling"]
    of_our_apps = Permission.objects.filter(content_type__app_label__in=ours)
    user.user_permissions.set(p for p in of_our_apps if p.codename.startswith(actions))
    return user


@pytest.fixture
def alice(db: None) -> User:
    """May view and change the mail settings, and send test email."""
    return _staff("alice", "view_", "change_", "send_", "test_")


@pytest.fixture
def bob(db: None) -> User:
    """May only view the settings."""
    return _staff("bob", "view_")


@pytest.fixture
def olivia(alice: User) -> User:
    """May do what alice may, and authenticate accounts."""
    alice.user_permissions.add(Permission.objects.get(codename="authenticate_oauthaccount"))
    return alice


@pytest.fixture
def charlie(db: None) -> User:
    """Staff without any permission."""
    user = _staff("charlie", "view_")
    user.user_permissions.clear()
    return user


# --- the browser ---


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(live_server: LiveServer, browser: Browser) -> Iterator[Page]:
    """A page of its own on the live server; fails in the end if the browser complained of a script or its policy."""
    # The certificates of identity providers are of an authority that Chromium knows nothing of.
    context = browser.new_context(base_url=live_server.url, ignore_https_errors=True)
    context.set_default_timeout(10_000)
    page, complaints = context.new_page(), Complaints()
    complaints.watch(page)
    yield page
    context.close()
    assert complaints == []


@pytest.fixture
def sign_in(page: Page, live_server: LiveServer, client: Client) -> Callable[[User], None]:
    """`sign_in(alice)`: the page is theirs from now on."""

    def sign_in(user: User) -> None:
        client.force_login(user)
        cookie = client.cookies["sessionid"]
        page.context.add_cookies([{"name": "sessionid", "value": cookie.value, "url": live_server.url}])

    return sign_in


@pytest.fixture
def axe() -> Callable[[Page], None]:
    """`axe(page)`: fails with what is hard to use for people with a disability."""

    def check(page: Page) -> None:
        assert accessibility_faults(page) == ""

    return check
