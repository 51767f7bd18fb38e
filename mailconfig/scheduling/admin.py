"""Scheduled jobs inside Django's admin: when each runs, what became of it, and a button to run it now."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from oauthconnections.help_links import HelpedAdmin
from oauthconnections.history_export import ExportsHistory

from .interval_text import interval_text
from .jobs import REGISTERED
from .models import Outcome, ScheduledJob
from .running import rows, start
from .warnings import warnings

SETTINGS = ("enabled", "every", "at")
FACTS = ("next_run", "last_run", "last_finished", "outcome", "detail", "host")


@admin.register(ScheduledJob)
class ScheduledJobAdmin(HelpedAdmin, ExportsHistory):
    """Nobody adds or deletes a job: each app brings its own."""

    change_list_template = "mailconfig/scheduling/change_list.html"
    change_form_template = "mailconfig/scheduling/change_form.html"
    list_display = ("__str__", "result", "interval", "last_run", "next_run", "enabled")
    fieldsets = ((None, {"fields": SETTINGS}), (gettext_lazy("Runs"), {"fields": FACTS}))
    readonly_fields = FACTS
    actions = ("run_now",)

    class Media:
        css = {"all": ["mailconfig/settings.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[ScheduledJob]:
        return super().get_queryset(request).filter(name__in=REGISTERED)

    # --- who may ---

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ScheduledJob | None = None) -> bool:
        return False

    def has_run_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("scheduling.run_scheduledjob")

    # --- the list ---

    @admin.display(description=gettext_lazy("interval"), ordering="every")
    def interval(self, obj: ScheduledJob) -> str:
        return interval_text(obj.every, obj.at)

    @admin.display(description=gettext_lazy("outcome"), ordering="outcome")
    def result(self, obj: ScheduledJob) -> str:
        return ": ".join(filter(None, [obj.get_outcome_display(), Truncator(obj.detail).chars(80)]))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        rows()  # so that a job which is new is in the list
        return super().changelist_view(request, {"warnings": warnings(), **(extra_context or {})})

    @admin.action(description=gettext_lazy("Run now"), permissions=["run"])
    def run_now(self, request: HttpRequest, queryset: QuerySet[ScheduledJob]) -> None:
        for row in queryset:
            self._run(request, row)

    # --- one job ---

    def save_model(self, request: HttpRequest, obj: ScheduledJob, form: Any, change: bool) -> None:
        if form.has_changed():
            obj.next_run = obj.first_run(timezone.now())
        obj.save(update_fields=[*SETTINGS, "next_run"])  # not what a worker may be writing at the same time

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        context["may_run"] = self.has_run_permission(request)
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.run_one))
        # Under ATOMIC_REQUESTS an engine could begin before the claim is committed, and find nothing to do.
        unbound = transaction.non_atomic_requests(view)
        return [path("<int:pk>/run/", unbound, name="scheduling_scheduledjob_run"), *super().get_urls()]

    def run_one(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not (self.has_run_permission(request) and self.has_view_permission(request)):
            raise PermissionDenied
        self._run(request, get_object_or_404(self.get_queryset(request), pk=pk))
        return redirect(f"{self.admin_site.name}:scheduling_scheduledjob_change", pk)

    def _run(self, request: HttpRequest, row: ScheduledJob) -> None:
        if not start(row):
            messages.warning(request, _("“%(job)s” runs already.") % {"job": row})
            return
        row.refresh_from_db()
        level, text = _told(row)
        assert request.user.pk
        LogEntry.objects.log_actions(request.user.pk, [row], CHANGE, text, single_object=True)
        messages.add_message(request, level, text)


def _told(row: ScheduledJob) -> tuple[int, str]:
    known = {"job": row, "detail": row.detail}
    if row.outcome == Outcome.OK:
        return messages.SUCCESS, (_("“%(job)s” was run. %(detail)s") % known).strip()
    if row.outcome == Outcome.FAILED:
        return messages.ERROR, _("“%(job)s” failed: %(detail)s") % known
    return messages.INFO, _("“%(job)s” was handed to the task engine. Reload this page to see how it ends.") % known
