"""What people do with accounts, noted in the admin's history: who, when and what came of it; never a token."""

from typing import Final

from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Model
from django.utils.functional import Promise
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy

from .exceptions import OAuthError
from .explanations import explain
from .flow_errors import FlowError
from .models import OAuthConnection

LONGEST: Final = 500
"""Characters of a reason, which may have come from outside."""

FAILED: Final = gettext_lazy("Authentication failed: %(reason)s")


def note(user_id: int, row: Model, text: str, flag: int = CHANGE) -> None:
    """An entry in the history of a row."""
    LogEntry.objects.log_actions(user_id, [row], flag, text, single_object=True)


def note_failure(
    user_id: int, row: Model, error: OAuthError, connection: OAuthConnection, text: str | Promise = FAILED
) -> None:
    """An attempt that came to nothing, `text` completed with the reason; the row is the connection if none else is."""
    reason = str(error) if isinstance(error, FlowError) else explain(error, connection).meaning
    note(user_id, row, str(text) % {"reason": Truncator(reason).chars(LONGEST)})
