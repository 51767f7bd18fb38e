"""Tells another program by HTTP: JSON with a signature, or what Slack and Microsoft Teams read.

Reports stay here and in mail: a traceback may hold what is nobody's business elsewhere.
"""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any, Final

from django.utils.html import escape
from django.utils.translation import gettext as _

from oauthconnections.on_call import on_call

from .models import Format, Notifications
from .wording import Digest

_send = on_call("oauthconnections.http.post")  # loads `requests`
SIGNATURE: Final = "X-Mailconfig-Signature"
MOST_LISTED: Final = 50
LONGEST_TEXT: Final = 3000
"""Characters; Slack cuts longer texts into several messages, Teams refuses above 28 KB."""
SEVERAL: Final = "several"


class Unreadable(Exception):
    """What is saved of the webhook can't be decrypted (S-3)."""


def post(chosen: Notifications, digest: Digest) -> None:
    """Raises UnsafeAddress or ProviderUnavailable (S-13), or Unreadable; none of them names more than the host."""
    if not chosen.is_readable:
        raise Unreadable(_("The address or secret can't be decrypted: the encryption key has changed. Enter it again."))
    content = json.dumps(FORMATS[chosen.webhook_format](digest)).encode()
    headers = {"Content-Type": "application/json"}
    if secret := str(chosen.webhook_secret):
        headers[SIGNATURE] = signature(secret, content)
    _send(str(chosen.webhook_url), content, headers)


def signature(secret: str, content: bytes) -> str:
    """HMAC with SHA-256 (RFC 2104) of the request's body, in hexadecimal digits."""
    return "sha256=" + hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


def plain(digest: Digest) -> dict[str, Any]:
    """`occasion` is "several" where there is more than one, `at` the last time, `url` the page of the first."""
    kinds = {entry.happening.occasion for entry in digest.entries}
    return {
        "occasion": kinds.pop() if len(kinds) == 1 else SEVERAL,
        "subject": digest.subject,
        "text": digest.text,
        "count": digest.count,
        "at": max(entry.happening.last_at for entry in digest.entries).isoformat(),
        "url": digest.entries[0].url,
        "happenings": digest.happenings[:MOST_LISTED],
    }


def slack(digest: Digest) -> dict[str, Any]:
    """https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks"""
    text = f"{digest.subject}\n\n{digest.text}"[:LONGEST_TEXT]
    return {"text": text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}


def teams(digest: Digest) -> dict[str, Any]:
    """An Adaptive Card in a message, as workflows in Teams take it (the older connectors are gone)."""
    blocks = [
        {"type": "TextBlock", "text": _unformatted(digest.subject), "weight": "bolder", "wrap": True},
        {"type": "TextBlock", "text": _unformatted(digest.text[:LONGEST_TEXT]), "wrap": True},
    ]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": card}]}


def _unformatted(text: str) -> str:
    """Line ends as Markdown counts them, and no tags."""
    return escape(text).replace("&#x27;", "'").replace("&quot;", '"').replace("\n", "\n\n")


FORMATS: Final[dict[str, Callable[[Digest], dict[str, Any]]]] = {
    Format.PLAIN: plain,
    Format.SLACK: slack,
    Format.TEAMS: teams,
}
