"""The link to the help on a page."""

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.translation import gettext as _

from oauthconnections.help_links import help_address

register = template.Library()


@register.simple_tag(takes_context=True)
def help_link(context: dict[str, Any]) -> str:
    """Nothing for who may not enter the admin, in a pop-up, or where there is no help."""
    request = context["request"]
    if context.get("is_popup") or not (request.user.is_active and request.user.is_staff and request.resolver_match):
        return ""
    address = help_address(request.resolver_match.url_name or "", str(context.get("provider") or ""))
    return format_html('<p class="help-link"><a href="{}">{}</a></p>', address, _("Help")) if address else ""
