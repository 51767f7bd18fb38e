"""What page, list and command line say of a connection and its account, and what is left to do elsewhere."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from mailconfig.models import MailServer
from mailconfig.oauth_consumer import CONSUMER, instructions
from mailconfig.oauth_lines import account_lines, sender_warning
from mailconfig.status import describe_status
from oauthconnections.consumers import consumer
from oauthconnections.models import OAuthAccount, OAuthConnection
from tests.conftest import MailServerFactory
from tests.mailserver_command import refused, run
from tests.settings_page import Page, opened

JANE = "jane@example.com"


@pytest.fixture
def contoso(db: None) -> OAuthConnection:
    return OAuthConnection.objects.create(
        name="Contoso", provider="microsoft", tenant="contoso.com", client_id="11112222-bbbb-3333-cccc-4444dddd5555"
    )


def account_of(connection: OAuthConnection, **fields: Any) -> OAuthAccount:
    known = {"username": JANE, "email": JANE, "access_token": "a token", "last_refreshed_at": timezone.now()}
    return OAuthAccount.objects.create(connection=connection, **{**known, **fields})


def used(mail_server: MailServerFactory, account: OAuthAccount, **fields: Any) -> MailServer:
    return mail_server(oauth_connection=account.connection, oauth_account=account, **fields)


# --- the status line ---


def test_a_connection_without_an_account_sends_nothing(
    mail_server: MailServerFactory, contoso: OAuthConnection
) -> None:
    status = describe_status(mail_server(oauth_connection=contoso))
    assert status.level == "error"
    assert status.text == "Mail can't be sent until an account is authenticated for “Contoso”."


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("", ""),
        ("A sentence that was remembered.", "A sentence that was remembered."),
        ("invalid_grant: AADSTS700082: The refresh token has expired due to inactivity.", "90 days"),
    ],
)
def test_an_account_that_is_lost_is_an_error_with_its_reason(
    mail_server: MailServerFactory, contoso: OAuthConnection, error: str, reason: str
) -> None:
    account = account_of(contoso, needs_authentication=True, last_error=error)
    status = describe_status(used(mail_server, account))
    assert status.level == "error"
    assert status.text.startswith(f"Mail can't be sent until the account {JANE} is authenticated again.")
    assert reason in status.text
    [_none, line] = account_lines(MailServer.objects.get())
    assert line.text.startswith(f"{JANE} has to be authenticated again.")
    assert reason in line.text


def test_the_method_without_a_connection_is_an_error(mail_server: MailServerFactory) -> None:
    status = describe_status(mail_server(host="own.example.com", auth_method="xoauth2"))
    assert status.text == "Mail can't be sent until an OAuth connection is chosen."


def test_with_an_account_it_is_as_without_oauth(mail_server: MailServerFactory, contoso: OAuthConnection) -> None:
    row = used(mail_server, account_of(contoso))
    assert describe_status(row).text == "Not tested yet. Send a test email."
    row.note_test("")
    assert describe_status(row).level == "success"


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(0), "Authenticated as jane@example.com, token renewed today"),
        (timedelta(days=3), "Authenticated as jane@example.com, token renewed 3\xa0days ago"),
        (None, "Authenticated as jane@example.com"),
    ],
    ids=str,
)
def test_it_says_when_the_token_was_renewed(
    mail_server: MailServerFactory, contoso: OAuthConnection, ago: timedelta | None, said: str
) -> None:
    used(mail_server, account_of(contoso, last_refreshed_at=None if ago is None else timezone.now() - ago))
    assert [line.text for line in account_lines(MailServer.objects.get()) if line.is_chosen] == [said]


def test_the_list_shows_the_server_that_is_used(
    client: Client, admin_user: User, mail_server: MailServerFactory, contoso: OAuthConnection, settings: Settings
) -> None:
    client.force_login(admin_user)
    used(mail_server, account_of(contoso), host="own.example.com")
    mail_server(alias="news", oauth_connection=contoso)
    text = Page.of(client.get("/admin/mailconfig/mailserver/")).text
    assert "smtp.office365.com:587" in text
    assert "own.example.com" not in text
    assert "until an account is authenticated" in text


# --- another sender than the account --- S-9


@pytest.mark.parametrize(
    ("provider", "remedy"),
    [("microsoft", "Exchange admin center"), ("google", "“Send mail as”"), ("openid", "Allow the account to send")],
)
def test_a_sender_that_is_not_the_account_is_warned_about(
    client: Client, alice: User, mail_server: MailServerFactory, provider: str, remedy: str
) -> None:
    client.force_login(alice)
    connection = OAuthConnection.objects.create(name="Contoso", provider=provider)
    used(mail_server, account_of(connection), host="own.example.com", from_email="sales@example.com")
    text = opened(client).text
    assert "Mail goes out as sales@example.com, but the account that logs in is jane@example.com." in text
    assert remedy in text


@pytest.mark.parametrize(
    ("sender", "fields"),
    [
        (JANE, {}),
        ("Jane@Example.COM", {}),
        (JANE, {"username": "u1@contoso.onmicrosoft.com"}),
        ("u1@contoso.onmicrosoft.com", {"username": "u1@contoso.onmicrosoft.com"}),
        ("alerts@example.com", {"kind": "application", "username": "", "email": ""}),
        ("", {}),
    ],
    ids=str,
)
def test_the_accounts_own_names_are_fine(
    mail_server: MailServerFactory, contoso: OAuthConnection, sender: str, fields: dict[str, Any]
) -> None:
    assert sender_warning(used(mail_server, account_of(contoso, **fields), from_email=sender)) == ""


# --- the command line ---


def test_show_names_connection_and_account(mail_server: MailServerFactory, contoso: OAuthConnection) -> None:
    mail_server()
    shown = json.loads(run("show", "--json"))
    assert (shown["oauth_connection"], shown["oauth_account"]) == (None, None)
    used(mail_server, account_of(contoso), host="own.example.com")
    shown = json.loads(run("show", "--json"))
    assert (shown["oauth_connection"], shown["oauth_account"]) == ("Contoso", JANE)
    assert (shown["host"], shown["effective_host"]) == ("own.example.com", "smtp.office365.com")
    assert (shown["effective_port"], shown["effective_security"]) == (587, "starttls")
    text = run("show")
    assert "oauth_connection: Contoso" in text
    assert f"oauth_account: {JANE}" in text
    assert "a token" not in text


def test_set_chooses_a_connection_and_goes_back(mail_server: MailServerFactory, contoso: OAuthConnection) -> None:
    mail_server(host="own.example.com", auth_method="none")
    run("set", "--oauth-connection", "Contoso")
    assert MailServer.objects.get().oauth_connection == contoso
    run("set", "--timeout", "9")
    assert MailServer.objects.get().oauth_connection == contoso
    run("set", "--oauth-connection", "", "--host", "new.example.com")
    assert MailServer.objects.get().oauth_connection is None
    assert MailServer.objects.get().host == "new.example.com"


def test_set_keeps_the_account_unless_the_server_is_another(
    mail_server: MailServerFactory, keycloak: OAuthConnection
) -> None:  # S-2
    account = account_of(keycloak)
    used(mail_server, account, host="own.example.com")
    run("set", "--timeout", "9")
    assert MailServer.objects.get().oauth_account == account
    assert f"The account {JANE} is not used any more" in run("set", "--host", "new.example.com")
    assert MailServer.objects.get().oauth_account is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--oauth-connection", "contoso"], "--oauth-connection: there is none of this name. There are: Contoso."),
        (
            ["--oauth-connection", "Contoso", "--host", "x.example.com"],
            "--host: is not used with an OAuth connection (--oauth-connection).",
        ),
        (["--auth-method", "xoauth2"], "--auth-method: For OAuth 2.0 choose an OAuth connection"),
    ],
    ids=str,
)
def test_a_mistake_is_said_by_its_option(
    mail_server: MailServerFactory, contoso: OAuthConnection, arguments: list[str], said: str
) -> None:
    mail_server(host="own.example.com")
    assert said in refused("set", *arguments)
    assert MailServer.objects.get().oauth_connection is None


def test_set_says_what_stands_against_a_connection(
    mail_server: MailServerFactory, contoso: OAuthConnection, settings: Settings
) -> None:
    mail_server(host="own.example.com")
    settings.MAILCONFIG = {"auth_method": "plain"}
    settings.MAILCONFIG_SOURCES = {"auth_method": "MAILCONFIG_AUTH_METHOD"}
    said = refused("set", "--oauth-connection", "Contoso")
    assert said == "--oauth-connection: can't be used, as another way to log in is set by MAILCONFIG_AUTH_METHOD."


def test_test_without_an_account_is_a_failure_that_says_why(
    mail_server: MailServerFactory, contoso: OAuthConnection, capsys: pytest.CaptureFixture[str]
) -> None:
    mail_server(oauth_connection=contoso)
    with pytest.raises(SystemExit):
        call_command("mailserver", "test", "--json")
    [step] = json.loads(capsys.readouterr().out)["steps"]
    assert "no account is authenticated for the OAuth connection “Contoso”" in step["detail"]


# --- what is told to the pages of connections ---


def test_mail_asks_for_no_more_than_sending() -> None:  # S-8
    assert consumer("mailconfig") is CONSUMER
    assert CONSUMER.scopes == {
        "microsoft": ("https://outlook.office.com/SMTP.Send",),
        "google": ("https://mail.google.com/",),
        "openid": (),
    }
    assert CONSUMER.application_scopes == {"microsoft": ("https://outlook.office365.com/.default",)}
    assert all(CONSUMER.steps[provider] for provider in ("microsoft", "google", "openid"))


def test_the_commands_for_exchange_have_the_ids_of_the_application_and_the_senders(
    mail_server: MailServerFactory, contoso: OAuthConnection
) -> None:
    account = account_of(contoso, kind="application", claims={"oid": "aaaa-1111"}, username="", email="")
    used(mail_server, account, from_email="alerts@contoso.com")
    used(mail_server, account, alias="news", from_email="o'neill@contoso.com")
    assert instructions(account).splitlines() == [
        "Install-Module ExchangeOnlineManagement -Scope CurrentUser",
        "Connect-ExchangeOnline -Organization 'contoso.com'",
        "New-ServicePrincipal -AppId '11112222-bbbb-3333-cccc-4444dddd5555' -ObjectId 'aaaa-1111'",
        "Add-MailboxPermission -Identity 'alerts@contoso.com' -User 'aaaa-1111' -AccessRights FullAccess",
        "Add-RecipientPermission -Identity 'alerts@contoso.com' -Trustee 'aaaa-1111' -AccessRights SendAs "
        "-Confirm:$false",
        "Set-CASMailbox -Identity 'alerts@contoso.com' -SmtpClientAuthenticationDisabled $false",
        "Add-MailboxPermission -Identity 'o''neill@contoso.com' -User 'aaaa-1111' -AccessRights FullAccess",
        "Add-RecipientPermission -Identity 'o''neill@contoso.com' -Trustee 'aaaa-1111' -AccessRights SendAs "
        "-Confirm:$false",
        "Set-CASMailbox -Identity 'o''neill@contoso.com' -SmtpClientAuthenticationDisabled $false",
    ]


def test_before_a_server_uses_it_the_commands_have_a_gap_to_fill(contoso: OAuthConnection) -> None:
    text = instructions(account_of(contoso, kind="application"))
    assert "'object ID of the enterprise application'" in text
    assert "-Identity 'sender address'" in text


@pytest.mark.parametrize("kind", ["user", "application"])
def test_others_need_no_commands(contoso: OAuthConnection, keycloak: OAuthConnection, kind: str) -> None:
    assert instructions(account_of(keycloak, kind=kind)) == ""
    assert instructions(account_of(contoso)) == ""


def test_what_somebody_typed_ends_no_quotation(contoso: OAuthConnection) -> None:  # S-19
    contoso.client_id, contoso.tenant = "x'; Remove-Mailbox ’; ‘", "a‛b"
    account = account_of(contoso, kind="application", claims={"oid": "‚$(x)"})
    [_install, connect, create, *_more] = instructions(account).splitlines()
    assert connect.endswith("'a‛‛b'")
    assert create.endswith("-AppId 'x''; Remove-Mailbox ’’; ‘‘' -ObjectId '‚‚$(x)'")
