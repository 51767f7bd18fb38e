"""Secrets as they are stored: encrypted under the first of the site's keys, readable under any of them."""

import base64
import functools
from typing import TYPE_CHECKING, Final, Self

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.encoding import force_bytes
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from cryptography.fernet import Fernet, MultiFernet

PREFIX: Final = "enc:v1:"
MASK: Final = "********"


class Secret(str):
    """A str that keeps itself out of debug pages, logs and templates; to its users it is the text it holds."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(MASK)

    def __str__(self) -> Self:
        return self

    def __html__(self) -> str:
        return MASK


class Undecryptable:
    """A stored secret that none of the site's keys opens. Saving it again writes the same bytes."""

    __slots__ = ("ciphertext",)

    def __init__(self, ciphertext: str) -> None:
        self.ciphertext = ciphertext

    def __repr__(self) -> str:
        return "<Undecryptable>"

    def __str__(self) -> str:
        return _("(can't be decrypted)")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Undecryptable) and self.ciphertext == other.ciphertext

    def __hash__(self) -> int:
        return hash(self.ciphertext)


def field_encryption_keys() -> list[str]:
    """What FIELD_ENCRYPTION_KEYS lists, without the empty entries that an empty environment variable leaves."""
    keys = getattr(settings, "FIELD_ENCRYPTION_KEYS", None) or []
    # A lone string would be taken for a list of keys of one character each.
    if isinstance(keys, (str, bytes)):
        raise ImproperlyConfigured("FIELD_ENCRYPTION_KEYS is one string. Make it a list of strings: [key].")
    return [key for key in keys if key]


def encrypt(text: str) -> str:
    return PREFIX + _keyring().encrypt(text.encode()).decode("ascii")


def decrypt(stored: str) -> Secret | Undecryptable:
    """Open a stored value. One without the prefix was stored before the column was encrypted, and is as it is."""
    if not stored.startswith(PREFIX):
        return Secret(stored)
    opened = _opened(tuple(_all_keys()), stored)
    return Undecryptable(stored) if opened is None else opened


@functools.lru_cache(maxsize=16)
def _opened(keys: tuple[bytes, ...], stored: str) -> Secret | None:
    """Of the few secrets that are in use at a time; the keys, which open all, are in memory, too."""
    return _open(_multifernet(keys), stored)


def is_current(stored: str) -> bool:
    """Whether a stored value is encrypted, and under the first key."""
    return stored.startswith(PREFIX) and _open(_fernet(_all_keys()[0]), stored) is not None


def _open(opener: "Fernet | MultiFernet", stored: str) -> Secret | None:
    from cryptography.fernet import InvalidToken  # on first use: its import takes longer than all of ours

    try:
        return Secret(opener.decrypt(stored.removeprefix(PREFIX).encode()).decode())
    except InvalidToken:
        return None


def _keyring() -> "MultiFernet":
    return _multifernet(tuple(_all_keys()))


def _all_keys() -> list[bytes]:
    keys = [*field_encryption_keys(), settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [force_bytes(key) for key in keys]


@functools.lru_cache(maxsize=16)
def _multifernet(keys: tuple[bytes, ...]) -> "MultiFernet":
    from cryptography.fernet import MultiFernet  # on first use: its import takes longer than all of ours

    return MultiFernet([_fernet(key) for key in keys])


@functools.lru_cache(maxsize=64)
def _fernet(key: bytes) -> "Fernet":
    from cryptography.fernet import Fernet  # on first use: its import takes longer than all of ours
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"oauthconnections.encryption.v1").derive(key)
    return Fernet(base64.urlsafe_b64encode(derived))
