"""The command line's way to the outgoing mail server: show it, change it, test it."""

import json
import sys
from argparse import BooleanOptionalAction
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.forms.models import model_to_dict

from mailconfig import diagnosis, look_up_reports
from mailconfig.detection import detect
from mailconfig.domain_check import check_domain
from mailconfig.exceptions import MailconfigError
from mailconfig.forms import MailServerForm
from mailconfig.locks import apply_locks, excludes_oauth, locked_values, source_of
from mailconfig.mailers import DEFAULT_ALIAS, our_aliases
from mailconfig.models import AuthMethod, EhloSource, MailServer, Security
from mailconfig.oauth_form import DETACHED, OAUTH_FIELDS
from mailconfig.outcomes import note_test
from mailconfig.status import port_warning
from oauthconnections.fields import Undecryptable
from oauthconnections.models import OAuthConnection
from oauthconnections.on_call import on_call

TEXTS: Final = ("host", "port", "from_email", "from_name", "username", "ehlo_name", "timeout", "pinned_certificate")
ADMIN: Final = "django.contrib.admin"
CHOICES: Final = {"security": Security, "auth_method": AuthMethod, "ehlo_source": EhloSource}


class Command(BaseCommand):
    help = "Show, set, test or detect the outgoing mail server of this site, check its domain, print its history."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        self._add_action(actions, "show", "print the settings, secrets masked")
        setting = self._add_action(actions, "set", "change settings; what is not named stays")
        self._add_set_arguments(setting)
        test = self._add_action(actions, "test", "send a test email; exit status 1 if it can't be sent")
        test.add_argument("--to", metavar="ADDRESS", help="recipient (default: the sender's address)")
        test.add_argument("--quiet", action="store_true", help="print nothing if it was sent, for cron")
        found = self._add_action(actions, "detect", "find servers for mail from an address; exit status 1 without any")
        found.add_argument("address", metavar="ADDRESS")
        history = self._add_action(actions, "history", "print who changed, tested and authenticated what")
        history.add_argument("--csv", action="store_true", help="print CSV")
        self._add_action(actions, "check-domain", "check the sender's domain; exit status 1 if there is a problem")

    def _add_action(self, actions: Any, name: str, help_text: str) -> CommandParser:
        # No abbreviations: --password would be taken for --password-file, and the password printed as its name.
        action: CommandParser = actions.add_parser(name, help=help_text, description=help_text, allow_abbrev=False)
        action.add_argument("--alias", default="default", help="mailer, an alias in MAILERS (default: %(default)s)")
        action.add_argument("--json", action="store_true", help="print one JSON object")
        return action

    def _add_set_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--oauth-connection", metavar="NAME", help="OAuth connection, empty for custom settings")
        for name in TEXTS:
            parser.add_argument(_option(name))
        for name, choices in CHOICES.items():
            parser.add_argument(_option(name), choices=choices.values)
        parser.add_argument("--force-from", action=BooleanOptionalAction, default=None)
        parser.add_argument("--ca-bundle", metavar="FILE", help="PEM file of the own certificate authority")
        parser.add_argument("--password-file", metavar="FILE", help="file that holds the password; - is standard input")
        parser.add_argument("--clear-password", action="store_true", help="forget the saved password")
        parser.add_argument("--confirm-clear-text", action="store_true", help="allow a password without encryption")

    def handle(self, *args: Any, **options: Any) -> None:
        # A second server that only stands in for another is no mailer of the project.
        entered = MailServer.objects.values_list("alias", flat=True)
        aliases = list(dict.fromkeys([*(our_aliases() or [DEFAULT_ALIAS]), *entered]))
        if options["alias"] not in aliases:
            raise CommandError(f"--alias: this project has no such mailer. It has: {', '.join(aliases)}.")
        server, _created = MailServer.objects.get_or_create(alias=options["alias"])
        getattr(self, f"_{options['action'].replace('-', '_')}")(server, options)

    # --- show ---

    def _show(self, server: MailServer, options: dict[str, Any]) -> None:
        values = _masked(server)
        if options["json"]:
            self.stdout.write(json.dumps(values))
            return
        locked = locked_values(server.alias)
        for name, value in values.items():
            self.stdout.write(f"{name}: {value}" + (f"  (set by {source_of(name)})" if name in locked else ""))

    # --- set ---

    @transaction.atomic
    def _set(self, server: MailServer, options: dict[str, Any]) -> None:
        entered = _entered(options)
        server = MailServer.objects.select_for_update().get(pk=server.pk)
        form = MailServerForm({**_current(server), **entered}, instance=server)
        _refuse_what_counts_for_nothing(form, entered)
        if not form.is_valid():
            raise CommandError(_problems(form))
        form.store()
        _note("note_changes", server, form)
        if form.detached:
            self.stderr.write(self.style.WARNING(DETACHED % {"account": form.detached}))
        if warning := port_warning(server):
            self.stderr.write(self.style.WARNING(warning))
        if options["json"]:
            self.stdout.write(json.dumps(_masked(server)))
        else:
            self.stdout.write(self.style.SUCCESS("Saved and in force now."))

    # --- test ---

    def _test(self, server: MailServer, options: dict[str, Any]) -> None:
        outcome = _run_test(server.alias, options["to"])
        note_test(server, outcome.error)
        _note("note_test", server, outcome.recipient, outcome.error)
        if outcome.ok and options["quiet"]:
            return
        if options["json"]:
            self.stdout.write(json.dumps(outcome.as_json()))
        else:
            self._report(outcome)
        if not outcome.ok:
            sys.exit(1)

    def _report(self, outcome: diagnosis.Outcome) -> None:
        for title, step in outcome.titled_steps:
            style = self.style.SUCCESS if step.ok else self.style.ERROR
            self.stdout.write(f"{style(title)} ({step.milliseconds:.0f} ms): {step.detail}")
        if outcome.advice:
            self.stdout.write(f"{outcome.advice.meaning} {outcome.advice.action}")
        if outcome.ok:
            self.stdout.write(self.style.SUCCESS(f"Sent to {outcome.recipient}, Message-ID {outcome.message_id}"))

    # --- history ---

    def _history(self, server: MailServer, options: dict[str, Any]) -> None:
        if not apps.is_installed(ADMIN):
            raise CommandError(f"This project has no history, as {ADMIN} is not among its INSTALLED_APPS.")
        name = "as_csv" if options["csv"] else "as_json" if options["json"] else "as_text"
        for line in _of_history(name)():
            self.stdout.write(line)

    # --- detect, check-domain ---

    def _detect(self, server: MailServer, options: dict[str, Any]) -> None:
        apply_locks(server, server.alias)
        found = detect(options["address"], ehlo_name=server.name_in_ehlo(), ca_bundle=server.ca_bundle)
        self._tell(options, look_up_reports.of_detection(found), look_up_reports.lines_of_detection(found))
        if not found.best:
            sys.exit(1)

    def _check_domain(self, server: MailServer, options: dict[str, Any]) -> None:
        apply_locks(server, server.alias)
        checked = check_domain(server.from_email, server.effective_host, ehlo_name=server.name_in_ehlo())
        self._tell(options, look_up_reports.of_check(checked), look_up_reports.lines_of_check(checked))
        if any(finding.level == "problem" for finding in checked.findings):
            sys.exit(1)

    def _tell(self, options: dict[str, Any], values: dict[str, Any], lines: Iterable[str]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(values))
            return
        for line in lines:
            self.stdout.write(line)


