"""For which of the apps that use accounts somebody authenticates one: a button for each."""

from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from .consumers import Consumer

Button = tuple[str, str]
"""The consumer's key, and the label."""


def buttons(label: str, choice: list[Consumer]) -> list[Button]:
    """One with the bare label where there is no choice."""
    if len(choice) < 2:
        return [(choice[0].key if choice else "", label)]
    return [(one.key, _("%(action)s for %(app)s") % {"action": label, "app": one.label}) for one in choice]


def chosen(request: HttpRequest, choice: list[Consumer]) -> Consumer | None:
    """The consumer whose button was pressed; Http404 if it isn't one of those."""
    key = request.POST.get("consumer", "")
    if not key:
        return choice[0] if choice else None
    for one in choice:
        if one.key == key:
            return one
    raise Http404
