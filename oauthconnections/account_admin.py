"""The pages of accounts: who they are, how they are, and what can be done about them."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import Script
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from . import grants, tokens, views
from .consumer_choice import buttons, chosen
from .consumers import Consumer, consumers
from .exceptions import OAuthError, ProviderRefused
from .explanations import Explanation, explain
from .history import note, note_failure
from .models import AccountKind, OAuthAccount, ProviderKind
from .reports import hide_secrets
from .states import account_state, idle_warning
from .used_rows import UsedRowsAdmin

BY_HAND = {
    ProviderKind.MICROSOFT: _(
        "Microsoft forgets it only by hand: https://myapps.microsoft.com for the account itself, or “Revoke sessions” "
        "of the user in the Entra admin center."
    ),
    ProviderKind.GOOGLE: _("If it is still listed there, remove it at https://myaccount.google.com/connections."),
    ProviderKind.OPENID: _("This provider can't be told; end the access of this application in the account there."),
}


@admin.register(OAuthAccount)
class OAuthAccountAdmin(UsedRowsAdmin):
    """Nobody types an account: they come by signing in. No page shows a token."""

    change_form_template = "oauthconnections/account_change_form.html"
    list_display = ("__str__", "connection", "state", "authenticated_at", "last_refreshed_at")
    list_select_related = ("connection",)
    fields = (
        *("email", "username", "connection", "kind", "scopes", "authenticated_at", "authenticated_by"),
        *("last_refreshed_at", "expires_at", "last_error", "told_by_provider"),
    )
    readonly_fields = ("told_by_provider",)

    class Media:
        css = {"all": ["oauthconnections/pages.css"]}
        js = [Script("copying/copy.js", defer=True)]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[OAuthAccount]:
        return super().get_queryset(request).select_related("connection", "authenticated_by")

    @admin.display(description=_("state"))
    def state(self, obj: OAuthAccount) -> str:
        state = account_state(obj)
        return format_html('<span class="oauth-is-{}">{}</span>', state.level, state.text)

    @admin.display(description=_("told by the provider"))
    def told_by_provider(self, obj: OAuthAccount) -> str:
        values = ((name, ", ".join(map(str, v)) if isinstance(v, list) else v) for name, v in obj.claims.items())
        return format_html_join("", "<div>{}: {}</div>", values) or self.get_empty_value_display()

    def render_change_form(self, request: Any, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        account: OAuthAccount = context["original"]
        may = request.user.has_perm(views.AUTHENTICATE)
        signs_in = account.kind == AccountKind.USER
        context |= {
            "title": _("OAuth account"),
            "state": account_state(account),
            "idle_warning": idle_warning(account),
            "explanation": _explained(account),
            "may_authenticate": may,
            "user_buttons": buttons(gettext("Authenticate again"), _of(account)) if may and signs_in else [],
            "instructions": _instructions(account),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    # --- what can be done ---

    def get_urls(self) -> list[URLPattern]:
        return [
            self._path("authenticate", require_POST(self.authenticate)),
            self._path("renew", require_POST(self.renew)),
            self._path("disconnect", require_http_methods(["GET", "POST"])(self.disconnect)),
            *super().get_urls(),
        ]

    def _path(self, name: str, view: Callable[..., HttpResponse]) -> URLPattern:
        return path(f"<int:pk>/{name}/", self.admin_site.admin_view(view), name=f"oauthconnections_oauthaccount_{name}")

    def authenticate(self, request: HttpRequest, pk: int) -> HttpResponse:
        account = _permitted(request, pk)
        consumer = chosen(request, _of(account))
        return views.start(
            request,
            account.connection,
            return_to=self._place(request, account),
            consumer=consumer.key if consumer else "",
            account=account,
        )

    def renew(self, request: HttpRequest, pk: int) -> HttpResponse:
        account, user_id = _permitted(request, pk), request.user.pk
        assert user_id
        try:
            tokens.renew(account)
        except OAuthError as error:
            note_failure(user_id, account, error, account.connection, gettext("Token not renewed: %(reason)s"))
            views.explain_in_message(request, error, account.connection)
        else:
            note(user_id, account, gettext("Token renewed."))
            messages.success(request, gettext("Renewed the token of %(account)s.") % {"account": account})
        return redirect(self._place(request, account))

    def disconnect(self, request: HttpRequest, pk: int) -> HttpResponse:
        account = _permitted(request, pk)
        if request.method == "POST":
            self._disconnect(request, account)
            return redirect(self._place(request, account))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Disconnect account"),
            "opts": self.opts,
            "account": account,
            "back": self._place(request, account),
        }
        return TemplateResponse(request, "oauthconnections/disconnect.html", context)

    def _disconnect(self, request: HttpRequest, account: OAuthAccount) -> None:
        by_hand = BY_HAND[ProviderKind(account.connection.provider)]
        try:
            revoked = grants.disconnect(account, request.user.pk)  # type: ignore[arg-type]
        except OAuthError as error:
            text = gettext("Disconnected here, but the provider could not be told: %(reason)s")
            messages.warning(request, f"{text % {'reason': error}} {by_hand}")
            return
        text = gettext("Disconnected %(account)s: its tokens are forgotten.") % {"account": account}
        told = gettext("The provider has forgotten them too.") if revoked else by_hand
        messages.success(request, f"{text} {told}")

    def _place(self, request: HttpRequest, account: OAuthAccount) -> str:
        """Its page, for those who may see it."""
        if not self.has_view_permission(request, account):
            return reverse(f"{self.admin_site.name}:index")
        return reverse(f"{self.admin_site.name}:oauthconnections_oauthaccount_change", args=[account.pk])


def _permitted(request: HttpRequest, pk: int) -> OAuthAccount:
    hide_secrets(request)
    if not request.user.has_perm(views.AUTHENTICATE):
        raise PermissionDenied
    return get_object_or_404(OAuthAccount.objects.select_related("connection"), pk=pk)


def _of(account: OAuthAccount) -> list[Consumer]:
    return [one for one in consumers() if account.connection.provider in one.scopes]


def _instructions(account: OAuthAccount) -> list[tuple[str, str, str]]:
    """What is left to do elsewhere: an id, the name of the app that needs it, the text."""
    found = [(f"oauth-for-{one.key}", str(one.label), one.instructions(account)) for one in consumers()]
    return [instructions for instructions in found if instructions[2]]


def _explained(account: OAuthAccount) -> Explanation | None:
    code, colon, details = account.last_error.partition(": ")
    if not colon or " " in code:
        return None  # it is a sentence already
    return explain(ProviderRefused(code=code, details=details), account.connection, account)
