"""An admin page for settings: its rows exist by themselves, and the only one opens at once."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from .help_links import HelpedAdmin
from .history_export import ExportsHistory


class SingleRowAdmin(HelpedAdmin, ExportsHistory):
    """No add, no delete; the list leads straight to the form when there is one row."""

    actions = None

    def create_missing(self) -> None:
        """Create the rows that should be there; called before they are listed."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        self.create_missing()
        rows = list(self.get_queryset(request).values_list("pk", flat=True)[:2])
        if len(rows) == 1:
            return redirect(reverse(self._change_url_name(), args=rows))
        return super().changelist_view(request, extra_context)

    def _change_url_name(self) -> str:
        return f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_change"

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> Any:
        # Saving leads back to the form anyway.
        extra_context = {"show_save_and_continue": False, **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, extra_context)
