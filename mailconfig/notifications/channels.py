"""The ways to tell somebody: mail and a webhook. Neither depends on the other (S-30)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mailconfig.backends import EmailBackend
from mailconfig.mailers import DEFAULT_ALIAS, our_aliases

from . import webhook
from .models import Notifications
from .wording import Digest


@dataclass(frozen=True)
class Channel:
    """`name` begins the names of its fields in `Notifications` and ends those in `Happening`."""

    name: str
    label: str | Promise
    is_active: Callable[[Notifications], bool]
    send: Callable[[Notifications, Digest], None]
    """Raises whatever went wrong."""

    @property
    def told(self) -> str:
        return f"told_by_{self.name}"


def _mail(chosen: Notifications, digest: Digest) -> None:
    """Never through the outbox: while nothing is delivered, one mail after the other would gather there."""
    message = EmailMessage(
        digest.subject,
        digest.body,
        settings.SERVER_EMAIL,
        chosen.addresses,
        headers={"Auto-Submitted": "auto-generated"},  # RFC 3834 section 5: no vacation answers this
    )
    for number, report in enumerate(digest.reports, 1):
        message.attach(f"report-{number}.html", report, "text/html")
    if DEFAULT_ALIAS in our_aliases():
        sent = EmailBackend(alias=DEFAULT_ALIAS).send_messages([message])
    else:
        sent = message.send()
    if not sent:
        raise OSError(_("The mail server took the mail for none of the recipients."))


MAIL: Final = Channel("mail", gettext_lazy("Mail"), lambda chosen: bool(chosen.addresses), _mail)
WEBHOOK: Final = Channel("webhook", gettext_lazy("Webhook"), lambda chosen: chosen.has_webhook, webhook.post)
CHANNELS: Final = (WEBHOOK, MAIL)
"""The quick one first."""
