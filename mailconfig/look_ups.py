"""Detect settings and check the sender's domain: both ask others, so only when somebody presses the button."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from oauthconnections.models import OAuthConnection
from oauthconnections.reports import hide_secrets

from .by_script import asked_by_script
from .candidates import Candidate
from .detection import detect
from .domain_check import check_domain
from .history import LOOK_UP, minutes_until_next, note_look_up
from .models import MailServer
from .probing import Probe
from .remedy_button import Offer
from .selector import decided_by

if TYPE_CHECKING:
    from .admin import MailServerAdmin

USE: Final = "use"
"""In the address of the settings page: what to fill in, signed so that no link of a stranger's can do it."""
_SALT: Final = "mailconfig.use"
_FRESH_SECONDS: Final = 3600
LONGEST_ADDRESS: Final = 320
NO_ADDRESS: Final = gettext_lazy("Enter the sender address first.")


@require_POST
def detect_settings(request: HttpRequest, pk: int, page: "MailServerAdmin") -> HttpResponse:
    """Servers for mail from the address in the form, those that answered first; nothing is saved."""

    def look_up(server: MailServer, address: str) -> dict[str, Any]:
        found = detect(address, ehlo_name=server.name_in_ehlo(), ca_bundle=server.ca_bundle)
        offers = _Offers(page, request, server, address)
        return {
            "notes": found.notes,
            "candidates": [(one, list(offers.of(one))) for one in found.candidates if one.ok],
            "failed": [one for one in found.candidates if not one.ok],
        }

    note = _("Settings detected for %(address)s")
    return _respond(request, pk, page, look_up, "mailconfig/detected.html", _("Detect settings"), note)


@require_POST
def check_sender_domain(request: HttpRequest, pk: int, page: "MailServerAdmin") -> HttpResponse:
    """Whether receivers will believe mail from the address in the form through the server in the form."""

    def look_up(server: MailServer, address: str) -> dict[str, Any]:
        chosen = page.get_form(request, server, change=True)(request.POST, instance=server)
        chosen.is_valid()  # puts on the row what can be used
        return {"check": check_domain(address, server.effective_host, ehlo_name=server.name_in_ehlo())}

    note = _("Sender domain of %(address)s checked")
    return _respond(request, pk, page, look_up, "mailconfig/domain_checked.html", _("Check sender domain"), note)


def _respond(
    request: HttpRequest,
    pk: int,
    page: "MailServerAdmin",
    look_up: Callable[[MailServer, str], dict[str, Any]],
    template: str,
    title: str,
    note: str,
) -> HttpResponse:
    hide_secrets(request)
    server = get_object_or_404(MailServer, pk=pk)
    if not page.has_change_permission(request, server):
        raise PermissionDenied
    address = request.POST.get("from_email", server.from_email).strip()[:LONGEST_ADDRESS]
    context: dict[str, Any] = {"server": server, "address": address, "problem": _problem(request, address)}
    if not context["problem"]:
        note_look_up(request.user, server, note % {"address": address})  # type: ignore[arg-type]
        context |= look_up(server, address)
    if asked_by_script(request):
        return render(request, template, {**context, "by_script": True})
    whole = {**page.admin_site.each_context(request), "title": title, "opts": page.opts, "part": template}
    return render(request, "mailconfig/looked_up.html", {**context, **whole})


def _problem(request: HttpRequest, address: str) -> str:
    if not address:
        return str(NO_ADDRESS)
    minutes = minutes_until_next(request.user, LOOK_UP)  # type: ignore[arg-type]
    if not minutes:
        return ""
    return ngettext(
        "Too many look-ups. Wait %(minutes)s minute, then try again.",
        "Too many look-ups. Wait %(minutes)s minutes, then try again.",
        minutes,
    ) % {"minutes": minutes}


# --- what can be done with a candidate ---


@dataclass(frozen=True)
class _Offers:
    page: "MailServerAdmin"
    request: HttpRequest
    server: MailServer
    address: str

    def of(self, probe: Probe) -> Iterator[tuple[str, Offer | None, str]]:
        """Label, what to fill in, and where the button leads without a script; or only where a link leads."""
        candidate = probe.candidate
        if candidate.oauth and self.server.selector.is_offered:
            for connection in OAuthConnection.objects.filter(provider=candidate.oauth):
                label = _("Use the OAuth connection “%(name)s”") % {"name": connection.name}
                yield self._button(label, {"oauth_connection": connection.pk})
        if candidate.oauth and self.request.user.has_perm("oauthconnections.add_oauthconnection"):
            query = urlencode({"provider": candidate.oauth})
            link = f"{reverse('admin:oauthconnections_oauthconnection_add')}?{query}"
            yield _("Add an OAuth connection"), None, link
        yield self._button(_("Use these"), self._settings(candidate))

    def _settings(self, candidate: Candidate) -> dict[str, Any]:
        values: dict[str, Any] = {"host": candidate.host, "port": candidate.port, "security": candidate.security}
        if self.server.selector.is_offered:
            values["oauth_connection"] = ""
        user = candidate.user_name(self.address)
        return values | ({"username": user} if user else {})

    def _button(self, label: str, values: dict[str, Any]) -> tuple[str, Offer | None, str]:
        filled = {"from_email": self.address, **values}
        query = urlencode({USE: signing.dumps(filled, salt=_salt(self.request), compress=True)})
        link = f"{reverse('admin:mailconfig_mailserver_change', args=[self.server.pk])}?{query}"
        return label, Offer(label, filled), link


def _salt(request: HttpRequest) -> str:
    return f"{_SALT}.{request.user.pk}"


def fill_in(request: HttpRequest, server: MailServer) -> bool:
    """Put what was chosen on a detected candidate's page into the row that the form shows; whether there was any."""
    try:
        values = signing.loads(request.GET[USE], salt=_salt(request), max_age=_FRESH_SECONDS)
    except (KeyError, signing.BadSignature):
        return False
    if "oauth_connection" in values:
        chosen = values.pop("oauth_connection")
        server.oauth_connection = OAuthConnection.objects.filter(pk=chosen).first() if chosen else None
    for name in values.keys() - set(decided_by(server.oauth_connection)):
        setattr(server, name, values[name])
    return True
