"""A link to help on each page, for projects that have some: whoever writes it says where it is."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin

Finder = Callable[[str, str], str]
"""Of the name of a page's address and the provider it is about (or an empty text) it makes the address of the help."""

_finders: list[Finder] = []


def register(finder: Finder) -> None:
    """Ask it for help from now on. To be called in ready() of an app."""
    _finders.append(finder)


def help_address(view: str, provider: str) -> str:
    """Where the help on a page is; empty if nobody has any."""
    return next(filter(None, (finder(view, provider) for finder in _finders)), "")


class HelpedAdmin(_ModelAdmin):
    """Puts the link below the title of each page, whatever template makes the page."""

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return _with_help(super().changelist_view(request, *args, **kwargs))

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return _with_help(super().changeform_view(request, *args, **kwargs))

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return _with_help(super().delete_view(request, *args, **kwargs))

    def history_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return _with_help(super().history_view(request, *args, **kwargs))


def _with_help(response: HttpResponse) -> HttpResponse:
    if isinstance(response, TemplateResponse):
        page = response.resolve_template(response.template_name)
        response.context_data = {**(response.context_data or {}), "page_with_help": page}
        response.template_name = "oauthconnections/helped.html"
    return response