def _note(name: str, *values: object) -> None:
    """In the admin's history, if there is one."""
    if apps.is_installed(ADMIN):
        _of_history(name)(*values)


def _of_history(name: str) -> Callable[..., Any]:
    return on_call(f"mailconfig.command_history.{name}")


def _run_test(alias: str, recipient: str | None) -> diagnosis.Outcome:
    try:
        server = MailServer.objects.for_alias(alias)
        return diagnosis.run(server.connection_settings(), recipient or server.from_email)
    except MailconfigError as error:
        return diagnosis.not_started(recipient or "", error)


def _option(name: str) -> str:
    return "--password-file" if name == "password" else "--" + name.replace("_", "-")


def _masked(server: MailServer) -> dict[str, Any]:
    """The settings in force; of the password only whether there is one."""
    apply_locks(server, server.alias)
    values = model_to_dict(server, fields=[*TEXTS, *CHOICES, "force_from", "ca_bundle"])
    oauth = {name: str(chosen) if (chosen := getattr(server, name)) else None for name in OAUTH_FIELDS}
    effective = {name: getattr(server, name) for name in ("effective_host", "effective_port", "effective_security")}
    state = "undecryptable" if isinstance(server.password, Undecryptable) else "saved" if server.password else ""
    return {"alias": server.alias, **oauth, **values, **effective, "password": state}


def _current(server: MailServer) -> dict[str, Any]:
    """The saved settings as a browser would send them back: without the password, which an empty field keeps."""
    values = model_to_dict(server, fields=MailServerForm.Meta.fields, exclude=["password"])
    apply_locks(server, server.alias)
    return {**values, "confirm_clear_text": server.says_password_in_clear and bool(server.password)}


def _refuse_what_counts_for_nothing(form: MailServerForm, entered: dict[str, Any]) -> None:
    for name in entered.keys() - form.fields.keys() - {"oauth_connection"}:
        source = source_of(name.removeprefix("clear_"))
        raise CommandError(f"{_option(name)}: can't be changed here, as it is set by {source}.")
    form.full_clean()
    for name in form.decided:
        if name in entered:
            raise CommandError(f"{_option(name)}: is not used with an OAuth connection (--oauth-connection).")


def _entered(options: dict[str, Any]) -> dict[str, Any]:
    names = (*TEXTS, *CHOICES, "force_from")
    entered: dict[str, Any] = {name: options[name] for name in names if options[name] is not None}
    if options["oauth_connection"] is not None:
        entered["oauth_connection"] = _connection(options["alias"], options["oauth_connection"])
    entered |= {name: "on" for name in ("clear_password", "confirm_clear_text") if options[name]}
    if options["ca_bundle"] is not None:
        entered["ca_bundle"] = _read(options["ca_bundle"]) if options["ca_bundle"] else ""
    if options["password_file"]:
        entered["password"] = _read(options["password_file"]).strip("\r\n")
    return entered


def _connection(alias: str, name: str) -> int | None:
    if not name:
        return None
    if excludes_oauth(alias):
        source = source_of("password" if "password" in locked_values(alias) else "auth_method")
        raise CommandError(f"--oauth-connection: can't be used, as another way to log in is set by {source}.")
    known = dict(OAuthConnection.objects.values_list("name", "pk"))
    if name not in known:
        raise CommandError(f"--oauth-connection: there is none of this name. There are: {', '.join(known) or 'none'}.")
    return known[name]


def _read(path: str) -> str:
    """A secret never stands on the command line, where every user of the machine can see it."""
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} can't be read: {error}") from error


def _problems(form: MailServerForm) -> str:
    return "\n".join(
        f"{'' if name == '__all__' else _option(name) + ': '}{' '.join(map(str, errors))}"
        for name, errors in form.errors.items()
    )
