"""The button that brings the last settings that delivered back."""

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from oauthconnections.reports import hide_secrets

from . import last_good
from .models import MailServer
from .sending_record import SendingRecord

if TYPE_CHECKING:
    from .admin import MailServerAdmin


@require_POST
def bring_back(request: HttpRequest, pk: int, page: "MailServerAdmin") -> HttpResponse:
    """Put the settings that worked in force again, all of them, with their secrets."""
    hide_secrets(request)
    if not page.has_change_permission(request):
        raise PermissionDenied
    try:
        _bring_back(request, pk)
    except last_good.CantBeBroughtBack as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _("The settings that worked are in force again. Send a test email."))
    return redirect("admin:mailconfig_mailserver_change", pk)


@transaction.atomic
def _bring_back(request: HttpRequest, pk: int) -> None:
    server = get_object_or_404(MailServer.objects.select_for_update(), pk=pk)
    record = last_good.offered(server, SendingRecord.objects.filter(server=server).first())
    if record is None:
        raise last_good.CantBeBroughtBack(_("There are no other settings to bring back."))
    changes = last_good.bring_back(server, record)
    _note(request, server, [_("settings that worked on %(date)s brought back") % {"date": day(record)}, *changes])


def _note(request: HttpRequest, server: MailServer, phrases: list[str]) -> None:
    assert request.user.pk is not None
    message = [{"changed": {"fields": phrases}}]
    LogEntry.objects.log_actions(request.user.pk, [server], CHANGE, message, single_object=True)


def day(record: SendingRecord) -> str:
    """When they were first known to work, for people."""
    assert record.worked_at
    return date_format(timezone.localtime(record.worked_at), "SHORT_DATETIME_FORMAT")
