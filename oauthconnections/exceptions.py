"""What can go wrong between this site and a provider; the text of each error is a sentence for people."""

from django.utils.translation import gettext_lazy as _


class OAuthError(Exception):
    """Base of the errors of this app.

    `sentence` says what happened and what to do, and is completed with `values`. `code` is the provider's own
    (RFC 6749 sections 4.1.2.1 and 5.2), `details` the provider's own words without secrets, for those who want them.
    """

    sentence = _("The provider can't be used.")

    def __init__(self, *, code: str = "", details: str = "", **values: object) -> None:
        super().__init__(str(self.sentence) % values)
        self.code = code
        self.details = details


class ProviderUnavailable(OAuthError):
    """No usable answer: network, time-out, 5xx, too long. Trying again later may help."""

    sentence = _("%(host)s does not answer as it should: %(reason)s Try again later.")


class UnsafeAddress(OAuthError):
    """An endpoint that this site does not talk to (S-13)."""

    sentence = _("This site does not talk to %(url)s: %(reason)s")


class ProviderRefused(OAuthError):
    """The provider understood and said no: `code` and `details` have its words."""

    sentence = _("The provider refused: %(code)s.")

    def __init__(self, *, code: str, details: str = "") -> None:
        self.values = {"code": code}
        Exception.__init__(self, str(self.sentence) % self.values)
        self.code = code
        self.details = details


class Misconfigured(OAuthError):
    """What was entered for the connection can't work, or can't be decrypted (S-3)."""

    sentence = _("The OAuth connection “%(connection)s” can't be used: %(reason)s")


class ReauthenticationRequired(OAuthError):
    """Only somebody who signs in again can bring a token."""

    sentence = _("The account %(account)s has to be authenticated again.")


class TokenUnavailable(OAuthError):
    """There is no token just now. Trying again later may help."""

    sentence = _("There is no access token for %(account)s just now: %(reason)s")
