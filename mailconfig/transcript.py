"""What was said in a conversation, line by line, for a person who looks for the mistake; without secrets (S-2)."""

import re
from collections.abc import Sequence
from typing import Final

from django.utils.translation import gettext as _

from .blackout import MASK, blacked_out

CONTINUE: Final = 334
"""The reply to AUTH that goes on; what it says is read by the mechanism, not by a person."""

LONGEST_LINE: Final = 512
MOST_HEADERS: Final = 20
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffd]")


class Transcript:
    """Lines that begin with "C: " were said by this site, "S: " by the server, "* " by neither."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._logging_in = False

    def said(self, line: str) -> None:
        """A command. What follows the name of a mechanism, or a 334, is never kept."""
        mask = MASK.decode()
        words = line.split(" ", 2)
        if self._logging_in:
            line = mask
        elif words[0].upper() == "AUTH" and len(words) > 2:
            line = f"{words[0]} {words[1]} {mask}"
        self._add(f"C: {line}")

    def heard(self, code: int, reply: bytes) -> None:
        self._logging_in = code == CONTINUE
        lines = [MASK] if self._logging_in else reply.split(b"\n")
        number = f"{code}" if code > 0 else ""
        for line in lines[:-1]:
            self._add(f"S: {number}-{line.decode(errors='replace')}")
        self._add(f"S: {number} {lines[-1].decode(errors='replace')}")

    def sent(self, message: bytes) -> None:
        """The headers of a message, and how long the rest is."""
        headers, _end, body = message.partition(b"\r\n\r\n")
        for line in headers.decode(errors="replace").split("\r\n")[:MOST_HEADERS]:
            self._add(f"C: {line}")
        self.note(_("text of the message, %(count)s bytes") % {"count": len(body)})

    def note(self, text: str) -> None:
        self._add(f"* {text}")

    def _add(self, line: str) -> None:
        shown = _UNPRINTABLE.sub("·", line)
        self._lines.append(shown if len(shown) <= LONGEST_LINE else f"{shown[:LONGEST_LINE]}…")

    def take(self, secrets: Sequence[bytes]) -> list[str]:
        """The lines since the last time."""
        text, self._lines = "\n".join(self._lines), []
        return blacked_out(text.encode(errors="replace"), secrets).decode(errors="replace").split("\n") if text else []
