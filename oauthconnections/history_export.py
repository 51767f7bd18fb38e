"""The admin's history as CSV: who did what to which row, and when."""

import csv
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language, override, pgettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from .streaming import streamed

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin

ACTIONS: Final[dict[int, str | Promise]] = {
    ADDITION: pgettext_lazy("history", "Added"),
    CHANGE: pgettext_lazy("history", "Changed"),
    DELETION: pgettext_lazy("history", "Deleted"),
}
"""What an action flag is called. An app with flags of its own adds them."""

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet may take for the beginning of something to compute (OWASP, CSV injection)."""
BOM: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
"""Without it Excel takes UTF-8 for something else."""


class ExportsHistory(_ModelAdmin):
    """A button on the history page for all entries of this model, those of deleted rows too."""

    object_history_template = "oauthconnections/object_history.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_GET(self.export_history))
        name = f"{self.opts.app_label}_{self.opts.model_name}_history_csv"
        return [path("history/csv/", view, name=name), *super().get_urls()]

    def export_history(self, request: HttpRequest) -> HttpResponseBase:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        entries = LogEntry.objects.filter(content_type=ContentType.objects.get_for_model(self.model))
        response = streamed(request, csv_lines(entries, BOM), "text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="history-{self.opts.model_name}.csv"'
        return response


def csv_lines(entries: QuerySet[LogEntry], begin: str = "") -> Generator[str, None, None]:
    """A head line and a line (RFC 4180) per entry, the newest first, in the language in force at this call."""
    head = [_("Time"), _("Who"), _("Kind"), _("Object"), _("Action"), _("What")]
    return _written(begin, head, rows(entries, get_language()))


def _written(begin: str, head: list[str], table: Iterator[list[str]]) -> Generator[str, None, None]:
    write = csv.writer(_Echo()).writerow
    yield begin + write(head)
    for row in table:
        yield write([_harmless(text) for text in row])


def rows(entries: QuerySet[LogEntry], language: str) -> Iterator[list[str]]:
    """Time (ISO 8601 with zone), user name, kind of the object, the object, action, text. In small portions."""
    for entry in entries.select_related("user", "content_type").order_by("-pk").iterator(chunk_size=500):
        with override(language):  # while an answer is streamed others may speak in this thread
            yield [
                timezone.localtime(entry.action_time).isoformat(timespec="seconds"),
                entry.user.get_username(),
                entry.content_type.name if entry.content_type else "",
                entry.object_repr,
                str(ACTIONS.get(entry.action_flag, entry.action_flag)),
                str(entry.get_change_message()),
            ]


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text


class _Echo:
    """A file whose `write` gives back what it was given, for the writer to do so too."""

    def write(self, text: str) -> str:
        return text
