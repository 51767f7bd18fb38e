"""The last settings that delivered: kept when they change, and put in place again."""

import json
from typing import Any, Final

from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from oauthconnections.fields import Secret, Undecryptable
from oauthconnections.models import OAuthAccount, OAuthConnection

from .locks import LOCKABLE, apply_locks, locked_values
from .models import MailServer
from .sending_record import SendingRecord

OAUTH_IDS: Final = ("oauth_connection_id", "oauth_account_id")
DESTINATION: Final = "destination"
"""Where the secrets went; they are brought back for no other server (S-2)."""
NOT_SHOWN: Final = {"password", "ca_bundle"}


def keep(pk: int, revision: int) -> None:
    """Remember the settings of this revision as ones that delivered, unless that is known."""
    record, _created = SendingRecord.objects.get_or_create(server_id=pk)
    server = MailServer.objects.select_related("oauth_connection", "oauth_account").filter(pk=pk).first()
    if server is None or server.revision != revision or isinstance(server.password, Undecryptable):
        return
    if record.working_revision != revision:
        record.working, record.working_revision = _secret_text(server), revision
        record.worked_at = timezone.now()
        record.save(update_fields=["working", "working_revision", "worked_at"])


def offered(server: MailServer, record: SendingRecord | None) -> SendingRecord | None:
    """What could be brought back; None if nothing is kept, or it is what is in force."""
    if record is None or record.working_revision in (None, server.revision):
        return None
    kept, now = _kept(record), _values(server)
    compared = kept.keys() & now.keys() - locked_values(server.alias).keys()
    return record if any(now[name] != kept[name] for name in compared) else None


def _secret_text(server: MailServer) -> str:
    values = _values(server)
    apply_locks(server, server.alias)
    return json.dumps({**values, DESTINATION: server.destination})


def _values(server: MailServer) -> dict[str, Any]:
    return {name: getattr(server, name) for name in (*LOCKABLE, *OAUTH_IDS)}


def _kept(record: SendingRecord) -> dict[str, Any]:
    if isinstance(record.working, Undecryptable) or not record.working:
        return {}
    values: dict[str, Any] = json.loads(record.working)
    return {**values, "password": Secret(values["password"])}


class CantBeBroughtBack(Exception):
    """Says why."""


def bring_back(server: MailServer, record: SendingRecord) -> list[str]:
    """Put the settings that worked in force again, with their secrets; return a phrase per change for the history."""
    kept, before = _kept(record), _values(server)
    destination = kept.pop(DESTINATION)
    if not _has_its_account(kept):
        raise CantBeBroughtBack(_("The settings that worked used an OAuth account that is not there any more."))
    locked = locked_values(server.alias)
    changed = [name for name in before if name in kept.keys() - locked.keys() and before[name] != kept[name]]
    for name in changed:
        setattr(server, name, kept[name])
    if _with_locks(server).destination != destination:
        raise CantBeBroughtBack(
            _("The settings of this site fix another server than the one that worked, so nothing was changed.")
        )
    server.save_changed(changed)
    return [_phrase(server, name, before[name]) for name in changed]


def _with_locks(server: MailServer) -> MailServer:
    copied = MailServer(**{field.attname: getattr(server, field.attname) for field in MailServer._meta.concrete_fields})
    apply_locks(copied, copied.alias)
    return copied


def _has_its_account(kept: dict[str, Any]) -> bool:
    connection, account = (kept[name] for name in OAUTH_IDS)
    if account:
        return OAuthAccount.objects.filter(pk=account, connection=connection).exists()
    return connection is None or OAuthConnection.objects.filter(pk=connection).exists()


def _phrase(server: MailServer, name: str, before: Any) -> str:
    """As the history tells changes: of secrets only that they changed."""
    field = MailServer._meta.get_field(name.removesuffix("_id"))
    label = capfirst(str(getattr(field, "verbose_name", name)))
    if name in NOT_SHOWN:
        return _("%(field)s (not shown)") % {"field": label}
    if name in OAUTH_IDS:
        return label
    return f"{label}: {before or _('empty')} → {getattr(server, name) or _('empty')}"
