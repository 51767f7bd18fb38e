"""What the apps of this project have done regularly: the check of the mail server, renewing accounts, tidying."""

import pytest
from django.utils import timezone

from mailconfig.models import MailServer
from mailconfig.scheduling.jobs import JobFailed
from mailconfig.scheduling.own_jobs import renew_accounts, tidy_outbox
from mailconfig.scheduling.server_check import check_mail_servers
from mailconfig.sending_record import SendingRecord
from mailconfig.status import describe_status
from oauthconnections.models import OAuthAccount, OAuthConnection
from tests.conftest import MailServerFactory, SMTPServerFactory


def test_the_check_logs_in_and_sends_nothing(mail_server: MailServerFactory, smtp_server: SMTPServerFactory) -> None:
    server = smtp_server(users={"me": "secret"})
    mail_server(server, username="me", password="secret")
    assert check_mail_servers() == "Connected and logged in, sent nothing: default."
    assert len(server.logins) == 1
    assert server.messages == []


def test_the_check_of_a_site_without_a_server_is_no_failure(mail_server: MailServerFactory) -> None:
    mail_server()
    assert check_mail_servers() == "No mail server is entered."


@pytest.mark.django_db(transaction=True)
def test_a_failed_check_is_on_the_status_line_until_one_succeeds(
    mail_server: MailServerFactory, smtp_server: SMTPServerFactory
) -> None:
    server = smtp_server(users={"me": "secret"})
    row = mail_server(server, username="me", password="mistyped")
    with pytest.raises(JobFailed, match=r"^default: The server refused the log-in as “me”\. \(535 "):
        check_mail_servers()
    assert "Sending has failed since" in describe_status(MailServer.objects.get()).text
    MailServer.objects.filter(pk=row.pk).update(password="secret")  # as if the server had learnt it
    check_mail_servers()
    assert describe_status(MailServer.objects.get()).text == "Not tested yet. Send a test email."


@pytest.mark.django_db(transaction=True)
def test_a_check_does_not_hide_that_mail_itself_is_refused(
    mail_server: MailServerFactory, smtp_server: SMTPServerFactory
) -> None:
    row = mail_server(smtp_server(), auth_method="none")
    now = timezone.now()
    SendingRecord.objects.create(server=row, failing_since=now, failed_step="sender", error="550 5.7.60 Not you")
    check_mail_servers()
    assert "550 5.7.60 Not you" in describe_status(MailServer.objects.get()).text


def test_settings_that_can_not_be_used_are_a_failure_of_the_check(
    mail_server: MailServerFactory, contoso: OAuthConnection
) -> None:
    mail_server(oauth_connection=contoso)
    with pytest.raises(JobFailed, match="no account is authenticated"):
        check_mail_servers()


def test_renewing_names_the_accounts_that_it_was_refused_for(contoso: OAuthConnection) -> None:
    assert renew_accounts() == "Renewed: 0."
    contoso.token_url = "https://localhost:1/token"
    contoso.authorize_url = "https://localhost:1/authorize"
    contoso.save()
    OAuthAccount.objects.create(connection=contoso, email="me@contoso.com", refresh_token="s3cret")
    with pytest.raises(JobFailed, match=r"me@contoso\.com: ") as failure:
        renew_accounts()
    assert "s3cret" not in str(failure.value)  # S-2


def test_tidying_tells_what_it_deleted(db: None) -> None:
    assert tidy_outbox() == "Deleted: 0 sent, 0 failed, 0 cancelled."
