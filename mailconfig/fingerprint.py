"""The SHA-256 fingerprint by which a certificate is pinned."""

import re
from typing import Final

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

_LABEL: Final = re.compile(r"^\s*(?:sha-?256)?\s*(?:fingerprint)?\s*[=:]?\s*", re.IGNORECASE)
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def clean_fingerprint(value: str) -> str:
    """As 64 hexadecimal digits, without colons, blanks and what other tools print before."""
    return re.sub(r"[\s:]", "", _LABEL.sub("", value, count=1)).lower()


def validate_fingerprint(value: str) -> None:
    """Accept a SHA-256 fingerprint, with or without colons (S-15)."""
    digits = clean_fingerprint(value)
    if len(digits) == 40 and re.fullmatch(r"[0-9a-f]+", digits):
        raise ValidationError(_("This is a SHA-1 fingerprint, which is not safe. Enter the SHA-256 one."), "sha1")
    if not _SHA256.fullmatch(digits):
        raise ValidationError(_("Enter the SHA-256 fingerprint of the certificate: 64 digits from 0 to f."), "pin")
