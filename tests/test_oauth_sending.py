"""Mail goes out through the account of an OAuth connection, with a token that is good, or not at all."""

import smtplib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from mailconfig.backends import EmailBackend
from mailconfig.exceptions import AuthenticationLost, NoConnection, NotAuthenticated, NoTokenNow, PasswordUnreadable
from mailconfig.models import MailServer
from mailconfig.sasl import TokenRefused
from oauthconnections.fields import Undecryptable
from oauthconnections.models import OAuthAccount, OAuthConnection
from tests.conftest import IdentityProviderFactory, MailServerFactory, ScriptedServerFactory, SMTPServerFactory
from tests.oauth_accounts import account_of, application_of, changed, connected, expired
from tests.servers.identity_provider import IdentityProvider
from tests.servers.smtp import Login, SMTPServer
from tests.sessions import RECIPIENT

PAGE = "/admin/mailconfig/mailserver/"
JANE = "jane@example.com"


def send(to: str = RECIPIENT) -> int:
    return EmailMessage("Hello", "Hello", to=[to]).send()


@pytest.fixture
def provider(identity_provider: IdentityProviderFactory, db: None) -> IdentityProvider:
    return identity_provider()


@pytest.fixture
def start(smtp_server: SMTPServerFactory, provider: IdentityProvider) -> Callable[..., SMTPServer]:
    """A mail server that asks the provider of a token whether it is good."""

    def start(**options: Any) -> SMTPServer:
        known = {"security": "starttls", "mechanisms": ("XOAUTH2",), "tokens": lambda _user, token: known_to(token)}
        return smtp_server(**{**known, **options})

    def known_to(token: str) -> bool:
        return provider.is_active(token) is not None

    return start


@pytest.fixture
def server(start: Callable[..., SMTPServer]) -> SMTPServer:
    return start()


@pytest.fixture
def account(provider: IdentityProvider) -> OAuthAccount:
    return account_of(provider)


@pytest.fixture
def row(mail_server: MailServerFactory, server: SMTPServer, account: OAuthAccount) -> MailServer:
    return used(mail_server, server, account)


def used(configure: MailServerFactory, server: Any, account: OAuthAccount, **fields: Any) -> MailServer:
    return configure(server, oauth_connection=account.connection, oauth_account=account, **fields)


# --- it is sent ---


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_mail_goes_out_with_the_accounts_token(
    start: Callable[..., SMTPServer], mail_server: MailServerFactory, account: OAuthAccount, mechanism: str
) -> None:
    server = start(mechanisms=(mechanism,))
    used(mail_server, server, account)
    assert send() == 1
    assert server.messages[0].login == Login(mechanism, JANE, accepted=True)
    assert server.messages[0].sender == "site@example.com"


def test_by_oauth_whatever_the_authentication_method_says(
    row: MailServer, server: SMTPServer, mail_server: MailServerFactory, account: OAuthAccount
) -> None:
    for method in ("none", "auto", "plain", "xoauth2"):
        used(mail_server, server, account, auth_method=method, username="me", password=Undecryptable("enc:v1:lost"))
        send()
    assert {received.login for received in server.messages} == {Login("XOAUTH2", JANE, accepted=True)}


