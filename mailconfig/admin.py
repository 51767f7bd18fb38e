"""The settings page inside Django's admin."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, QuerySet
from django.forms import Script
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from oauthconnections.fields import Undecryptable
from oauthconnections.models import OAuthConnection
from oauthconnections.on_call import on_call
from oauthconnections.reports import hide_secrets
from oauthconnections.single_row import SingleRowAdmin
from oauthconnections.views import AUTHENTICATE as MAY_AUTHENTICATE

from . import authenticating, bringing_back, last_good
from .forms import MailServerForm, TestEmailForm
from .helping.urls import urls as help_urls
from .history import changed_labels, describe_changes
from .locks import apply_locks, locked_values, source_of
from .mailers import DEFAULT_ALIAS, our_aliases
from .models import OAUTH, MailServer
from .oauth_form import AUTHENTICATE, DETACHED
from .oauth_lines import account_lines, sender_warning, server_lines
from .selector import decided_by
from .status import describe_status, port_warning, record_of

render_ehlo_now = on_call("mailconfig.views.render_ehlo_now")
fill_in = on_call("mailconfig.look_ups.fill_in")

OAUTH_ROWS = ("oauth_connection", "oauth_account", "oauth_state", "oauth_server")
FIELDSETS = (
    (_("Settings"), (*OAUTH_ROWS, "host", "port", "from_email", "look_ups", "from_name", "force_from"), ()),
    (
        _("Security and authentication"),
        ("security", "auth_method", "username", "password", "clear_password", "confirm_clear_text"),
        ("mailconfig-security",),
    ),
    (
        _("Advanced"),
        ("ehlo_source", "ehlo_name", "ehlo_now", "timeout", "ca_bundle", "ca_file", "pinned_certificate"),
        ("collapse",),
    ),
    (None, ("opened_revision",), ()),
)


class Saved(HttpResponseRedirect):
    """The way back to the page of what was saved."""

    def __init__(self, path: str, server: MailServer) -> None:
        super().__init__(path)
        self.server = server


@admin.register(MailServer)
class MailServerAdmin(SingleRowAdmin):
    """One row per mailer of the project; the only row opens by itself."""

    form = MailServerForm
    change_form_template = "mailconfig/change_form.html"
    object_history_template = "mailconfig/object_history.html"
    list_display = ("alias", "server", "sender", "status")
    readonly_fields = (
        "look_ups",
        "ehlo_now",
        "ehlo_name_now",
        "password_state",
        "oauth_state",
        "oauth_state_only",
        "oauth_server",
    )

    class Media:
        css = {"all": ["mailconfig/settings.css"]}
        js = [
            Script(f"{name}.js", defer=True)
            for name in (
                *("mailconfig/settings", "mailconfig/test_dialog", "mailconfig/look_ups"),
                "copying/copy",
            )
        ]

    def create_missing(self) -> None:
        for alias in our_aliases() or [DEFAULT_ALIAS]:
            MailServer.objects.get_or_create(alias=alias)

    def has_send_test_email_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("mailconfig.send_test_email")

    def has_authenticate_permission(self, request: HttpRequest, obj: MailServer) -> bool:
        return self.has_change_permission(request, obj) and request.user.has_perm(MAY_AUTHENTICATE)

    # --- what is on the page ---

    def get_fieldsets(self, request: HttpRequest, obj: MailServer | None = None) -> Any:
        replaced = self._replacements(request, obj)
        return [
            (title, {"fields": [shown for name in names if (shown := replaced.get(name, name))], "classes": classes})
            for title, names, classes in FIELDSETS
        ]

    def _replacements(self, request: HttpRequest, obj: MailServer | None) -> dict[str, str | None]:
        """What stands in for fields that can't be edited; a read-only field would print the password (S-2)."""
        locked = self._locked(obj)
        replaced: dict[str, str | None] = {}
        if not self.has_change_permission(request, obj):
            replaced = dict.fromkeys(("confirm_clear_text", "ca_file", "opened_revision", "look_ups"))
            replaced["ehlo_now"] = "ehlo_name_now"
        if "password" in locked or not self.has_change_permission(request, obj):
            replaced |= {"password": "password_state", "clear_password": None}
        if not (obj and obj.password):
            replaced["clear_password"] = None
        if "ca_bundle" in locked:
            replaced["ca_file"] = None
        return replaced | (self._oauth_replacements(request, obj) if obj else {})

    def _oauth_replacements(self, request: HttpRequest, obj: MailServer) -> dict[str, str | None]:
        may_change = self.has_change_permission(request, obj)
        if not (obj.selector.is_offered and (may_change or obj.oauth_connection_id)):
            return dict.fromkeys(OAUTH_ROWS)
        replaced: dict[str, str | None] = {}
        if not self.has_authenticate_permission(request, obj):
            replaced["oauth_state"] = "oauth_state_only"
        if not (may_change and obj.selector.has_choice):
            replaced["oauth_account"] = None
        if not may_change:
            replaced |= dict.fromkeys(decided_by(obj.oauth_connection))
        return replaced

    def get_readonly_fields(self, request: HttpRequest, obj: MailServer | None = None) -> Any:
        return [*self.readonly_fields, *(self._locked(obj) - {"password"})]

    def get_form(self, request: HttpRequest, obj: MailServer | None = None, change: bool = False, **kwargs: Any) -> Any:
        sources = {name: _("Set by %(source)s.") % {"source": source_of(name)} for name in self._locked(obj)}
        if "password" in sources:
            sources["password_state"] = sources["password"]
        kwargs["help_texts"] = sources
        return super().get_form(request, obj, change, **kwargs)

    @staticmethod
    def _locked(obj: MailServer | None) -> set[str]:
        return set(locked_values(obj.alias)) if obj else set()

    @admin.display(description=_("Password"))
    def password_state(self, obj: MailServer) -> str:
        if isinstance(obj.password, Undecryptable):
            return gettext("Saved, but it can't be decrypted")
        return gettext("Saved, not shown") if obj.password else pgettext("password", "None")

    @admin.display(description=_("Authentication"))
    def oauth_state(self, obj: MailServer) -> SafeString:
        return render_to_string("mailconfig/oauth_state.html", {"lines": account_lines(obj), "may_authenticate": True})

    @admin.display(description=_("Authentication"))
    def oauth_state_only(self, obj: MailServer) -> SafeString:
        return render_to_string("mailconfig/oauth_state.html", {"lines": account_lines(obj)})

    @admin.display(description=_("Server"))
    def oauth_server(self, obj: MailServer) -> SafeString:
        return render_to_string("mailconfig/oauth_server.html", {"lines": server_lines(obj)})

    @admin.display(description=_("From the address"))
    def look_ups(self, obj: MailServer) -> SafeString:
        return render_to_string("mailconfig/look_ups.html", {"server": obj})

    @admin.display(description=_("Name said now"))
    def ehlo_now(self, obj: MailServer) -> SafeString:
        return cast("SafeString", render_ehlo_now(obj))

    @admin.display(description=_("Name said now"))
    def ehlo_name_now(self, obj: MailServer) -> SafeString:
        return cast("SafeString", render_ehlo_now(obj, may_ask=False))

    @admin.display(description=_("server"))
    def server(self, obj: MailServer) -> str:
        apply_locks(obj, obj.alias)
        return f"{obj.effective_host}:{obj.effective_port}" if obj.effective_host else ""

    @admin.display(description=_("sender address"))
    def sender(self, obj: MailServer) -> str:
        apply_locks(obj, obj.alias)
        return obj.from_email

    @admin.display(description=_("status"))
    def status(self, obj: MailServer) -> str:
        apply_locks(obj, obj.alias)
        return describe_status(obj).text

    # --- saving ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[MailServer]:
        rows: QuerySet[MailServer] = (
            super().get_queryset(request).annotate(has_connections=Exists(OAuthConnection.objects.all()))
        )
        # Two who save at once come one after the other; the second is told (see the form's revision).
        if request.method == "POST" and self._is_change_view(request):
            return rows.select_for_update()  # of nothing that is joined: PostgreSQL can't where there may be nothing
        return rows.select_related(*OAUTH, "record")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> MailServer | None:
        server: MailServer | None = super().get_object(request, object_id, from_field)
        may_fill = server and request.method == "GET" and self._is_change_view(request)
        if server and may_fill and self.has_change_permission(request, server) and fill_in(request, server):
            messages.info(request, gettext("Filled in, not saved yet."))
        return server

    @staticmethod
    def _is_change_view(request: HttpRequest) -> bool:
        return bool(request.resolver_match and (request.resolver_match.url_name or "").endswith("_change"))

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        hide_secrets(request)
        extra_context = {
            "show_save_and_continue": False,
            "can_send_test_email": self.has_send_test_email_permission(request),
            **(extra_context or {}),
        }
        wants_to_authenticate = AUTHENTICATE in request.POST
        if wants_to_authenticate and not request.user.has_perm(MAY_AUTHENTICATE):
            raise PermissionDenied
        response = super().changeform_view(request, object_id, form_url, extra_context)
        if wants_to_authenticate and isinstance(response, Saved) and response.server.oauth_connection:
            # Only now that what was saved is committed: the provider may take its time to answer.
            another = request.POST[AUTHENTICATE] == "another"
            return authenticating.begin(request, response.server, request.path, another=another)
        return response

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        server = context["original"]
        context["title"] = capfirst(self.opts.verbose_name)
        context["subtitle"] = "" if server.alias == DEFAULT_ALIAS else server.alias
        context["status"] = status = describe_status(server)
        context["may_change"] = self.has_change_permission(request, server)
        context["brings_back"] = self._brings_back(request, server) if status.level != "success" else None
        context["sender_warning"] = sender_warning(server)
        is_chosen = {"mailconfig-oauth": server.oauth_connection, "mailconfig-preset": server.preset}
        context["chosen"] = " ".join(name for name, value in is_chosen.items() if value)
        context["may_authenticate"] = server.selector.is_offered and self.has_authenticate_permission(request, server)
        context["test_form"] = TestEmailForm(initial={"recipient": server.from_email}, auto_id="test_%s")
        return super().render_change_form(request, context, *args, **kwargs)

    def _brings_back(self, request: HttpRequest, server: MailServer) -> str | None:
        """The day on the button that does it; None if there is nothing to bring back."""
        record = last_good.offered(server, record_of(server)) if self.has_change_permission(request, server) else None
        return bringing_back.day(record) if record else None

    def save_model(self, request: HttpRequest, obj: MailServer, form: Any, change: bool) -> None:
        form.store()
        changed = ", ".join(changed_labels(form))
        if changed:
            messages.success(request, gettext("Saved and in force now. Changed: %(fields)s.") % {"fields": changed})
        elif AUTHENTICATE not in request.POST:
            messages.success(request, gettext("Saved and in force now. Nothing was different."))
        if form.detached:
            messages.warning(request, DETACHED % {"account": form.detached})
        if warning := port_warning(obj):
            messages.warning(request, warning)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        changes = describe_changes(form)
        return [{"changed": {"fields": changes}}] if changes else []

    def response_change(self, request: HttpRequest, obj: MailServer) -> HttpResponse:
        return Saved(request.path, obj)

    # --- pages beside it ---

    def get_urls(self) -> list[URLPattern]:
        beside: dict[str, Callable[..., HttpResponseBase]] = {
            "test": on_call("mailconfig.views.send_test_email"),
            "ehlo": on_call("mailconfig.views.ehlo_tools"),
            "detect": on_call("mailconfig.look_ups.detect_settings"),
            "check": on_call("mailconfig.look_ups.check_sender_domain"),
            "restore": bringing_back.bring_back,
        }
        own = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(partial(view, page=self)),
                name=f"mailconfig_mailserver_{name}",
            )
            for name, view in beside.items()
        ]
        return [*own, *help_urls(self.admin_site), *super().get_urls()]
