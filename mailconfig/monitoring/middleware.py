"""Middleware: the banner on pages of the admin, and answers to probes that ask by an address of this machine."""

import logging
from collections.abc import Callable, Iterator
from typing import Final

from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.messages import constants, get_messages
from django.contrib.messages.storage.base import Message
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin
from django.utils.functional import SimpleLazyObject, cached_property
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from mailconfig.mailers import DEFAULT_ALIAS

from . import health, urls
from .health import Alarm, Way

logger = logging.getLogger("mailconfig")
LONGEST: Final = 300
"""Characters of a banner: servers can say a lot."""


class BannerMiddleware(MiddlewareMixin):
    """Says on each page of the admin that mail doesn't go out, to who can do something about it.

    The banner is no stored message: it is there for as long as its cause is, and asks the database anew for each page.
    """

    def process_template_response(self, request: HttpRequest, response: TemplateResponse) -> TemplateResponse:
        if _is_page_of_admin(request):
            try:
                banners = list(_banners(request))
            except Exception:  # whatever it is, who opened the page came for something else
                logger.exception("The banner about outgoing mail could not be made")
                return response
            if banners:
                messages = SimpleLazyObject(lambda: [*banners, *get_messages(request)])
                response.context_data = {**(response.context_data or {}), "messages": messages}
        return response


def _is_page_of_admin(request: HttpRequest) -> bool:
    """A whole one, not what a script or a popup asks for."""
    match = request.resolver_match
    part = "X-Requested-With" in request.headers or IS_POPUP_VAR in request.GET or IS_POPUP_VAR in request.POST
    return match is not None and "admin" in match.app_names and not part


def _banners(request: HttpRequest) -> Iterator[Message]:
    """At most one for each mailer, since what fails for one reason may be told by several."""
    user, told = request.user, set[str]()
    if not any(user.has_perm(way.permission) for way in health.ways()):
        return
    for alarm in health.alarms():
        way = next((way for way in alarm.ways if user.has_perm(way.permission)), None)
        if way is None or alarm.mailer in told:
            continue
        told |= {alarm.mailer} - {""}
        page = reverse(f"admin:{way.page}")
        if not request.path.startswith(page):  # which says it itself
            yield _banner(alarm, page, way)


def _banner(alarm: Alarm, page: str, way: Way) -> Message:
    about = _("Outgoing mail") + (f" ({alarm.mailer})" if alarm.mailer not in ("", DEFAULT_ALIAS) else "")
    html = '<strong>{}:</strong> {} <a class="changelink" href="{}">{}</a>'
    text = format_html(html, about, Truncator(alarm.text).chars(LONGEST), page, way.label)
    return Message(constants.ERROR if alarm.level == "error" else constants.WARNING, text)


class ProbeMiddleware(MiddlewareMixin):
    """Answers what probes ask whatever name they call this machine by: many know its address only.

    Stands before whatever looks at the name of the host, which is Django's CommonMiddleware.
    """

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        view = self._views.get(request.path)
        return view(request) if view else None

    @cached_property
    def _views(self) -> dict[str, Callable[[HttpRequest], HttpResponse]]:
        return {reverse(f"{urls.app_name}:{pattern.name}"): pattern.callback for pattern in urls.urlpatterns}
