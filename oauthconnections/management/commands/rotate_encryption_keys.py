"""`manage.py rotate_encryption_keys`: bring every stored secret under the first key."""

import json
from argparse import ArgumentParser
from dataclasses import asdict, dataclass, field
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from oauthconnections.fields import Undecryptable
from oauthconnections.stored_secrets import StoredSecret, batches


@dataclass
class Rotation:
    """What was found and done. Repeating it is safe: what is under the first key is left alone."""

    dry_run: bool
    reencrypted: int = 0
    current: int = 0
    changed_meanwhile: int = 0
    undecryptable: list[dict[str, str]] = field(default_factory=list)

    def run(self) -> None:
        """Each batch is its own transaction, so that an interruption keeps the finished ones."""
        for batch in batches():
            with transaction.atomic(using=batch[0].database):
                for value in batch:
                    self._rotate(value)

    def _rotate(self, value: StoredSecret) -> None:
        if value.is_current:
            self.current += 1
        elif isinstance(secret := value.opened(), Undecryptable):
            self.undecryptable.append(value.place)
        elif self.dry_run or value.replace(secret):
            self.reencrypted += 1
        else:
            self.changed_meanwhile += 1

    def sentences(self) -> list[str]:
        done = (
            ngettext("%d value would be re-encrypted.", "%d values would be re-encrypted.", self.reencrypted)
            if self.dry_run
            else ngettext("%d value re-encrypted.", "%d values re-encrypted.", self.reencrypted)
        )
        current = ngettext(
            "%d value was already under the first key.", "%d values were already under the first key.", self.current
        )
        return [done % self.reencrypted, current % self.current, *map(_describe, self.undecryptable)]

    def problems(self) -> list[str]:
        found = []
        if self.undecryptable:
            found.append(
                _(
                    "%(count)d values can't be decrypted: the key that encrypted them is not in FIELD_ENCRYPTION_KEYS, "
                    "SECRET_KEY or SECRET_KEY_FALLBACKS. Add it there, or enter these secrets again."
                )
                % {"count": len(self.undecryptable)}
            )
        if self.changed_meanwhile:
            found.append(_("%d values were changed while this ran. Run the command again.") % self.changed_meanwhile)
        return found


class Command(BaseCommand):
    help = "Re-encrypts every stored secret with the first key. May be interrupted and repeated."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Only count what would be done.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        rotation = Rotation(dry_run=options["dry_run"])
        rotation.run()
        self.stdout.write(json.dumps(asdict(rotation)) if options["json"] else "\n".join(rotation.sentences()))
        if problems := rotation.problems():
            raise CommandError(" ".join(problems))


def _describe(place: dict[str, str]) -> str:
    return _("Can't be decrypted: %(model)s, row %(pk)s, field %(field)s") % place
