"""Known words of providers, each with what they mean and what helps."""

from typing import Final

from .any_provider import ANY_PROVIDER
from .codes import CODES
from .entry import Entry
from .google import GOOGLE, GOOGLE_IN_TESTING
from .microsoft import MICROSOFT

__all__ = ["BY_CODE", "BY_WORDS", "GOOGLE_IN_TESTING", "Entry"]

BY_WORDS: Final = (*MICROSOFT, *GOOGLE, *ANY_PROVIDER)
"""No two match the same words."""

BY_CODE: Final = {entry.id: entry for entry in CODES}
