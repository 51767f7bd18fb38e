"""What can keep mail from being sent before a server is asked: SMTPExceptions, as callers of Django expect."""

import smtplib

from django.utils.translation import gettext_lazy as _


class MailconfigError(smtplib.SMTPException):
    """Base of the errors of this app. `sentence` is shown to people and completed with `values`."""

    sentence = _("Mail can't be sent.")

    def __init__(self, **values: object) -> None:
        super().__init__(str(self.sentence) % values)


class NotConfigured(MailconfigError):
    """There is no server to send through."""

    sentence = _("No outgoing mail server is configured (%(alias)s). Enter one at %(where)s.")


class PasswordUnreadable(MailconfigError):
    """The saved password was encrypted with a key that this site no longer has."""

    sentence = _(
        "The saved password of the outgoing mail server can't be decrypted: the encryption key has changed. "
        "Enter the password again at %(where)s."
    )
