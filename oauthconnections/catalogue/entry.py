"""One refusal that is understood."""

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Entry:
    """`pattern` is looked for in "code: description"; texts are completed with %(connection)s and %(code)s."""

    id: str
    pattern: str
    meaning: Promise
    action: Promise


AUTHENTICATE_AGAIN: Final = _("Authenticate the account again. All settings stay as they are.")


def aadsts(*numbers: int) -> str:
    """A pattern for codes of Microsoft Entra ID."""
    return rf"AADSTS({'|'.join(map(str, numbers))})\b"
