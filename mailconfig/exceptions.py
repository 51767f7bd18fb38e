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


class NoConnection(MailconfigError):
    """Authentication is to be by OAuth, and nobody has said where."""

    sentence = _("The authentication method is OAuth 2.0, but no OAuth connection is chosen. Choose one at %(where)s.")


class NotAuthenticated(MailconfigError):
    """Nobody has signed in whose account could be used."""

    sentence = _(
        "No mail is sent, as no account is authenticated for the OAuth connection “%(connection)s”. "
        "Authenticate one at %(where)s."
    )


class AuthenticationLost(NotAuthenticated):
    """Somebody had signed in, and the provider wants them to do it again."""

    sentence = _("The account %(account)s has to be authenticated again, at %(where)s. %(reason)s")


class NoTokenNow(MailconfigError):
    """The account is fine as far as is known, but its provider gave no access token."""

    sentence = _("%(meaning)s %(action)s")
