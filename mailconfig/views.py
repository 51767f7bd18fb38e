"""The test email and the EHLO tools: beside the settings page, for those whom it lets."""

from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from oauthconnections.reports import hide_secrets

from . import diagnosis, ehlo, live, public_address, remedy_button
from .advice import STEP_TITLES
from .by_script import asked_by_script
from .diagnosis import Outcome
from .exceptions import MailconfigError
from .forms import MailServerForm, TestEmailForm
from .helping.topics import help_on_step
from .history import begin_test, end_test, minutes_until_next_test
from .locks import apply_locks
from .models import EhloSource, MailServer
from .outcomes import note_test
from .selector import decided_by
from .smtp import ServerSettings
from .steps import Step

if TYPE_CHECKING:
    from .admin import MailServerAdmin

REMEDY: Final = "_remedy"
NOT_CARRIED: Final = {"csrfmiddlewaretoken", "recipient", "password", "ca_bundle", "_test", "_detect", "_check", REMEDY}
"""What the test page does not take along in hidden fields; above all no password (S-2)."""


@require_http_methods(["GET", "POST"])
def send_test_email(request: HttpRequest, pk: int, page: "MailServerAdmin") -> HttpResponseBase:
    """The test page, and the answer to the dialog's script. Without `recipient` it asks for one."""
    hide_secrets(request)
    if not page.has_send_test_email_permission(request):
        raise PermissionDenied
    server = get_object_or_404(MailServer, pk=pk)
    draft = _draft(page, request, server)
    context: dict[str, Any] = {"server": server, "draft": draft}
    if "recipient" not in request.POST:
        context["form"] = TestEmailForm(initial={"recipient": server.from_email})
        return _answer(page, request, context)
    context["form"] = form = TestEmailForm(request.POST)
    context["problem"] = _problem(request, form, server, draft)
    if context["problem"]:
        return _answer(page, request, context)
    try:
        settings = server.connection_settings()
    except MailconfigError as error:
        return _answer(page, request, {**context, "problem": str(error)})
    return _test(page, request, context, settings)


def _draft(page: "MailServerAdmin", request: HttpRequest, server: MailServer) -> MailServerForm | None:
    """The settings as they are in the form now, if they were sent along by somebody who may change them.

    Validating them puts them on `server`; without a draft it keeps what is saved.
    """
    form_class: type[MailServerForm] = page.get_form(request, server, change=True)
    sent = form_class.base_fields.keys() & request.POST.keys()
    if not (sent or REMEDY in request.POST) or not page.has_change_permission(request, server):
        apply_locks(server, server.alias)
        return None
    data = request.POST.copy()
    if not sent:
        data.update(_as_saved(form_class(instance=server)))
    remedy_button.apply(data, request.POST.get(REMEDY, ""), form_class.base_fields.keys())
    opened = data.pop("opened_revision", None)  # nothing is saved, so nobody's changes can be overwritten
    draft = form_class(data, request.FILES, instance=server)
    draft.is_valid()
    if opened:
        data["opened_revision"] = opened[0]
    return draft


def _as_saved(form: MailServerForm) -> dict[str, Any]:
    """What a browser would send of a form that nobody has touched."""
    return {field.html_name: value for field in form if (value := field.value()) not in (None, False)}


def _problem(request: HttpRequest, form: TestEmailForm, server: MailServer, draft: MailServerForm | None) -> str:
    """What speaks against sending; empty if nothing does."""
    if not form.is_valid() or (draft and draft.errors):
        return _("Nothing was sent. Please correct the entries first.")
    if draft and draft.detached:
        return _("Nothing was sent. Save, then authenticate the account for this server.")
    if minutes := minutes_until_next_test(request.user):  # type: ignore[arg-type]
        return _too_many(minutes)
    return "" if server.effective_host else _("Nothing was sent. Enter a server first.")


