"""`manage.py oauthaccounts`: the state of all accounts, and a new token for them, for cron and monitoring."""

import json
import sys
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from oauthconnections.renewal import Renewal, accounts, idle_accounts, renew_each
from oauthconnections.states import account_state


class Command(BaseCommand):
    help = "List the OAuth accounts of this site, or renew their tokens. Exit status 1 if one of them does not work."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        self._add_action(actions, "list", "print the accounts; asks no provider")
        refresh = self._add_action(actions, "refresh", "renew tokens, so that no provider forgets the accounts")
        refresh.add_argument(
            "--idle-days", type=float, metavar="N", help="only accounts that were not renewed for N days"
        )
        refresh.add_argument("--account", type=int, metavar="ID", help="only this account, as “list” numbers them")

    def _add_action(self, actions: Any, name: str, help_text: str) -> CommandParser:
        action: CommandParser = actions.add_parser(name, help=help_text, description=help_text)
        action.add_argument("--json", action="store_true", help="print one JSON object")
        return action

    def handle(self, *args: Any, **options: Any) -> None:
        renewals = self._list() if options["action"] == "list" else self._refresh(options)
        found = [_as_json(renewal) for renewal in renewals]
        works = all(one["ok"] for one in found)
        if options["json"]:
            self.stdout.write(json.dumps({"ok": works, "accounts": found}))
        else:
            self.stdout.write("\n".join(map(_sentence, found)) or _("There are no accounts."))
        if not works:
            sys.exit(1)

    def _list(self) -> list[Renewal]:
        return [Renewal(account, account.last_error) for account in accounts()]

    def _refresh(self, options: dict[str, Any]) -> list[Renewal]:
        idle_days, pk = options["idle_days"], options["account"]
        chosen = accounts() if idle_days is None else idle_accounts(idle_days)
        if pk is not None:
            chosen = chosen.filter(pk=pk)
            if not accounts().filter(pk=pk).exists():
                raise CommandError(_("There is no account %(id)s.") % {"id": pk})
        return list(renew_each(chosen))


def _as_json(renewal: Renewal) -> dict[str, Any]:
    account = renewal.account
    state = account_state(account).code
    return {
        "id": account.pk,
        "connection": account.connection.name,
        "provider": account.connection.provider,
        "account": str(account),
        "state": state,
        "expires_at": account.expires_at and account.expires_at.isoformat(),
        "ok": state == "ok" and not renewal.error,
        "error": renewal.error,
    }


def _sentence(one: dict[str, Any]) -> str:
    name = f"{one['id']}: {one['account']} ({one['connection']})"
    if one["ok"] and one["expires_at"]:
        until = date_format(timezone.localtime(datetime.fromisoformat(one["expires_at"])), "DATETIME_FORMAT")
        return _("%(name)s works. Its token is valid until %(until)s.") % {"name": name, "until": until}
    return f"{name}: {one['error'] or one['state']}"
