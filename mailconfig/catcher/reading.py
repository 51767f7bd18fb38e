"""Reads messages of any quality: whatever bytes come in, text that can be stored and shown comes out."""

import email
import re
from contextlib import suppress
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from typing import Final

from mailconfig.storable import storable

LONGEST_SUBJECT: Final = 998  # a line's limit in RFC 5322
_END_OF_HEADERS: Final = re.compile(rb"\r?\n\r?\n")


def headers(raw: bytes) -> str:
    return storable(_header_bytes(raw).decode("utf-8", "replace"))


def subject(raw: bytes) -> str:
    """The decoded subject on one line; as it was sent if it can't be decoded."""
    value = email.message_from_string(headers(raw))["subject"] or ""
    with suppress(ValueError, LookupError, HeaderParseError):  # else broken, or UTF-8 as it is (RFC 6532)
        value = str(make_header(decode_header(value)))
    return " ".join(storable(value).split())[:LONGEST_SUBJECT]


def body(raw: bytes, content_type: str = "text/plain") -> str:
    """The first text of that kind in the message, empty if it has none."""
    try:
        parts = list(email.message_from_bytes(raw).walk())
    except RecursionError:  # hundreds of parts within parts
        return ""
    texts = (part for part in parts if part.get_content_type() == content_type)
    shown = next((part for part in texts if part.get_content_disposition() != "attachment"), None)
    return _decoded(shown) if shown else ""


def _header_bytes(raw: bytes) -> bytes:
    return _END_OF_HEADERS.split(raw, maxsplit=1)[0]


def _decoded(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload.decode(part.get_content_charset("utf-8"), "replace")
    except (ValueError, LookupError):  # no character set of this name
        return payload.decode("utf-8", "replace")
