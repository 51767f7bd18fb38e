"""The outbox inside Django's admin: what waits, what became of the rest, and what to do about it."""

from collections.abc import Callable
from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from mailconfig.mailers import DEFAULT_ALIAS, our_aliases
from mailconfig.models import MailServer
from oauthconnections.history_export import ExportsHistory
from oauthconnections.single_row import SingleRowAdmin

from . import handling, preview
from .chart import last_day
from .limits import limits
from .models import QueuedMessage, ServerQueue, State
from .options import options
from .warnings import warnings

FACTS: Final = (
    *("state", "subject", "sender", "recipients", "refused", "reason", "alias", "priority", "created_at"),
    *("next_attempt", "finished_at", "attempts", "uncertain", "message_id", "size"),
)
CONTENT: Final = ("headers", "text", "html")


@admin.register(QueuedMessage)
class QueuedMessageAdmin(ExportsHistory):
    change_list_template = "mailconfig/outbox/change_list.html"
    change_form_template = "mailconfig/outbox/change_form.html"
    list_display = ("__str__", "to", "state", "created_at", "next_attempt", "attempts", "why")
    list_filter = ("state", "alias", "priority")
    search_fields = ("recipients", "subject", "message_id")
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    actions = ("resend", "cancel")
    readonly_fields = (*FACTS, *CONTENT)

    class Media:
        css = {"all": ["mailconfig/settings.css", "mailconfig/outbox.css"]}

    # --- who may ---

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: QueuedMessage | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: QueuedMessage | None = None) -> bool:
        return False

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("outbox.resend_queuedmessage")

    # --- the list ---

    @admin.display(description=gettext_lazy("recipients"))
    def to(self, obj: QueuedMessage) -> str:
        first, *others = obj.addresses or [""]
        return first if not others else _("%(first)s and %(count)s more") % {"first": first, "count": len(others)}

    @admin.display(description=gettext_lazy("next attempt"))
    def next_attempt(self, obj: QueuedMessage) -> Any:
        if obj.state != State.QUEUED:
            return None
        return _("being sent") if obj.lease and obj.due_at > timezone.now() else obj.due_at

    @admin.display(description=gettext_lazy("last error"))
    def why(self, obj: QueuedMessage) -> str:
        return Truncator(obj.reason).chars(80)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method == "GET":
            extra_context = {**_overview(), **(extra_context or {})}
        return super().changelist_view(request, extra_context)

    @admin.action(description=gettext_lazy("Send again"), permissions=["resend"])
    def resend(self, request: HttpRequest, queryset: QuerySet[QueuedMessage]) -> None:
        self._do(request, queryset, handling.resend, _tell_resent)

    @admin.action(description=gettext_lazy("Cancel"), permissions=["resend"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[QueuedMessage]) -> None:
        self._do(request, queryset, handling.cancel, _tell_cancelled)

    def _do(
        self,
        request: HttpRequest,
        queryset: QuerySet[QueuedMessage],
        action: Callable[[QuerySet[QueuedMessage], AbstractBaseUser], int],
        tell: Callable[[int], str],
    ) -> None:
        count = action(queryset, request.user)  # type: ignore[arg-type]
        messages.add_message(request, messages.SUCCESS if count else messages.WARNING, tell(count))

    # --- one message ---

    def get_fieldsets(self, request: HttpRequest, obj: QueuedMessage | None = None) -> Any:
        content = CONTENT if options().bodies == "show" else ("hidden_content",)
        return [(None, {"fields": FACTS}), (_("Content"), {"fields": content})]

    def get_readonly_fields(self, request: HttpRequest, obj: QueuedMessage | None = None) -> Any:
        return [*FACTS, *CONTENT, "hidden_content"]

    @admin.display(description=gettext_lazy("refused recipients"))
    def refused(self, obj: QueuedMessage) -> str:
        return "\n".join(f"{who}: {answer}" for who, answer in obj.refused.items())

    @admin.display(description=gettext_lazy("content"))
    def hidden_content(self, obj: QueuedMessage) -> str:
        return _("Not shown on this site.")

    @admin.display(description=gettext_lazy("headers"))
    def headers(self, obj: QueuedMessage) -> SafeString:
        return _shown(obj, preview.headers)

    @admin.display(description=gettext_lazy("text"))
    def text(self, obj: QueuedMessage) -> SafeString:
        return _shown(obj, preview.text)

    @admin.display(description="HTML")
    def html(self, obj: QueuedMessage) -> SafeString:
        return _shown(obj, preview.html)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        message: QueuedMessage = context["original"]
        context["may_resend"] = self.has_resend_permission(request)
        context["attempts"] = message.history.all()
        context["waits"] = message.state == State.QUEUED
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        views = {"resend": self.resend_one, "cancel": self.cancel_one}
        return [
            path(
                f"<int:pk>/{name}/", self.admin_site.admin_view(require_POST(view)), name=f"outbox_queuedmessage_{name}"
            )
            for name, view in views.items()
        ] + super().get_urls()

    def resend_one(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._one(request, pk, self.resend)

    def cancel_one(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._one(request, pk, self.cancel)

    def _one(
        self, request: HttpRequest, pk: int, action: Callable[[HttpRequest, QuerySet[QueuedMessage]], None]
    ) -> HttpResponse:
        if not (self.has_resend_permission(request) and self.has_view_permission(request)):
            raise PermissionDenied
        message = get_object_or_404(QueuedMessage, pk=pk)
        action(request, QueuedMessage.objects.filter(pk=pk))
        return redirect(f"{self.admin_site.name}:outbox_queuedmessage_change", message.pk)


def _overview() -> dict[str, Any]:
    found = dict(QueuedMessage.objects.order_by().values_list("state").annotate(Count("pk")))
    counts = [(state.value, state.label, found.get(state.value, 0)) for state in State]
    return {"counts": counts, "chart": last_day(timezone.localtime()), "warnings": warnings()}


def _shown(obj: QueuedMessage, show: Callable[[bytes], SafeString]) -> SafeString:
    content = getattr(obj, "content", None)
    return show(bytes(content.data)) if content else SafeString(_("No longer kept."))


def _tell_resent(count: int) -> str:
    return ngettext("%(count)s message will be sent again.", "%(count)s messages will be sent again.", count) % {
        "count": count
    }


def _tell_cancelled(count: int) -> str:
    return ngettext("%(count)s message was cancelled.", "%(count)s messages were cancelled.", count) % {"count": count}


@admin.register(ServerQueue)
class ServerQueueAdmin(SingleRowAdmin):
    """How much goes to a server, and whether it is held back."""

    change_form_template = "mailconfig/outbox/queue.html"
    list_display = ("alias", "trouble", "problem")
    fields = ("in_force", "connections", "per_minute", "per_day")
    readonly_fields = ("in_force",)

    class Media:
        css = {"all": ["mailconfig/settings.css"]}

    def create_missing(self) -> None:
        for alias in our_aliases() or [DEFAULT_ALIAS]:
            ServerQueue.objects.get_or_create(alias=alias)

    def has_resend_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("outbox.resend_queuedmessage")

    @admin.display(description=gettext_lazy("in force now"))
    def in_force(self, obj: ServerQueue) -> str:
        server = MailServer.objects.filter(alias=obj.alias).only("host").first()
        now = limits(obj, server.host if server else "")
        unlimited = _("unlimited")
        return _("connections: %(connections)s, per minute: %(minute)s, per day: %(day)s") % {
            "connections": now.connections,
            "minute": now.per_minute or unlimited,
            "day": now.per_day or unlimited,
        }

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        queue: ServerQueue = context["original"]
        context["failed"] = handling.failed_of(queue.alias).count() if self.has_resend_permission(request) else 0
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        views = {"resume": self.resume, "pause": self.pause, "retry": self.retry_failed}
        return [
            path(f"<int:pk>/{name}/", self.admin_site.admin_view(require_POST(view)), name=f"outbox_serverqueue_{name}")
            for name, view in views.items()
        ] + super().get_urls()

    def resume(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._change(request, pk, handling.resume, _("Mail goes out again."))

    def pause(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._change(request, pk, handling.pause, _("Mail waits until you resume it."))

    def _change(self, request: HttpRequest, pk: int, action: Callable[[ServerQueue], None], text: str) -> HttpResponse:
        queue = get_object_or_404(ServerQueue, pk=pk)
        if not self.has_change_permission(request, queue):
            raise PermissionDenied
        action(queue)
        assert request.user.pk
        LogEntry.objects.log_actions(request.user.pk, [queue], CHANGE, text, single_object=True)
        messages.success(request, text)
        return redirect(f"{self.admin_site.name}:outbox_serverqueue_change", pk)

    def retry_failed(self, request: HttpRequest, pk: int) -> HttpResponse:
        queue = get_object_or_404(ServerQueue, pk=pk)
        if not self.has_resend_permission(request):
            raise PermissionDenied
        count = handling.resend(handling.failed_of(queue.alias), request.user)  # type: ignore[arg-type]
        messages.success(request, _tell_resent(count))
        return redirect(reverse(f"{self.admin_site.name}:outbox_queuedmessage_changelist"))
