"""What is known of the outgoing mail servers: the part of this app in the report."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from django.db.models import F, Max, Min, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy

from mailconfig.locks import apply_locks
from mailconfig.mailers import our_aliases
from mailconfig.models import MailServer
from mailconfig.sending_record import SendingRecord
from mailconfig.status import Status, describe_status, record_of

from .health import Alarm, Figure, Part, Way

FINE: Final = ("ok", "not_tested")
CHANGES_SETTINGS: Final = Way(
    "mailconfig.change_mailserver", "mailconfig_mailserver_changelist", gettext_lazy("Open outgoing mail server")
)
AUTHENTICATES: Final = Way(
    "oauthconnections.authenticate_oauthaccount",
    "oauthconnections_oauthaccount_changelist",
    gettext_lazy("Open OAuth accounts"),
)
NOT_NEEDED: Final = ("record__working", "oauth_connection__client_secret", "oauth_connection__certificate")
"""Each would be decrypted for nothing."""


def alarms() -> Iterator[Alarm]:
    for server in _servers():
        status = describe_status(server)
        if status.code not in FINE:
            yield Alarm(status.code, status.level, status.text, "mailconfig.W002", server.alias, _ways(status))


def _ways(status: Status) -> tuple[Way, ...]:
    return (CHANGES_SETTINGS, AUTHENTICATES) if status.code == "needs_authentication" else (CHANGES_SETTINGS,)


def _servers() -> list[MailServer]:
    """Of each mailer that sends through this app, with locked values; one query."""
    aliases = our_aliases()
    related = ("oauth_connection", "oauth_account__connection", "record")
    rows = MailServer.objects.filter(alias__in=aliases).select_related(*related).defer(*NOT_NEEDED)
    found = {server.alias: server for server in rows}
    servers = [found.get(alias) or MailServer(alias=alias) for alias in aliases]
    for server in servers:
        apply_locks(server, server.alias)
    return servers


def ages() -> dict[str, float]:
    """Since mail was accepted last, and for how long a server has failed that fails now."""
    records = SendingRecord.objects.filter(server__alias__in=our_aliases())
    failing = Min("failing_since", filter=Q(revision=F("server__revision")))
    found = records.aggregate(last_sent_seconds=Max("sent_at"), failing_seconds=failing)
    return {name: (timezone.now() - moment).total_seconds() for name, moment in found.items() if moment}


def figures() -> Iterator[Figure]:
    for server in _servers():
        record, code = record_of(server), describe_status(server).code
        works = float(code in FINE)
        labels = {"mailer": server.alias}
        yield Figure("mailconfig_sending_ok", "Whether mail can be sent, as far as is known.", works, labels)
        if record and record.sent_at:
            yield _moment("last_sent", "When mail was accepted last, a minute late at most.", record.sent_at, labels)
        if record and record.failing_since and code == "failing":
            yield _moment("failing_since", "Since when sending fails.", record.failing_since, labels)


def _moment(name: str, documentation: str, moment: datetime, labels: dict[str, str]) -> Figure:
    return Figure(f"mailconfig_{name}_timestamp_seconds", documentation, moment.timestamp(), labels)


PART: Final = Part((CHANGES_SETTINGS, AUTHENTICATES), alarms, ages, figures)
