"""The pages of connections: this site as a client of a provider, and the accounts that sign in through it."""

from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import Script
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext, ngettext, pgettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from . import grants, views
from .connection_forms import FORMS, SECRETS, ConnectionForm
from .console_steps import SUMMARIES, steps
from .consumer_choice import buttons, chosen
from .consumers import Consumer, consumers
from .exceptions import OAuthError
from .fields import Undecryptable
from .history import note_failure
from .models import OAuthAccount, OAuthConnection, ProviderKind
from .redirect_uri import redirect_notes, redirect_uri
from .reports import hide_secrets
from .states import account_state, idle_warning, secret_state
from .used_rows import UsedRowsAdmin

_SECRET: Final = ("client_secret", "clear_client_secret")
FIELDS: Final[dict[str, tuple[str, ...]]] = {
    ProviderKind.MICROSOFT: (
        *("name", "tenant", "client_id", *_SECRET),
        *("certificate", "clear_certificate", "secret_expires_on"),
    ),
    ProviderKind.GOOGLE: ("name", "credentials_json", "client_id", *_SECRET),
    ProviderKind.OPENID: ("name", "issuer", "client_id", *_SECRET, "extra_scopes"),
}
ADVANCED: Final[dict[str, tuple[str, ...]]] = {
    ProviderKind.MICROSOFT: ("extra_scopes", "authority", "authorize_url", "token_url")
}


@admin.register(OAuthConnection)
class OAuthConnectionAdmin(UsedRowsAdmin):
    """Add: the provider first, then what that one needs."""

    change_form_template = "oauthconnections/connection_change_form.html"
    list_display = ("name", "provider", "accounts_now", "secret_end")
    readonly_fields = ("client_secret_state", "certificate_state")

    class Media:
        css = {"all": ["oauthconnections/pages.css"]}
        js = [Script("copying/copy.js", defer=True)]

    # --- the list ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[OAuthConnection]:
        return super().get_queryset(request).prefetch_related("accounts")

    @admin.display(description=_("accounts"))
    def accounts_now(self, obj: OAuthConnection) -> str:
        accounts = [(account, account_state(account)) for account in obj.accounts.all()]
        shown = ((account, state.level, state.text) for account, state in accounts)
        return format_html_join("", '<div>{}: <span class="oauth-is-{}">{}</span></div>', shown)

    @admin.display(description=_("secret"), ordering="secret_expires_on")
    def secret_end(self, obj: OAuthConnection) -> str:
        state = secret_state(obj)
        return format_html('<span class="oauth-is-{}">{}</span>', state.level, state.text) if state else ""

    # --- the form ---

    def get_form(self, request: Any, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        kwargs["form"] = FORMS[_provider(request, obj)]
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: OAuthConnection | None = None) -> Any:
        provider = _provider(request, obj)
        left_out = {f"clear_{name}" for name in SECRETS if not getattr(obj, name, "")}
        replaced: dict[str, str] = {}
        if obj and not self.has_change_permission(request, obj):
            left_out = {"credentials_json", *(f"clear_{name}" for name in SECRETS)}
            replaced = {name: f"{name}_state" for name in SECRETS}
        names = [replaced.get(name, name) for name in FIELDS[provider] if name not in left_out]
        advanced = ADVANCED.get(provider)
        more = [(_("Advanced"), {"fields": advanced, "classes": ("collapse",)})] if advanced else []
        return [(None, {"fields": names}), *more]

    @admin.display(description=_("Client secret"))
    def client_secret_state(self, obj: OAuthConnection) -> str:
        return _secret_shown(obj.client_secret)

    @admin.display(description=_("Certificate"))
    def certificate_state(self, obj: OAuthConnection) -> str:
        return _secret_shown(obj.certificate)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if _provider(request) in FORMS:
            return super().add_view(request, form_url, extra_context)
        if not self.has_add_permission(request):
            raise PermissionDenied
        return self._choose_provider(request)

    def _choose_provider(self, request: HttpRequest) -> HttpResponse:
        query = request.GET.copy()
        choices = []
        for provider in ProviderKind:
            query["provider"] = provider
            choices.append((f"?{query.urlencode()}", provider.label, SUMMARIES[provider]))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Add OAuth connection: choose the provider"),
            "opts": self.opts,
            "choices": choices,
            "is_popup": IS_POPUP_VAR in request.GET,
        }
        return TemplateResponse(request, "oauthconnections/choose_provider.html", context)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        hide_secrets(request)
        only_save = {"show_save_and_continue": False, "show_save_and_add_another": False}
        return super().changeform_view(request, object_id, form_url, {**only_save, **(extra_context or {})})

    def render_change_form(self, request: Any, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        obj: OAuthConnection | None = context["original"]
        provider = _provider(request, obj)
        context["title"] = _("OAuth connection: %(provider)s") % {"provider": ProviderKind(provider).label}
        context |= {
            "provider": provider,
            "redirect_uri": redirect_uri(request),
            "redirect_notes": redirect_notes(request),
            "steps": steps(provider),
        }
        if obj:
            context |= self._about(request, obj)
        return super().render_change_form(request, context, *args, **kwargs)

    def _about(self, request: HttpRequest, obj: OAuthConnection) -> dict[str, Any]:
        """What is on the page of a saved one only."""
        end = secret_state(obj)
        may_authenticate = request.user.has_perm(views.AUTHENTICATE)
        accounts = [(account, account_state(account), idle_warning(account)) for account in obj.accounts.all()]
        return {
            "secret_warning": end if end and end.level != "success" else None,
            "accounts": accounts,
            "may_view_accounts": request.user.has_perm("oauthconnections.view_oauthaccount"),
            "user_buttons": buttons(gettext("Authenticate account"), _of_users(obj)) if may_authenticate else [],
            "application_buttons": buttons(gettext("Add application account"), found)
            if may_authenticate and (found := _of_applications(obj))
            else [],
        }

    # --- saving ---

    def save_model(self, request: HttpRequest, obj: OAuthConnection, form: Any, change: bool) -> None:
        is_another_client = form.is_another_client
        super().save_model(request, obj, form, change)
        if is_another_client and (ended := grants.disown(obj)):
            text = ngettext(
                "This is another application now: %(count)d account has to be authenticated again.",
                "This is another application now: %(count)d accounts have to be authenticated again.",
                ended,
            )
            messages.warning(request, text % {"count": ended})
        for level, note in [*form.notes, *_missing_uri(request, form)]:
            messages.add_message(request, level, note)

    def response_add(self, request: HttpRequest, obj: OAuthConnection, post_url_continue: Any = None) -> HttpResponse:
        if IS_POPUP_VAR in request.POST:
            return super().response_add(request, obj, post_url_continue)
        messages.success(request, gettext("Saved. Now authenticate an account."))
        return redirect(self._place(request, obj))

    def response_change(self, request: HttpRequest, obj: OAuthConnection) -> HttpResponse:
        if IS_POPUP_VAR in request.POST:
            return super().response_change(request, obj)
        messages.success(request, gettext("Saved."))
        return redirect(self._place(request, obj))

    def _place(self, request: HttpRequest, obj: OAuthConnection) -> str:
        """Its page, for those who may see it."""
        if not self.has_view_or_change_permission(request, obj):
            return reverse(f"{self.admin_site.name}:index")
        return reverse(f"{self.admin_site.name}:oauthconnections_oauthconnection_change", args=[obj.pk])

    # --- accounts ---

    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(require_POST(view)),
                name=f"oauthconnections_oauthconnection_{name}",
            )
            for name, view in (("authenticate", self.authenticate), ("application", self.add_application))
        ] + super().get_urls()

    def authenticate(self, request: HttpRequest, pk: int) -> HttpResponse:
        obj = _authenticated_through(request, pk)
        consumer = chosen(request, _of_users(obj))
        return views.start(request, obj, return_to=self._place(request, obj), consumer=consumer.key if consumer else "")

    def add_application(self, request: HttpRequest, pk: int) -> HttpResponse:
        obj = _authenticated_through(request, pk)
        consumer = chosen(request, _of_applications(obj))
        try:
            account = grants.add_application(
                request, obj, consumer.application_scopes[obj.provider] if consumer else ()
            )
        except OAuthError as error:
            note_failure(request.user.pk, obj, error, obj)  # type: ignore[arg-type]
            views.explain_in_message(request, error, obj)
            return redirect(self._place(request, obj))
        messages.add_message(request, *_told(account))
        if not request.user.has_perm("oauthconnections.view_oauthaccount"):
            return redirect(self._place(request, obj))
        return redirect(f"{self.admin_site.name}:oauthconnections_oauthaccount_change", account.pk)


