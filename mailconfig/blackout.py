"""Takes secrets out of what a server said, in whatever form it repeats them (S-2)."""

import base64
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Final
from urllib.parse import quote

MASK: Final = b"********"

_PIECE: Final = re.compile(rb"[\w+/=]{8,}")
_BETWEEN: Final = re.compile(rb"\s*\n(?:S: )?(?:\d{3}[ -])?(?:[245]\.\d{1,3}\.\d{1,3} )?|\s+")
"""What stands between the parts of a secret that goes over several lines or words."""


def forms_of(secret: str) -> list[bytes]:
    """The secret, its base64 wherever in a triple it begins, and other ways in which text travels."""
    plain = secret.encode(errors="surrogatepass")
    if not plain:
        return []
    whole = base64.b64encode(plain)
    shifted = [base64.b64encode(b"\0" * skipped + plain)[4:-4] for skipped in (1, 2, 3)]
    others = [plain.hex().encode(), quote(plain, safe="").encode()] if len(plain) > 3 else []
    if not secret.isascii():  # in bytes only the case of ASCII is ignored
        others += [other.encode(errors="surrogatepass") for other in (secret.upper(), secret.lower())]
    url_safe = [form.translate(bytes.maketrans(b"+/", b"-_")) for form in (whole, *shifted)]
    return [form for form in dict.fromkeys((whole, *shifted, *url_safe, *others, plain)) if form]


def blacked_out(text: bytes, secrets: Sequence[bytes]) -> bytes:
    """The text without what gives one of them away, be it a piece or spread over lines."""
    if not secrets:
        return text
    for secret in secrets:
        text = _pattern(secret).sub(MASK, text)
    text = _without_spread(text, secrets)
    return _PIECE.sub(lambda word: _piece(word, secrets), text)  # of a long line servers repeat a piece


def _piece(word: re.Match[bytes], secrets: Sequence[bytes]) -> bytes:
    return MASK if any(word[0].lower() in secret.lower() for secret in secrets) else word[0]


@lru_cache(maxsize=64)
def _pattern(secret: bytes) -> re.Pattern[bytes]:
    """A very short secret is one only where it stands alone: else it would be all over the reply."""
    escaped = re.escape(secret)
    return re.compile(escaped if len(secret) > 3 else rb"(?<!\w)" + escaped + rb"(?!\w)", re.IGNORECASE)


def _without_spread(text: bytes, secrets: Sequence[bytes]) -> bytes:
    squeezed = _BETWEEN.sub(b"", text).lower()
    spread = [secret for secret in map(_squeezed, secrets) if len(secret) > 3 and secret in squeezed]
    if not spread:  # as nearly always, and this runs for each reply
        return text
    positions = _positions_of_text(text)
    spans: list[tuple[int, int]] = []
    for secret in spread:
        found = [match.start() for match in re.finditer(re.escape(secret), squeezed)]
        spans += [(positions[start], positions[start + len(secret) - 1] + 1) for start in found]
    for begin, end in reversed(_merged(spans)):
        text = text[:begin] + MASK + text[end:]
    return text


@lru_cache(maxsize=64)
def _squeezed(secret: bytes) -> bytes:
    return re.sub(rb"\s", b"", secret).lower()


def _positions_of_text(text: bytes) -> list[int]:
    gaps = [gap.span() for gap in _BETWEEN.finditer(text)]
    begins, ends = [0, *(end for _begin, end in gaps)], [*(begin for begin, _end in gaps), len(text)]
    return list(chain.from_iterable(map(range, begins, ends)))


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if merged and begin <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], end)
        else:
            merged.append((begin, end))
    return merged
