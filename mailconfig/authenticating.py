"""An account is authenticated for a mail server: the way to its provider, and what becomes of it afterwards."""

from typing import Any, Final

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from oauthconnections.models import AccountKind, OAuthAccount
from oauthconnections.signals import account_authenticated
from oauthconnections.views import start

from .history import account_change
from .locks import apply_locks
from .models import MailServer

CONSUMER: Final = "mailconfig"
PERMISSION: Final = "mailconfig.change_mailserver"
LONGEST_SENDER: Final = 254
_PREFIX: Final = "mailserver:"
_SESSION_KEY: Final = "mailconfig.authenticating"


def begin(request: HttpRequest, server: MailServer, return_to: str, *, another: bool) -> HttpResponse:
    """Send the browser to the provider of the chosen connection, or back with what is against it."""
    assert server.oauth_connection
    request.session[_SESSION_KEY] = {**request.session.get(_SESSION_KEY, {}), str(server.pk): server.destination}
    known = server.oauth_account
    again = known if known and known.kind == AccountKind.USER and not another else None
    return start(
        request,
        server.oauth_connection,
        return_to=return_to,
        consumer=CONSUMER,
        reference=f"{_PREFIX}{server.pk}",
        account=again,
    )


@receiver(account_authenticated)
def attach(account: OAuthAccount, request: HttpRequest, reference: str, **_signal: Any) -> None:
    """Use the account for the server for which somebody authenticated it."""
    pk = reference.removeprefix(_PREFIX)
    if reference == pk or not pk.isdecimal():
        return
    with transaction.atomic():
        server = MailServer.objects.select_for_update().filter(pk=pk).first()
        if server and _is_meant_for(account, request, server):
            _attach(account, request, server)
            return
    messages.warning(
        request,
        _(
            "The account was authenticated, but the settings of the mail server were changed meanwhile, so it is not "
            "used there. If it should be, press “Authenticate account” again."
        ),
    )


def _is_meant_for(account: OAuthAccount, request: HttpRequest, server: MailServer) -> bool:
    """Whether the row is still as it was when the sign-in began; its token goes to no other server (S-2)."""
    apply_locks(server, server.alias)
    if server.oauth_connection_id != account.connection_id or not request.user.has_perm(PERMISSION):
        return False
    begun = request.session.get(_SESSION_KEY, {}).get(str(server.pk))
    return begun in (None, server.destination)  # None: it was begun by code, not on the page


def _attach(account: OAuthAccount, request: HttpRequest, server: MailServer) -> None:
    change = account_change(server.oauth_account, account)
    fields = ["oauth_account"]
    server.oauth_account = account
    if not server.from_email and len(account.email) <= LONGEST_SENDER:
        server.from_email = account.email
        fields.append("from_email")
    server.save_changed(fields)
    message = [{"changed": {"fields": [change]}}]
    assert request.user.pk is not None
    LogEntry.objects.log_actions(request.user.pk, [server], CHANGE, message, single_object=True)