def _provider(request: HttpRequest, obj: OAuthConnection | None = None) -> str:
    return obj.provider if obj else request.POST.get("provider") or request.GET.get("provider") or ""


def _secret_shown(secret: object) -> str:
    if isinstance(secret, Undecryptable):
        return gettext("Saved, but it can't be decrypted")
    return gettext("Saved, not shown") if secret else pgettext("secret", "None")


def _of_users(connection: OAuthConnection) -> list[Consumer]:
    return [one for one in consumers() if connection.provider in one.scopes]


def _of_applications(connection: OAuthConnection) -> list[Consumer]:
    return [one for one in consumers() if connection.provider in one.application_scopes]


def _authenticated_through(request: HttpRequest, pk: int) -> OAuthConnection:
    hide_secrets(request)
    if not request.user.has_perm(views.AUTHENTICATE):
        raise PermissionDenied
    return get_object_or_404(OAuthConnection, pk=pk)


def _told(account: OAuthAccount) -> tuple[int, str]:
    """What came, which may be a token that allows nothing."""
    values = {"account": account, "roles": ", ".join(map(str, account.claims.get("roles") or ()))}
    if values["roles"]:
        text = gettext("The provider gave a token to %(account)s. It allows: %(roles)s.")
        return messages.SUCCESS, text % values
    text = gettext(
        "The provider gave a token to %(account)s, but it allows nothing: add the application permission in the "
        "provider's console and grant consent there, then do this again."
    )
    return messages.WARNING, text % values


def _missing_uri(request: HttpRequest, form: ConnectionForm) -> list[tuple[int, str]]:
    """A warning where the downloaded JSON shows that the provider doesn't know the redirect URI."""
    registered, ours = form.registered_uris, redirect_uri(request)
    if registered is None or ours in registered:
        return []
    text = gettext(
        "The redirect URI %(uri)s is not among those that Google has for this client. Enter it there, under "
        "“Authorized redirect URIs”."
    )
    return [(messages.WARNING, text % {"uri": ours})]
