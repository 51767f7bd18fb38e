"""Shows a message without running or fetching anything that is in it."""

from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from mailconfig.catcher import reading

LONGEST_SHOWN: Final = 100_000

# Nothing remote, whatever policy the site itself has; and no link leads anywhere, for a sandbox opens no windows.
# Styles of mail are inline; in a frame without scripts and remote addresses they change only how it looks.
FRAME_HEAD: Final = (
    '<meta http-equiv="Content-Security-Policy" '
    "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
    '<base target="_blank">'
)


def text(raw: bytes) -> SafeString:
    body = reading.body(raw)
    return in_box(body, _("Text")) if body else SafeString(_("This message has no plain text."))


def headers(raw: bytes) -> SafeString:
    return in_box(reading.headers(raw), _("Headers"))


def html(raw: bytes) -> SafeString:
    """The HTML in a frame that may do nothing; empty if there is none."""
    body = reading.body(raw, "text/html")
    if not body:
        return SafeString("")
    if len(body) > LONGEST_SHOWN:
        return SafeString(_("Too long to be shown."))
    frame = '<iframe class="outbox-html" sandbox="" title="{}" srcdoc="{}"></iframe>'
    return format_html(frame, _("HTML without remote content"), FRAME_HEAD + body)


def in_box(content: str, label: str) -> SafeString:
    """Text of any length in a box that wraps, scrolls and can be reached by keyboard."""
    box = '<textarea class="vLargeTextField" rows="12" cols="80" readonly aria-label="{}">\n{}</textarea>'
    shown = format_html(box, label, content[:LONGEST_SHOWN])
    return shown if len(content) <= LONGEST_SHOWN else format_html("{}<p>{}</p>", shown, _("Only the beginning."))
