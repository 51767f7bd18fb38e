"""Where the browser comes back from a provider, and how it is sent there."""

from typing import Any, Final
from urllib.parse import urlsplit

from django.contrib import admin, messages
from django.core.exceptions import DisallowedRedirect, PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from . import flow
from .exceptions import OAuthError
from .explanations import explain
from .flow_errors import FlowError, NotSignedIn
from .models import Authorization, OAuthAccount, OAuthConnection
from .reports import hide_secrets

AUTHENTICATE: Final = "oauthconnections.authenticate_oauthaccount"
"""The permission to begin a flow."""


@require_GET
@never_cache
@transaction.non_atomic_requests  # a state is used up even if what follows fails
def callback(request: HttpRequest) -> HttpResponse:
    """The redirect URI. Its address holds a code, so it is told to nobody and kept nowhere."""
    hide_secrets(request)
    try:
        response = _authenticated(request, flow.finish(request))
    except FlowError as error:
        response = _failed(request, error)
    response["Referrer-Policy"] = "same-origin"  # not "no-referrer": with it a browser sends forms without an origin
    return response


def _authenticated(request: HttpRequest, finished: flow.Finished) -> HttpResponse:
    messages.success(request, _("Authenticated as %(account)s.") % {"account": finished.account})
    for note in finished.notes:
        messages.warning(request, note)
    return redirect(finished.authorization.return_to)


def _failed(request: HttpRequest, error: FlowError) -> HttpResponse:
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": _("The account was not authenticated"),
        "error": error,
        "may_repeat": error.authorization and request.user.has_perm(AUTHENTICATE),
        "may_sign_in": isinstance(error, NotSignedIn),
    }
    return render(request, "oauthconnections/callback_failed.html", context, status=400)


@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Begin once more what came to nothing."""
    if not request.user.has_perm(AUTHENTICATE):
        raise PermissionDenied
    past = get_object_or_404(Authorization.objects.select_related("connection", "account"), pk=pk)
    if not flow.begun_by(request, past):
        raise PermissionDenied
    return start(
        request,
        past.connection,
        return_to=past.return_to,
        consumer=past.consumer,
        reference=past.reference,
        account=past.account,
    )


def start(
    request: HttpRequest,
    connection: OAuthConnection,
    *,
    return_to: str,
    consumer: str = "",
    reference: str = "",
    account: OAuthAccount | None = None,
) -> HttpResponse:
    """Begin a flow (see `flow.begin`) and send the browser to the provider, or back with what is against it."""
    hide_secrets(request)
    try:
        url = flow.begin(
            request, connection, return_to=return_to, consumer=consumer, reference=reference, account=account
        )
    except OAuthError as error:
        explain_in_message(request, error, connection)
        return redirect(return_to)
    return to_provider(request, url)


def to_provider(request: HttpRequest, url: str) -> HttpResponse:
    """A page that leads on by itself: a redirect after a form was sent is stopped by the policy form-action 'self'."""
    address = urlsplit(url)
    if address.scheme not in ("http", "https"):
        raise DisallowedRedirect("A provider's address must begin with https://")
    context = {**admin.site.each_context(request), "title": _("Sign in"), "url": url, "host": address.netloc}
    response = render(request, "oauthconnections/to_provider.html", context)
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    return response


def explain_in_message(request: HttpRequest, error: OAuthError, connection: OAuthConnection) -> None:
    """What a provider, or the way to it, had against something, where the next page shows messages."""
    explanation = explain(error, connection)
    text = f"{explanation.meaning} {explanation.action}"
    if error.details:
        words = ": ".join(filter(None, [error.code, error.details]))
        text = format_html("{} <details><summary>{}</summary>{}</details>", text, _("Details"), words)
    messages.error(request, text)
