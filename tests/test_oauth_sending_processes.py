"""Sixteen processes send at the moment a token expires: one renews it, and all mails arrive (P10)."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

import pytest

from tests.conftest import IdentityProviderFactory, SMTPServerFactory
from tests.servers.certificates import Authority
from tests.servers.postgresql import postgresql
from tests.servers.processes import Site
from tests.test_tokens_processes import create_account

pytestmark = pytest.mark.slow

PROCESSES: Final = 16
CONFIGURE: Final = """
from mailconfig.models import MailServer
from oauthconnections.models import OAuthAccount
account = OAuthAccount.objects.get(pk=given["account"])
MailServer.objects.update_or_create(
    alias="default",
    defaults={**given["server"], "oauth_account": account, "oauth_connection": account.connection},
)
"""
SEND: Final = """
from django.core.mail import send_mail
answer(send_mail("Hello", "Hi", None, [given["to"]]))
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with ExitStack() as running:
        is_sqlite = request.param == "sqlite"
        url = (
            f"sqlite:///{tmp_path_factory.mktemp('site') / 'db'}" if is_sqlite else running.enter_context(postgresql())
        )
        site = Site(url)
        site.migrate()
        yield site


def test_one_renews_and_all_mails_arrive(  # S-10
    site: Site, identity_provider: IdentityProviderFactory, smtp_server: SMTPServerFactory, ca: Authority
) -> None:
    provider = identity_provider(rotate=True)
    server = smtp_server(
        security="starttls", mechanisms=("XOAUTH2",), tokens=lambda _user, token: bool(provider.is_active(token))
    )
    account, _grant = create_account(site, provider)
    known = {"host": server.host, "port": server.port, "security": "starttls", "ca_bundle": ca.pem}
    known |= {"from_email": "jane@example.com", "ehlo_source": "custom", "ehlo_name": "site.example.com"}
    configured = site.run(CONFIGURE, account=account, server=known)
    assert configured.status == 0, configured.errors

    recipients = [f"somebody{number}@example.com" for number in range(PROCESSES)]
    ended = site.run_at_once(SEND, [{"to": recipient} for recipient in recipients])

    assert [process.errors for process in ended if process.status] == []
    assert [process.answer for process in ended] == [1] * PROCESSES
    assert sorted(received.recipients[0] for received in server.messages) == sorted(recipients)
    assert provider.refreshes == 1
