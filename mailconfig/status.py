"""The status line of the settings page: whether mail can be sent, as far as is known without trying."""

from dataclasses import dataclass

from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from oauthconnections.fields import Undecryptable

from .models import MailServer


@dataclass(frozen=True)
class Status:
    """`level` is one of Django's message tags: success, warning, error."""

    level: str
    text: str


def describe_status(server: MailServer) -> Status:
    """Expects a server with locked values applied."""
    if not server.host:
        return Status("warning", _("Not configured yet. Until a server is saved here, sending mail is an error."))
    if isinstance(server.password, Undecryptable):
        return Status(
            "error", _("The saved password can't be decrypted: the encryption key has changed. Enter it again.")
        )
    if server.tested_at is None:
        return Status("warning", _("Not tested yet. Send a test email."))
    ago = _("%(time)s ago") % {"time": timesince(server.tested_at)}
    if server.test_error:
        return Status("error", _("The test email failed %(ago)s: %(error)s") % {"ago": ago, "error": server.test_error})
    return Status("success", _("Mail works: the test email was accepted %(ago)s.") % {"ago": ago})