def _test(
    page: "MailServerAdmin", request: HttpRequest, context: dict[str, Any], settings: ServerSettings
) -> HttpResponseBase:
    """Send: told step by step to the script, and all at once on the page."""
    server, draft, recipient = context["server"], context["draft"], context["form"].cleaned_data["recipient"]
    entry = begin_test(request.user, server, recipient)  # type: ignore[arg-type]

    def end(outcome: Outcome) -> None:
        end_test(entry, recipient, outcome.error)
        if draft is None or not draft.changed_settings():
            note_test(server, outcome.error)
        context["outcome"], context["offer"] = outcome, _offer(page, request, server, draft, outcome)
        context["help_on_step"] = help_on_step(outcome.steps[-1].name)

    def render_line(item: Step | Outcome) -> str:
        if isinstance(item, Step):
            return render_to_string("mailconfig/test_step.html", {"title": STEP_TITLES[item.name], "step": item})
        end(item)
        return render_to_string("mailconfig/test_result.html", {**context, "by_script": True}, request)

    if asked_by_script(request):
        return live.respond(request, live.Lines(live.tell(settings, recipient), render_line))
    end(diagnosis.run(settings, recipient))
    return _answer(page, request, context)


def _offer(
    page: "MailServerAdmin", request: HttpRequest, server: MailServer, draft: MailServerForm | None, outcome: Outcome
) -> remedy_button.Offer | None:
    """The button below what to do, for whom it would work."""
    if not page.has_change_permission(request, server):
        return None
    form = draft or page.get_form(request, server, change=True)(instance=server)
    fields = form.fields.keys() - set(decided_by(server.oauth_connection))
    may_authenticate = bool(server.oauth_connection) and page.has_authenticate_permission(request, server)
    return remedy_button.offer(outcome, fields, may_authenticate=may_authenticate)


def _too_many(minutes: int) -> str:
    return ngettext(
        "Too many test emails. Wait %(minutes)s minute, then try again.",
        "Too many test emails. Wait %(minutes)s minutes, then try again.",
        minutes,
    ) % {"minutes": minutes}


def _answer(page: "MailServerAdmin", request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    if asked_by_script(request):
        return render(request, "mailconfig/test_outcome.html", {**context, "by_script": True})
    context |= {
        **page.admin_site.each_context(request),
        "title": _("Send test email"),
        "opts": page.opts,
        **_carried(context["draft"]),
    }
    return render(request, "mailconfig/test_email.html", context)


def _carried(draft: MailServerForm | None) -> dict[str, Any]:
    """What the test page takes along of unsaved settings, and whether it has to ask for the password again."""
    if draft is None:
        return {"carried": [], "ask_password": False}
    carried = [(name, value) for name, value in draft.data.items() if name not in NOT_CARRIED]
    if "ca_bundle" in draft.fields:  # or the text of an uploaded file, which a browser sends only once
        text = draft.cleaned_data.get("ca_bundle", draft.data.get("ca_bundle", ""))
        carried.append(("ca_bundle", text))
    ask = "password" in draft.fields and (draft.data.get("password") or "password" in draft.errors)
    return {"carried": carried, "ask_password": bool(ask)}


@require_POST
def ehlo_tools(request: HttpRequest, pk: int, page: "MailServerAdmin") -> HttpResponse:
    """Determine the public address anew, or check the EHLO name; both ask others, so only when told to."""
    server = get_object_or_404(MailServer, pk=pk)
    if not page.has_change_permission(request, server):
        raise PermissionDenied
    apply_locks(server, server.alias)
    findings = _findings(request.POST.get("action", ""), server)
    if asked_by_script(request):
        return HttpResponse(render_ehlo_now(server, findings))
    for finding in findings:
        # Not the name first: the admin begins each message with a capital letter.
        messages.info(request, _("EHLO name: %(finding)s") % {"finding": finding})
    return redirect("admin:mailconfig_mailserver_change", server.pk)


def _findings(action: str, server: MailServer) -> list[str]:
    """What to say beside the name and what became of determining it, which the page shows anyway."""
    if action == "determine":
        determined = public_address.determine(again=True)
        return [determined.error] if determined.error and public_address.state() is None else []
    if action == "check":
        return [str(finding) for finding in ehlo.check_name(server.name_in_ehlo()).findings]
    return []


def render_ehlo_now(server: MailServer, findings: list[str] | None = None, *, may_ask: bool = True) -> SafeString:
    """The name that would be said now, without asking anybody for it, and the buttons that do ask."""
    determined = public_address.state()
    unknown = server.ehlo_source == EhloSource.PUBLIC_ADDRESS and determined is None
    name = "" if unknown else server.name_in_ehlo()
    context = {"server": server, "name": name, "determined": determined, "findings": findings, "may_ask": may_ask}
    return render_to_string("mailconfig/ehlo_now.html", context)
