"""Why a sign-in at a provider came to nothing: a sentence for each cause, and what to do then."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .exceptions import OAuthError
from .explanations import Explanation
from .models import Authorization


class FlowError(OAuthError):
    """`authorization` is what was begun, where it was begun by whoever sees this error."""

    sentence = _("The account was not authenticated.")
    action: str | Promise = _("Begin again on the page on which you began.")
    authorization: Authorization | None = None


class Unreadable(FlowError):
    """RFC 6749 section 3.1: no parameter may come more than once."""

    sentence = _("This answer can't be read: a part of it came twice, is too long or has forbidden characters.")


class UnknownState(FlowError):
    sentence = _("This answer belongs to no sign-in that was begun here.")
    action = _(
        "Begin again on the page on which you began. If you began nothing, close this page: somebody may have sent you "
        "a forged link. Nothing was stored."
    )


class NotSignedIn(FlowError):
    sentence = _("You came back from the provider, but this site does not know you in this browser.")
    action = _(
        "Sign in, then begin again. Your session may have ended, or you began under another address of this site than "
        "the one that the provider sends you to: compare the redirect URI with the address in your browser."
    )


class ForeignState(FlowError):
    sentence = _("This sign-in was begun by another user, or in another browser or session.")
    action = _("Begin again here, and come back in the same browser. Nothing was stored.")


class AlreadyUsed(FlowError):
    sentence = _("This answer was used already: the page was reloaded, or opened a second time.")
    action = _("If the account is shown as authenticated, there is nothing to do. Otherwise try again.")


class TooLate(FlowError):
    sentence = _("More than 10 minutes have passed since you began.")
    action = _("Try again, and come back from the provider within 10 minutes.")


class WrongIssuer(FlowError):
    """RFC 9207: an answer of one provider that is presented as another one's."""

    sentence = _("This answer comes from another provider than the one that you were sent to.")
    action = _("Nothing was stored. If trying again does not help, check the issuer of the OAuth connection.")


class MissingIssuer(FlowError):
    sentence = _("This answer does not say which provider it comes from, although this provider always says so.")
    action = _("Nothing was stored. Try again.")


class Cancelled(FlowError):
    sentence = _("The sign-in was cancelled at the provider, or the consent was refused.")
    action = _(
        "Try again, and accept what you are asked for. If you did accept, the provider does not let you: an "
        "administrator there has to allow this application."
    )


class ConsentPending(FlowError):
    sentence = _("An administrator of your organization has to approve this application first.")
    action = _(
        "Have an administrator grant consent for it (at Microsoft: Enterprise applications, this application, "
        "Permissions, “Grant admin consent”), then try again."
    )


class NoCode(FlowError):
    sentence = _("The provider sent you back with neither a code nor an error.")
    action = _("Try again. If it happens again, look at the settings of this application at the provider.")


class NoIdentity(FlowError):
    sentence = _("The provider did not say who signed in.")
    action = _("Allow the scope “openid” for this application at the provider, then try again.")


class NoRefreshToken(FlowError):
    sentence = _(
        "The provider sent no refresh token, so the account would stop working within hours. It was not stored."
    )
    action = _(
        "Remove this application's access in your account at the provider (at Google: "
        "https://myaccount.google.com/connections), or allow it offline access, then try again."
    )


class Explained(FlowError):
    """What the provider, or the way to it, had against it, in our words."""

    def __init__(self, error: OAuthError, explanation: Explanation) -> None:
        Exception.__init__(self, explanation.meaning)
        self.action, self.code, self.details = explanation.action, error.code, error.details
