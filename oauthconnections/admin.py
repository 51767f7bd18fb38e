"""The pages of this app inside Django's admin."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from . import account_admin, connection_admin  # noqa: F401 - they register themselves
from .external_url import address_notes, is_locked, locked_url
from .models import WebServer
from .redirect_uri import opened_as
from .single_row import SingleRowAdmin


@admin.register(WebServer)
class WebServerAdmin(SingleRowAdmin):
    """The external visible URL, or the setting that fixes it."""

    change_form_template = "oauthconnections/webserver_change_form.html"

    def create_missing(self) -> None:
        WebServer.objects.get_or_create(pk=1)

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return not is_locked() and super().has_change_permission(request, obj)

    def get_fields(self, request: HttpRequest, obj: object = None) -> Any:
        return ["url_from_settings"] if is_locked() else ["external_url"]

    def get_readonly_fields(self, request: HttpRequest, obj: object = None) -> Any:
        return ["url_from_settings"]

    @admin.display(description=gettext_lazy("External visible URL"))
    def url_from_settings(self, obj: WebServer) -> str:
        try:
            return _("%(url)s – Set by EXTERNAL_URL.") % {"url": locked_url()}
        except ValidationError as error:
            return _("Set by EXTERNAL_URL, but not usable: %(reason)s") % {"reason": " ".join(error.messages)}

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "external_url":
            attrs = {"inputmode": "url", "autocomplete": "url", "spellcheck": "false", "dir": "ltr"}
            kwargs["widget"] = forms.TextInput(attrs={"class": "vTextField", "placeholder": "https://", **attrs})
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        context["address_notes"] = address_notes(WebServer.objects.external_url(), opened_as(request))
        context["subtitle"] = None  # the name of the only field, which stands right below
        return super().render_change_form(request, context, *args, **kwargs)

    def response_change(self, request: HttpRequest, obj: WebServer) -> HttpResponse:
        saved = _("Saved. The external visible URL is now %(url)s.") % {"url": obj.external_url}
        self.message_user(
            request, saved if obj.external_url else _("Saved. The external visible URL is unknown."), messages.SUCCESS
        )
        return self.response_post_save_change(request, obj)
