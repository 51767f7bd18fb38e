"""The form that DKIM keys and DMARC policies have: "v=DKIM1; k=rsa; p=..." (RFC 6376 section 3.2)."""

import re
from typing import Final

_TAG: Final = re.compile(r"\s*([a-z][a-z0-9_]*)\s*=\s*(.*?)\s*", re.IGNORECASE | re.DOTALL)


class TagError(ValueError):
    """The part that is no tag, or a second one of its name."""


def tags(text: str) -> dict[str, str]:
    """Tag names in lower case, and their values."""
    found: dict[str, str] = {}
    for part in text.split(";"):
        match = _TAG.fullmatch(part)
        if match and match[1].lower() not in found:
            found[match[1].lower()] = match[2]
        elif part.strip():
            raise TagError(part.strip())
    return found
