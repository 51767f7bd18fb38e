"""The status line of the settings page: whether mail can be sent, as far as is known without trying."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, cast

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from oauthconnections.fields import Undecryptable
from oauthconnections.on_call import on_call

from .locks import problems
from .models import DEFAULT_PORTS, AuthMethod, MailServer, Security
from .oauth_account import is_lost, reason_of_loss
from .sending_record import SendingRecord
from .steps import Step

if TYPE_CHECKING:
    from .advice import Advice

advise = on_call("mailconfig.advice.advise")


@dataclass(frozen=True)
class Status:
    """`level` is one of Django's message tags: success, warning, error. `code` is for machines."""

    level: str
    text: str
    code: str = "ok"
    advise: "Callable[[], Advice | None]" = field(default=lambda: None, compare=False, repr=False)

    @cached_property
    def advice(self) -> "Advice | None":
        """Found when a page shows it: that may look up the name said in EHLO."""
        return self.advise()


def describe_status(server: MailServer) -> Status:
    """Expects a server with locked values applied."""
    if found := problems(MailServer, server.alias):
        return Status("error", " ".join([_("Mail can't be sent."), *found]), "settings")
    if not server.effective_host:
        text = _("Not configured yet. Until a server is saved here, sending mail is an error.")
        return Status("warning", text, "not_configured")
    if problem := _problem_of_login(server):
        return Status("error", problem, "needs_authentication" if server.oauth_connection else "settings")
    record = record_of(server)
    if record and record.revision == server.revision:
        if record.failing_since:
            return _failing(server, record, record.failing_since)
        if record.sent_at and (server.tested_at is None or record.sent_at > server.tested_at):
            return Status("success", _("Mail works: last sent %(time)s ago.") % {"time": timesince(record.sent_at)})
    return _tested(server)


def record_of(server: MailServer) -> SendingRecord | None:
    """What became of mail lately, if there was any."""
    return getattr(server, "record", None)


def _failing(server: MailServer, record: SendingRecord, since: datetime) -> Status:
    local = timezone.localtime(since)
    form = "TIME_FORMAT" if local.date() == timezone.localdate() else "SHORT_DATETIME_FORMAT"
    text = _("Sending has failed since %(time)s: %(error)s") % {"time": date_format(local, form), "error": record.error}
    return Status("error", text, "failing", lambda: _advice(server, record))


def _advice(server: MailServer, record: SendingRecord) -> "Advice | None":
    """In the language of whoever reads it, which is not that of the process that sent."""
    if not record.failed_step:
        return None
    step = Step(record.failed_step, ok=False, detail=record.error)  # type: ignore[arg-type]
    return cast("Advice", advise(step, server.settings_without_secrets()))


def _tested(server: MailServer) -> Status:
    if server.tested_at is None:
        return Status("warning", _("Not tested yet. Send a test email."), "not_tested")
    ago = _("%(time)s ago") % {"time": timesince(server.tested_at)}
    if server.test_error:
        text = _("The test email failed %(ago)s: %(error)s") % {"ago": ago, "error": server.test_error}
        return Status("error", text, "test_failed")
    return Status("success", _("Mail works: the test email was accepted %(ago)s.") % {"ago": ago})


def _problem_of_login(server: MailServer) -> str:
    if server.oauth_connection:
        return _problem_of_account(server)
    if server.auth_method == AuthMethod.XOAUTH2:
        return _("Mail can't be sent until an OAuth connection is chosen.")
    if isinstance(server.password, Undecryptable):
        return _("The saved password can't be decrypted: the encryption key has changed. Enter it again.")
    return ""


def _problem_of_account(server: MailServer) -> str:
    account = server.oauth_account
    if account is None:
        return _("Mail can't be sent until an account is authenticated for “%(connection)s”.") % {
            "connection": server.oauth_connection
        }
    if not is_lost(account):
        return ""
    text = _("Mail can't be sent until the account %(account)s is authenticated again.") % {"account": account}
    return f"{text} {reason_of_loss(account)}".strip()


def port_warning(server: MailServer) -> str:
    """A hint where a port was entered that usually goes with another connection security; empty if none was."""
    if server.preset:
        return ""
    usually_ssl = server.port == DEFAULT_PORTS[Security.SSL]
    if usually_ssl and server.security == Security.STARTTLS:
        return _("Port 465 usually wants SSL/TLS, not STARTTLS. Send a test email; if it fails, choose SSL/TLS.")
    if server.port in (25, 587) and server.security == Security.SSL:
        return _(
            "Port %(port)s usually wants STARTTLS, not SSL/TLS. Send a test email; if it fails, choose STARTTLS."
        ) % {"port": server.port}
    return ""
