"""What happens to accounts beside somebody signing in: the application's own, disconnected ones, orphaned ones."""

from collections.abc import Sequence

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from .fields import Secret
from .flow import store
from .history import note
from .models import AccountKind, Authorization, OAuthAccount, OAuthConnection
from .providers import Provider, provider_of
from .signals import account_authenticated

FORGOTTEN = {"access_token": "", "refresh_token": "", "expires_at": None}


def add_application(request: HttpRequest, connection: OAuthConnection, scopes: Sequence[str]) -> OAuthAccount:
    """The account of the application itself, with a token that the provider gave just now; OAuthError if it did not."""
    grant = provider_of(connection).application_grant(scopes)
    with transaction.atomic():
        OAuthConnection.objects.select_for_update().get(pk=connection.pk)
        known = connection.accounts.select_for_update().filter(kind=AccountKind.APPLICATION)
        account = known.first() or OAuthAccount(connection=connection, kind=AccountKind.APPLICATION)
        store(account, grant, request.user.pk)  # type: ignore[arg-type]
    account_authenticated.send(sender=OAuthAccount, account=account, request=request, reference="")
    return account


def disconnect(account: OAuthAccount, user_id: int) -> bool:
    """Forget the tokens of an account, and have the provider forget them; whether it was told. OAuthError if in vain.

    They are gone from here in any case.
    """
    with transaction.atomic():
        account = OAuthAccount.objects.select_for_update().select_related("connection").get(pk=account.pk)
        held = [token for token in (account.refresh_token, account.access_token) if isinstance(token, Secret) and token]
        OAuthAccount.objects.filter(pk=account.pk).update(**FORGOTTEN, needs_authentication=True, last_error="")
        note(user_id, account, _("Disconnected."))
    return bool(held) and _revoke(provider_of(account.connection), held[0])


def _revoke(provider: Provider, token: str) -> bool:
    if not provider.can_revoke():
        return False
    provider.revoke(token)
    return True


def disown(connection: OAuthConnection) -> int:
    """Forget what was given to another client than the connection is now (S-2); the number of accounts that end."""
    Authorization.objects.filter(connection=connection).delete()
    connection.accounts.filter(kind=AccountKind.APPLICATION).update(**FORGOTTEN)
    signed_in = connection.accounts.filter(kind=AccountKind.USER)
    return signed_in.update(**FORGOTTEN, needs_authentication=True)
