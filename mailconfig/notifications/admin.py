"""The notifications page inside Django's admin, and the list of what happened."""

from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.admin.models import LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from mailconfig.history import minutes_until_next
from oauthconnections.endpoints import host_of
from oauthconnections.fields import UNDECRYPTABLE, Undecryptable
from oauthconnections.help_links import HelpedAdmin
from oauthconnections.reports import hide_secrets
from oauthconnections.single_row import SingleRowAdmin

from .delivery import hurry, send_sample
from .forms import NotificationsForm, language_choices
from .models import Happening, Notifications
from .occasions import occasions

SAMPLE: Final = 12
"""Action flag of a sample in the history, beside those in mailconfig.history."""
RECENT: Final = 20

Fieldsets = tuple[tuple[Any, dict[str, Any]], ...]
FIELDSETS: Final[Fieldsets] = (
    (gettext_lazy("Mail"), {"fields": ("recipients", "every_minutes", "language")}),
    (gettext_lazy("About what"), {"fields": ("occasions",)}),
    (gettext_lazy("Webhook"), {"fields": ("webhook_format", "webhook_url", "webhook_secret")}),
)
FOR_VIEWERS: Final[Fieldsets] = (
    (gettext_lazy("Mail"), {"fields": ("recipients", "every_minutes", "language_name")}),
    (gettext_lazy("About what"), {"fields": ("switched_on",)}),
    (gettext_lazy("Webhook"), {"fields": ("webhook_format", "webhook_state")}),
)


@admin.register(Notifications)
class NotificationsAdmin(SingleRowAdmin):
    form = NotificationsForm
    change_form_template = "mailconfig/notifications/change_form.html"

    class Media:
        css = {"all": ["mailconfig/settings.css", "mailconfig/notifications.css"]}

    def create_missing(self) -> None:
        Notifications.objects.in_force()

    # --- what is on the page ---

    def get_fieldsets(self, request: HttpRequest, obj: Notifications | None = None) -> Any:
        return FIELDSETS if self.has_change_permission(request, obj) else FOR_VIEWERS

    def get_readonly_fields(self, request: HttpRequest, obj: Notifications | None = None) -> Any:
        return () if self.has_change_permission(request, obj) else ("language_name", "switched_on", "webhook_state")

    @admin.display(description=gettext_lazy("language"))
    def language_name(self, obj: Notifications) -> str:
        return str(dict(language_choices()).get(obj.language, obj.language))

    @admin.display(description=gettext_lazy("Occasions"))
    def switched_on(self, obj: Notifications) -> str:
        return "\n".join(str(one.label) for one in occasions() if obj.is_on(one.id))

    @admin.display(description=gettext_lazy("Address"))
    def webhook_state(self, obj: Notifications) -> str:
        if isinstance(obj.webhook_url, Undecryptable):
            return str(UNDECRYPTABLE)
        return host_of(obj.webhook_url) if obj.webhook_url else "–"

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        hide_secrets(request)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        context["title"], context["subtitle"] = _("Notifications"), None
        context["nobody"] = not (context["original"].addresses or context["original"].has_webhook)
        if request.user.has_perm("mailconfig_notifications.view_happening"):
            context["happenings"] = Happening.objects.defer("body", "html")[:RECENT]
        return super().render_change_form(request, context, *args, **kwargs)

    # --- saving, trying ---

    def save_model(self, request: HttpRequest, obj: Notifications, form: Any, change: bool) -> None:
        form.store()

    def response_change(self, request: HttpRequest, obj: Notifications) -> HttpResponse:
        self.message_user(request, _("Saved and in force now."), messages.SUCCESS)
        return redirect(request.path)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.send_a_sample))
        name = f"{self.opts.app_label}_{self.opts.model_name}_sample"
        return [path("<int:pk>/sample/", view, name=name), *super().get_urls()]

    def send_a_sample(self, request: HttpRequest, pk: int) -> HttpResponse:
        chosen = get_object_or_404(Notifications, pk=pk)
        if not self.has_change_permission(request, chosen):
            raise PermissionDenied
        assert not request.user.is_anonymous
        if minutes := minutes_until_next(request.user, SAMPLE):
            text = _("Too many samples were sent. Wait %(minutes)s minutes, then try again.") % {"minutes": minutes}
            messages.error(request, text)
        else:
            LogEntry.objects.log_actions(request.user.pk, [chosen], SAMPLE, _("Sample sent"), single_object=True)
            self._send(request, chosen)
        return redirect(f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_change", pk)

    def _send(self, request: HttpRequest, chosen: Notifications) -> None:
        outcomes = send_sample(chosen)
        if not outcomes:
            messages.warning(request, _("Nobody is told: enter recipients or a webhook, save, and try again."))
        for channel, error in outcomes.items():
            values = {"channel": channel.label, "error": error}
            if error:
                messages.error(request, _("%(channel)s: the sample could not be sent. %(error)s") % values)
            else:
                hurry(channel)
                messages.success(request, _("%(channel)s: the sample was accepted. See whether it arrived.") % values)


class OccasionFilter(admin.SimpleListFilter):
    """By the names that people know."""

    title = gettext_lazy("occasion")
    parameter_name = "occasion"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(one.id, str(one.label)) for one in occasions()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Happening]) -> QuerySet[Happening]:
        return queryset.filter(occasion=self.value()) if self.value() else queryset


@admin.register(Happening)
class HappeningAdmin(HelpedAdmin):
    list_display = ("subject", "label", "count", "first_at", "last_at")
    list_filter = (OccasionFilter,)
    search_fields = ("subject",)
    show_facets = admin.ShowFacets.NEVER
    fields = ("label", "subject", "count", "first_at", "last_at", "told_by_mail", "told_by_webhook", "page", "report")
    readonly_fields = fields

    class Media:
        css = {"all": ["mailconfig/settings.css", "mailconfig/notifications.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Happening | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Happening | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Happening]:
        return super().get_queryset(request).defer("html")

    @admin.display(description=gettext_lazy("occasion"), ordering="occasion")
    def label(self, obj: Happening) -> str:
        return obj.label

    @admin.display(description=gettext_lazy("page"))
    def page(self, obj: Happening) -> str:
        """Where a person looks further; addresses come from the project, and a script would be one, too."""
        is_page = obj.url.startswith(("/", "https://", "http://"))
        return format_html('<a href="{}">{}</a>', obj.url, obj.url) if is_page else obj.url or "–"

    @admin.display(description=gettext_lazy("report"))
    def report(self, obj: Happening) -> SafeString:
        return format_html('<pre class="mailconfig-transcript">{}</pre>', obj.body)
