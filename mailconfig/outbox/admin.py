"""The outbox inside Django's admin: what waits, what became of the rest, and what to do about it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from mailconfig.mailers import DEFAULT_ALIAS, our_aliases
from mailconfig.models import MailServer
from oauthconnections.help_links import HelpedAdmin
from oauthconnections.history_export import ExportsHistory
from oauthconnections.single_row import SingleRowAdmin

from . import handling, preview, second_server
from .chart import last_day
from .failover import stands_in
from .figures import counts
from .limits import limits
from .models import QueuedMessage, ServerQueue, State
from .options import options
from .warnings import warnings

FACTS: Final = (
    *("sender", "recipients", "refused", "alias", "priority", "created_at"),
    *("next_attempt", "finished_at", "attempts", "uncertain", "message_id", "size"),
)
FACTS_IF_ANY: Final = ("refused", "next_attempt", "finished_at", "uncertain")
CONTENT: Final = ("headers", "text", "html")


@admin.register(QueuedMessage)
class QueuedMessageAdmin(HelpedAdmin, ExportsHistory):
    change_list_template = "mailconfig/outbox/change_list.html"
    change_form_template = "mailconfig/outbox/change_form.html"
    list_display = ("__str__", "how", "to", "created_at")
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

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def how(self, obj: QueuedMessage) -> SafeString:
        """The state in a word, and behind it when it is tried next and what went wrong last."""
        when = self.next_attempt(obj)
        if isinstance(when, datetime):
            when = date_format(timezone.localtime(when), "SHORT_DATETIME_FORMAT")
        more = [one for one in (when, Truncator(obj.reason).chars(120)) if one]
        word = format_html('<span class="outbox-state outbox-is-{}">{}</span>', obj.state, obj.get_state_display())
        return format_html("{} {}", word, "; ".join(more))

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
        missing = {name for name in FACTS_IF_ANY if obj and not self._fact(obj, name)}
        facts = [name for name in FACTS if name not in missing]
        return [(None, {"fields": facts}), (_("Content"), {"fields": content})]

    def _fact(self, obj: QueuedMessage, name: str) -> Any:
        return self.next_attempt(obj) if name == "next_attempt" else getattr(obj, name)

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
        context["title"] = _("Message of the outbox")
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
    found = counts()
    by_state = [(state.value, state.label, found[state]) for state in State]
    return {"title": _("Outbox"), "counts": by_state, "chart": last_day(timezone.localtime()), "warnings": warnings()}


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
    form = second_server.QueueForm
    list_display = ("alias", "trouble", "problem", "second")
    fields = ("in_force", "connections", "per_minute", "per_day", "second")
    readonly_fields = ("in_force",)

    class Media:
        css = {"all": ["mailconfig/settings.css"]}

    def create_missing(self) -> None:
        entered = MailServer.objects.values_list("alias", flat=True)
        for alias in {*(our_aliases() or [DEFAULT_ALIAS]), *entered}:
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
        context["second"] = stands_in(queue)
        context["may_enter_second"] = self._may_enter_second(request, queue)
        context["may_discard"] = self._may_enter(request, queue) and second_server.is_left_over(queue)
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        views = {
            "resume": self.resume,
            "pause": self.pause,
            "retry": self.retry_failed,
            "second": self.enter_second,
            "discard": self.discard,
        }
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

    def _may_enter(self, request: HttpRequest, queue: ServerQueue) -> bool:
        return self.has_change_permission(request, queue) and request.user.has_perm("mailconfig.change_mailserver")

    def _may_enter_second(self, request: HttpRequest, queue: ServerQueue) -> bool:
        """Once: a second server has a row of its own, which only this button makes unless it is a mailer's."""
        alias = second_server.alias_of_second(queue)
        return self._may_enter(request, queue) and not MailServer.objects.filter(alias=alias).exists()

    def enter_second(self, request: HttpRequest, pk: int) -> HttpResponse:
        queue = get_object_or_404(ServerQueue, pk=pk)
        if not self._may_enter_second(request, queue):
            raise PermissionDenied
        server = MailServer.objects.create(alias=second_server.alias_of_second(queue))
        text = _(
            "Enter the second server here, test it, then choose “%(second)s” on the page of the queue “%(queue)s”."
        )
        messages.info(request, text % {"second": server.alias, "queue": queue.alias})
        return redirect(f"{self.admin_site.name}:mailconfig_mailserver_change", server.pk)

    def discard(self, request: HttpRequest, pk: int) -> HttpResponse:
        queue = get_object_or_404(ServerQueue, pk=pk)
        if not (self._may_enter(request, queue) and second_server.is_left_over(queue)):
            raise PermissionDenied
        self.log_deletions(request, ServerQueue.objects.filter(pk=pk))
        second_server.delete(queue)
        messages.success(request, _("The server “%(alias)s” was deleted.") % {"alias": queue.alias})
        return redirect(f"{self.admin_site.name}:outbox_serverqueue_changelist")
