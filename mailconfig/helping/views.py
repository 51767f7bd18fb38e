"""The pages of the help inside the admin. Anybody who may enter the admin may read them."""

from types import SimpleNamespace
from typing import Any

from django.apps import apps
from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from . import pdf
from .pages import COMPLETE, pages
from .searching import LONGEST_QUERY, search


def contents(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """What there is, or what was found for `?q=`."""
    query = request.GET.get("q", "")[:LONGEST_QUERY].strip()
    if query:
        found = {"query": query, "found": search(query)}
        return _response(request, site, "search", _("Search: %(words)s") % {"words": query}, **found)
    return _response(request, site, "contents", _("Help"), pages=pages().values(), has_pdf=pdf.is_offered())


def one_page(request: HttpRequest, name: str, site: AdminSite) -> HttpResponse:
    every = pages()
    if name not in every:
        raise Http404(_("There is no such page in the help."))
    page = every[name]
    names = [None, *every, None]
    before, after = (every.get(names[names.index(name) + step] or "") for step in (-1, 1))
    response = _response(request, site, "page", page.title, page=page, before=before, after=after)
    response.headers["Content-Language"] = page.language
    return response


def on_one_page(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """To print, or to search as browsers do."""
    return _response(request, site, "all", _("The whole help"), pages=pages().values())


def as_pdf(request: HttpRequest, site: AdminSite) -> HttpResponse:
    try:
        document = pdf.make(_("Mailconfig help"), _language())
    except pdf.CannotMake as error:
        raise Http404(
            _("This site can't make a PDF: WeasyPrint or Pango is not installed. Print “All on one page” instead.")
        ) from error
    headers = {"Content-Disposition": 'inline; filename="mailconfig-help.pdf"', "Content-Language": _language()}
    return HttpResponse(document, content_type="application/pdf", headers=headers)


def _response(request: HttpRequest, site: AdminSite, template: str, title: str, **context: Any) -> HttpResponse:
    options = SimpleNamespace(
        app_label="mailconfig",
        app_config=apps.get_app_config("mailconfig"),
        model_name="help",
        verbose_name_plural=_("Help"),
    )
    shown = {**site.each_context(request), "title": title, "opts": options, "language": _language(), **context}
    response = TemplateResponse(request, f"mailconfig/help/{template}.html", shown)
    response.headers["Content-Language"] = _language()
    return response


def _language() -> str:
    """That of the pages: English as soon as one of them is."""
    languages = {page.language for page in pages().values()}
    return languages.pop() if len(languages) == 1 else COMPLETE
