"""What the mail catcher caught, to look at and to delete."""

from io import BytesIO
from typing import Final

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from oauthconnections.help_links import HelpedAdmin

from . import reading
from .models import CaughtMessage

LONGEST_SHOWN: Final = 100_000


@admin.register(CaughtMessage)
class CaughtMessageAdmin(HelpedAdmin):
    list_display = ["__str__", "sender", "recipients", "received_at"]
    search_fields = ["subject", "sender", "recipients"]
    fields = [
        "received_at",
        "sender",
        "recipients",
        "ehlo_name",
        "peer",
        "subject",
        "text",
        "headers",
        "source",
        "download",
    ]
    readonly_fields = ["text", "headers", "source", "download"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: CaughtMessage | None = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[CaughtMessage]:
        # A page of the list would otherwise fetch a hundred whole messages.
        return super().get_queryset(request).defer("raw")

    def get_urls(self) -> list[URLPattern]:
        download = self.admin_site.admin_view(self.download_source)
        return [path("<int:pk>/source/", download, name="catcher_caughtmessage_source"), *super().get_urls()]

    def download_source(self, request: HttpRequest, pk: int) -> FileResponse:
        message = get_object_or_404(CaughtMessage, pk=pk)
        if not self.has_view_permission(request, message):
            raise PermissionDenied
        return FileResponse(
            BytesIO(message.raw), as_attachment=True, filename=f"message-{pk}.eml", content_type="message/rfc822"
        )

    @admin.display(description=gettext_lazy("text"))
    def text(self, obj: CaughtMessage) -> SafeString | str:
        body = reading.body(bytes(obj.raw))
        return shown(body, _("Text")) if body else _("This message has no plain text; its source is below.")

    @admin.display(description=gettext_lazy("headers"))
    def headers(self, obj: CaughtMessage) -> SafeString:
        return shown(reading.headers(bytes(obj.raw)), _("Headers"))

    @admin.display(description=gettext_lazy("source"))
    def source(self, obj: CaughtMessage) -> SafeString:
        # Also for HTML: shown as what it is, never interpreted.
        return shown(bytes(obj.raw[: LONGEST_SHOWN + 1]).decode("utf-8", "replace"), _("Source"))

    @admin.display(description=gettext_lazy("file"))
    def download(self, obj: CaughtMessage) -> SafeString:
        address = reverse("admin:catcher_caughtmessage_source", args=[obj.pk], current_app=self.admin_site.name)
        return format_html('<a href="{}">{}</a>', address, _("Download the source"))


def shown(text: str, label: str) -> SafeString:
    """Text of any length in a box that wraps, scrolls and can be reached by keyboard."""
    box = '<textarea class="vLargeTextField" rows="12" cols="80" readonly aria-label="{}">\n{}</textarea>'
    if len(text) <= LONGEST_SHOWN:
        return format_html(box, label, text)
    cut = _("Only the beginning is shown. The whole is in the file below.")
    return format_html(box + "<p>{}</p>", label, text[:LONGEST_SHOWN], cut)
