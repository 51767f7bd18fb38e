"""What the codes of the standards mean, and our own, where the words beside them are not known."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from .entry import AUTHENTICATE_AGAIN, Entry

CODES: Final = (
    Entry(
        "access_denied",
        "",
        _("The access was denied: somebody pressed “Cancel”, or may not allow it."),
        _("Authenticate again and accept. If that is not offered, ask an administrator of the provider."),
    ),
    Entry(
        "invalid_client",
        "",
        _("The provider does not accept client ID and client secret of “%(connection)s”."),
        _("Copy both again from the provider's console."),
    ),
    Entry(
        "unauthorized_client",
        "",
        _("The application may not sign in this way."),
        _("Check in the provider's console that authorization code and refresh token are allowed for it."),
    ),
    Entry("invalid_grant", "", _("The provider does not accept the stored access any longer."), AUTHENTICATE_AGAIN),
    Entry(
        "invalid_scope",
        "",
        _("The provider does not know a scope that was asked for, or does not allow it."),
        _("Check the additional scopes of “%(connection)s”, and what the provider's console allows the application."),
    ),
    Entry(
        "invalid_request",
        "",
        _("The provider did not understand the request, or misses something in it."),
        _("Check the addresses, the client ID and the redirect URI of “%(connection)s”."),
    ),
    Entry(
        "unsupported_response_type",
        "",
        _("The provider does not let the application sign in by authorization code."),
        _("Allow it in the provider's console: response type “code”, grants “authorization_code” and “refresh_token”."),
    ),
    Entry(
        "unsupported_grant_type",
        "",
        _("The provider does not give the application a token this way."),
        _("Allow it in the provider's console: grants “authorization_code” and “refresh_token”."),
    ),
    Entry("server_error", "", _("The provider has a fault at the moment."), _("Try again in some minutes.")),
    Entry(
        "temporarily_unavailable", "", _("The provider can't answer at the moment."), _("Try again in some minutes.")
    ),
    Entry("interaction_required", "", _("The provider wants to ask a person something."), AUTHENTICATE_AGAIN),
    Entry("login_required", "", _("The provider wants a person to sign in."), AUTHENTICATE_AGAIN),
    Entry("consent_required", "", _("The provider wants a person to allow the access."), AUTHENTICATE_AGAIN),
    Entry(
        "invalid_response",
        "",
        _("The provider refused without saying why in a way that this site understands."),
        _("Check that the addresses of “%(connection)s” are those of the provider."),
    ),
    Entry(
        "invalid_id_token",
        "",
        _("The provider's statement about who signed in is not valid for this sign-in."),
        _("Try again. If that does not help, check the issuer and the client ID of “%(connection)s”."),
    ),
    Entry(
        "no_refresh_token",
        "",
        _("The access has ended, and the provider gave no refresh token that could renew it."),
        _("Authenticate the account again and allow access while you are away (offline access)."),
    ),
    Entry(
        "undecryptable",
        "",
        _("The tokens of the account can't be decrypted: the encryption key of this site has changed."),
        _("Bring the former key back into FIELD_ENCRYPTION_KEYS, or authenticate the account again."),
    ),
)