def test_a_fresh_token_costs_one_query_and_no_word_to_the_provider(
    row: MailServer, provider: IdentityProvider, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    asked = len(provider.requests)
    with django_assert_num_queries(1):
        send()
    assert len(provider.requests) == asked


def test_an_expired_token_is_renewed_before_it_is_shown(
    row: MailServer, server: SMTPServer, provider: IdentityProvider, account: OAuthAccount
) -> None:  # S-10
    expired(account)
    send()
    assert [login.accepted for login in server.logins] == [True]
    assert provider.refreshes == 1


@pytest.mark.parametrize("closes", [False, True], ids=["same connection", "new connection"])
def test_a_refused_token_is_renewed_exactly_once_and_the_mail_goes_out(
    start: Callable[..., SMTPServer],
    mail_server: MailServerFactory,
    provider: IdentityProvider,
    account: OAuthAccount,
    closes: bool,
) -> None:  # S-10
    server = start(closes_after_refusal=closes)
    used(mail_server, server, account)
    provider.expire_access_tokens()
    assert send() == 1
    assert [login.accepted for login in server.logins] == [False, True]
    assert (provider.refreshes, len(server.messages), server.connections) == (1, 1, 2 if closes else 1)


def test_a_token_that_is_refused_again_is_an_error_with_what_the_server_said(
    start: Callable[..., SMTPServer],
    mail_server: MailServerFactory,
    provider: IdentityProvider,
    account: OAuthAccount,
    caplog: pytest.LogCaptureFixture,
) -> None:  # S-10, S-18
    server = start(tokens=lambda _user, _token: False)
    used(mail_server, server, account)
    with pytest.raises(TokenRefused, match=r"535.*scope https://mail\.test/send"):
        send()
    assert (provider.refreshes, len(server.logins)) == (1, 2)
    account.refresh_from_db()
    assert not account.needs_authentication
    assert "scope https://mail.test/send" in caplog.text
    assert [token for token in (str(account.access_token), str(account.refresh_token)) if token in caplog.text] == []


def test_the_user_name_of_microsoft_is_the_accounts_own_not_its_address(
    identity_provider: IdentityProviderFactory,
    smtp_server: SMTPServerFactory,
    mail_server: MailServerFactory,
    db: None,
) -> None:
    provider = identity_provider("microsoft")
    provider.user |= {"preferred_username": "u1234@contoso.onmicrosoft.com", "email": "jane@contoso.com"}
    server = smtp_server(security="ssl", mechanisms=("XOAUTH2",), tokens=lambda _user, token: len(token) > 100)
    used(mail_server, server, account_of(provider))
    send()
    assert server.logins == [Login("XOAUTH2", "u1234@contoso.onmicrosoft.com", accepted=True)]


def test_an_application_logs_in_as_the_mailbox_of_the_sender(
    identity_provider: IdentityProviderFactory,
    smtp_server: SMTPServerFactory,
    mail_server: MailServerFactory,
    db: None,
) -> None:
    provider = identity_provider("microsoft")
    account = application_of(provider)
    good = {str(account.access_token)}
    server = smtp_server(security="ssl", mechanisms=("XOAUTH2",), tokens=lambda _user, token: token not in good)
    used(mail_server, server, account, from_email="alerts@contoso.com")
    send()
    assert [(login.user, login.accepted) for login in server.logins] == [
        ("alerts@contoso.com", False),
        ("alerts@contoso.com", True),
    ]


def test_a_fixed_server_gets_the_mail_of_a_connection_with_a_preset(
    smtp_server: SMTPServerFactory, mail_server: MailServerFactory, settings: Settings
) -> None:
    server = smtp_server(mechanisms=("XOAUTH2",), tokens=lambda user, token: (user, token) == (JANE, "good"))
    mail_server()
    connection = OAuthConnection.objects.create(name="Contoso", provider="microsoft", tenant="contoso.com")
    account = OAuthAccount.objects.create(
        connection=connection, username=JANE, access_token="good", expires_at=timezone.now() + timedelta(hours=1)
    )
    used(mail_server, None, account)
    settings.MAILCONFIG = {"host": server.host, "port": server.port, "security": "none"}
    send()
    assert len(server.messages) == 1


# --- it is not sent ---


def lose_by_provider(account: OAuthAccount) -> None:
    changed(account, needs_authentication=True, last_error="invalid_grant: AADSTS700082: inactive for 90 days")


def lose_tokens(account: OAuthAccount) -> None:
    changed(account, access_token="", refresh_token="")


def lose_keys(account: OAuthAccount) -> None:
    lost = Undecryptable("enc:v1:lost")
    changed(account, access_token=lost, refresh_token=lost)


def detach(account: OAuthAccount) -> None:
    MailServer.objects.update(oauth_account=None)


def use_another_connection(account: OAuthAccount) -> None:
    other = OAuthConnection.objects.create(name="Other", provider="openid", issuer="https://id.example.com")
    MailServer.objects.update(oauth_connection=other)


LOSSES: list[tuple[Callable[[OAuthAccount], None], type[NotAuthenticated], str]] = [
    (detach, NotAuthenticated, "no account is authenticated for the OAuth connection “Example Ltd”"),
    (use_another_connection, NotAuthenticated, "no account is authenticated for the OAuth connection “Other”"),
    (lose_by_provider, AuthenticationLost, "has to be authenticated again"),
    (lose_tokens, AuthenticationLost, "has to be authenticated again"),
    (lose_keys, AuthenticationLost, "has to be authenticated again"),
]


@pytest.mark.parametrize(("lose", "error", "text"), LOSSES, ids=lambda value: getattr(value, "__name__", "text"))
def test_without_an_authenticated_account_nobody_is_called(
    row: MailServer,
    server: SMTPServer,
    account: OAuthAccount,
    provider: IdentityProvider,
    caplog: pytest.LogCaptureFixture,
    lose: Callable[[OAuthAccount], None],
    error: type[NotAuthenticated],
    text: str,
) -> None:
    lose(account)
    asked = len(provider.requests)
    with pytest.raises(error, match=text) as caught:
        send()
    assert PAGE in str(caught.value)
    assert isinstance(caught.value, smtplib.SMTPException)
    assert EmailBackend(alias="default", fail_silently=True).send_messages([EmailMessage("Hello", to=[RECIPIENT])]) == 0
    assert (server.connections, len(provider.requests)) == (0, asked)
    assert caplog.text.count(text) == 2


def test_the_method_alone_is_nothing_to_log_in_with(
    server: SMTPServer, mail_server: MailServerFactory, settings: Settings
) -> None:
    mail_server(server, auth_method="xoauth2", username="me", password="secret")
    with pytest.raises(NoConnection, match=f"no OAuth connection is chosen. Choose one at {PAGE}"):
        send()
    assert server.connections == 0


def test_an_account_that_the_provider_no_longer_knows_is_an_error_and_then_not_tried_again(
    row: MailServer, server: SMTPServer, provider: IdentityProvider, account: OAuthAccount
) -> None:  # S-11
    expired(account)
    provider.revoke_grants()
    with pytest.raises(AuthenticationLost, match=f"{JANE} has to be authenticated again, at {PAGE}"):
        send()
    assert OAuthAccount.objects.get().needs_authentication
    assert MailServer.objects.get().oauth_connection  # S-11: every setting is kept
    asked = len(provider.requests)
    with pytest.raises(AuthenticationLost):
        send()
    assert (server.connections, server.messages, len(provider.requests)) == (1, [], asked)


def test_a_provider_that_is_out_of_order_is_a_passing_trouble(
    row: MailServer, server: SMTPServer, provider: IdentityProvider, account: OAuthAccount
) -> None:  # S-11
    expired(account)
    provider.faults["token"] = (503, b"down", {})
    with pytest.raises(NoTokenNow):
        send()
    assert not OAuthAccount.objects.get().needs_authentication
    provider.faults.clear()
    assert send() == 1


def test_a_token_that_is_refused_and_can_not_be_renewed_is_the_error_of_renewing(
    row: MailServer, server: SMTPServer, provider: IdentityProvider
) -> None:
    provider.expire_access_tokens()
    provider.revoke_grants()
    with pytest.raises(AuthenticationLost):
        send()
    assert len(server.logins) == 1


def test_a_fixed_password_wins_over_a_connection(
    row: MailServer, smtp_server: SMTPServerFactory, mail_server: MailServerFactory, settings: Settings
) -> None:
    server = smtp_server(security="ssl", users={"me": "fixed"})
    used(mail_server, server, row.oauth_account, username="me")  # type: ignore[arg-type]
    settings.MAILCONFIG = {"password": "fixed"}
    send()
    assert server.logins == [Login("PLAIN", "me", accepted=True)]
    settings.MAILCONFIG = {"auth_method": "plain"}
    MailServer.objects.update(password="x")
    row.refresh_from_db()
    row.password = Undecryptable("enc:v1:lost")
    row.save()
    with pytest.raises(PasswordUnreadable):
        send()


# --- kept connections ---


def test_the_next_mail_uses_the_connection_also_when_the_token_has_ended_meanwhile(
    row: MailServer, server: SMTPServer, account: OAuthAccount, provider: IdentityProvider
) -> None:
    send()
    expired(account)
    provider.expire_access_tokens()
    send()
    assert [received.connection for received in server.messages] == [1, 1]
    assert provider.refreshes == 0


@pytest.mark.parametrize("change", ["account", "namesake", "login", "custom"])
def test_another_account_never_gets_the_connection_of_the_last(
    row: MailServer,
    scripted_server: ScriptedServerFactory,
    mail_server: MailServerFactory,
    provider: IdentityProvider,
    account: OAuthAccount,
    change: str,
) -> None:
    server = scripted_server(
        {"EHLO": "250-mail.test\r\n250 AUTH XOAUTH2 PLAIN", "AUTH": "235 2.7.0 Welcome"}, security="ssl"
    )
    used(mail_server, server, account)
    send()
    if change == "account":
        provider.user |= {"sub": "other", "email": "other@example.com", "preferred_username": "other@example.com"}
        used(mail_server, server, account_of(provider, account.connection))
    elif change == "namesake":
        used(mail_server, server, account_of(provider, connected(provider, name="Second")))
    elif change == "login":
        changed(account, username="renamed@example.com")
    else:
        mail_server(server, oauth_connection=None, oauth_account=None, username="me", password="secret")
    send()
    assert server.connections == 2
    assert server.lines.count("QUIT") == 1


def test_a_disconnected_account_does_not_go_on_by_a_kept_connection(
    row: MailServer, server: SMTPServer, account: OAuthAccount
) -> None:
    send()
    lose_tokens(account)
    with pytest.raises(AuthenticationLost):
        send()
    assert len(server.messages) == 1


def test_a_batch_after_which_the_server_hung_up_logs_in_anew_with_a_token_that_is_good(
    row: MailServer, server: SMTPServer, account: OAuthAccount
) -> None:
    with EmailBackend(alias="default", keep_alive=0) as backend:
        backend.send_messages([EmailMessage("One", to=[RECIPIENT])])
        server.drop_connections()
        backend.send_messages([EmailMessage("Two", to=[RECIPIENT])])
    assert [received.connection for received in server.messages] == [1, 2]
    assert [login.accepted for login in server.logins] == [True, True]


def test_each_mailer_has_an_account_of_its_own(
    row: MailServer, server: SMTPServer, mail_server: MailServerFactory, provider: IdentityProvider
) -> None:
    provider.user |= {"sub": "other", "email": "other@example.com", "preferred_username": "other@example.com"}
    other = account_of(provider, connected(provider, name="Second"))
    used(mail_server, server, other, alias="news")
    send()
    EmailBackend(alias="news").send_messages([EmailMessage("News", to=[RECIPIENT])])
    assert [received.login.user for received in server.messages if received.login] == [JANE, "other@example.com"]
