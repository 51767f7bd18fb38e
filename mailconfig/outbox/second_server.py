"""Naming a second server: the form of a queue, and the row in which that server is entered."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from mailconfig.mailers import DEFAULT_ALIAS, our_aliases
from mailconfig.models import MailServer

from .models import QueuedMessage, ServerQueue, State

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[ServerQueue]
else:
    ModelForm = forms.ModelForm  # only the stubs know it as a generic class


class QueueForm(ModelForm):
    """Offers the other servers as second one; the model refuses what could not stand in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "second" in self.fields:  # not for who may only look
            none = ("", pgettext("second server", "None"))
            self.fields["second"].widget = forms.Select(choices=[none, *_others(self.instance)])


def _others(queue: ServerQueue) -> list[tuple[str, str]]:
    return [(row.alias, _label(row)) for row in MailServer.objects.exclude(alias=queue.alias).order_by("alias")]


def _label(row: MailServer) -> str:
    server = str(row) if row.effective_host else _("no server entered yet")
    return f"{row.alias} ({server})"


def alias_of_second(queue: ServerQueue) -> str:
    """What a second server is called that only stands in, so that no mailer of the project has its name."""
    return "backup" if queue.alias == DEFAULT_ALIAS else f"{queue.alias}-backup"


def is_left_over(queue: ServerQueue) -> bool:
    """Whether it is that of a server which only stood in, and does so no longer: nobody would miss it."""
    if queue.alias in (our_aliases() or [DEFAULT_ALIAS]) or ServerQueue.objects.filter(second=queue.alias).exists():
        return False
    return not QueuedMessage.objects.filter(alias=queue.alias, state=State.QUEUED).exists()


def delete(queue: ServerQueue) -> None:
    """With what was entered for the server, the password too."""
    MailServer.objects.filter(alias=queue.alias).delete()
    queue.delete()
