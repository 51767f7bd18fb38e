"""What people can be told about, and the function that tells. For the project's own occasions, too."""

import hashlib
import logging
import re
from dataclasses import dataclass
from typing import Final

from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import Promise

from .pending import Group, Text, pending

logger = logging.getLogger("mailconfig.notifications")
LONGEST_KEY: Final = 200


@dataclass(frozen=True)
class Occasion:
    """`id` names it in the code and the database; people read `label` and `help`, and switch it on or off."""

    id: str
    label: str | Promise
    help: str | Promise = ""
    default_on: bool = True


_known: Final[dict[str, Occasion]] = {}


def register(occasion: Occasion) -> None:
    """Add an occasion to the page; call it in the `ready()` of an app. Raises ImproperlyConfigured."""
    if not re.fullmatch(r"[a-z0-9_.-]{1,100}", occasion.id):
        raise ImproperlyConfigured(f"Occasion {occasion.id!r}: the id must be small letters, digits, “_”, “.” or “-”.")
    if _known.setdefault(occasion.id, occasion) != occasion:
        raise ImproperlyConfigured(f"Occasion {occasion.id!r} is registered twice.")


def occasions() -> list[Occasion]:
    return list(_known.values())


def label_of(occasion_id: str) -> str:
    """Also of one that is registered no longer."""
    known = _known.get(occasion_id)
    return str(known.label) if known else occasion_id


def is_on_by_default(occasion_id: str) -> bool:
    known = _known.get(occasion_id)
    return known is None or known.default_on


def notify(occasion_id: str, subject: Text, body: Text = "", key: str = "", url: Text = "") -> None:
    """Tell those who are to be told, soon and not more often than they want. Never raises, never waits.

    What has the same `key` is one group, of which a digest has the number and the last one's texts. A text may be lazy
    or a function, which is called later in a thread of its own. `url`: a path of this site or a whole address.
    """
    if occasion_id not in _known:
        logger.warning("Nobody is told of %r: no such occasion is registered", occasion_id)
        return
    if len(key) > LONGEST_KEY:
        key = hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
    pending.add(Group(occasion_id, key, subject, body, url))
