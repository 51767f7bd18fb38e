"""The form of the notifications page."""

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from oauthconnections.endpoints import host_of, validate_endpoint
from oauthconnections.fields import SAVED, UNDECRYPTABLE, SecretFormField, Undecryptable
from oauthconnections.first_error import FocusOnFirstError

from .channels import CHANNELS
from .delivery import forget_untold, hurry
from .models import Format, Notifications
from .occasions import occasions

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Notifications]
else:
    _ModelForm = forms.ModelForm

SETTINGS: Final = ("recipients", "every_minutes", "language", "webhook_format", "webhook_url", "webhook_secret")


class UnseenURLInput(forms.PasswordInput):
    """Readable while it is typed, never shown again: the addresses of Slack and Teams are as good as a password."""

    input_type = "url"


def language_choices() -> list[tuple[str, str | Promise]]:
    usual = dict(settings.LANGUAGES).get(settings.LANGUAGE_CODE, settings.LANGUAGE_CODE)
    return [("", _("That of this site (%(language)s)") % {"language": usual}), *settings.LANGUAGES]


class NotificationsForm(FocusOnFirstError, _ModelForm):
    """An empty address or secret keeps the saved one; `initial` never holds one (S-2)."""

    occasions = forms.MultipleChoiceField(
        label=_("Occasions"), required=False, widget=forms.CheckboxSelectMultiple, choices=()
    )
    webhook_url = SecretFormField(
        label=_("Address"),
        required=False,
        strip=True,
        validators=[validate_endpoint],
        widget=UnseenURLInput(attrs={"class": "vTextField", "autocomplete": "off", "placeholder": "https://"}),
    )
    webhook_secret = SecretFormField(label=_("Secret"), required=False, strip=True)

    class Meta:
        model = Notifications
        fields = SETTINGS
        widgets = {"recipients": forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("webhook_url", "webhook_secret"):
            self.initial.pop(name, None)
        self._before = Notifications.objects.in_force()
        self.initial["occasions"] = [one.id for one in occasions() if self.instance.is_on(one.id)]
        self.fields["occasions"].choices = [(one.id, _described(one.label, one.help)) for one in occasions()]  # type: ignore[attr-defined]
        self.fields["language"] = forms.ChoiceField(
            label=capfirst(_("language")), required=False, choices=language_choices
        )
        self._describe_webhook()

    def _describe_webhook(self) -> None:
        before = self._before
        fields = {name: self.fields[name] for name in ("webhook_url", "webhook_secret")}
        for name, field in fields.items():
            saved = getattr(before, name)
            field.help_text = UNDECRYPTABLE if isinstance(saved, Undecryptable) else SAVED if saved else ""
        if before.webhook_url and not isinstance(before.webhook_url, Undecryptable):
            host = host_of(before.webhook_url)
            fields["webhook_url"].help_text = _("Saved, of %(host)s; leave empty to keep.") % {"host": host}
        if not fields["webhook_secret"].help_text:
            fields["webhook_secret"].help_text = _("Signs what is sent, for “JSON, signed”.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        chosen = cleaned.get("webhook_format")
        if chosen and not (cleaned.get("webhook_url") or self._before.webhook_url or "webhook_url" in self.errors):
            self.add_error("webhook_url", ValidationError(_("Enter the address, or choose None as webhook.")))
        if chosen == Format.PLAIN and not (cleaned.get("webhook_secret") or self._before.webhook_secret):
            text = _("Enter a secret of your own, which the receiver knows, too: it proves where a message comes from.")
            self.add_error("webhook_secret", ValidationError(text))
        return cleaned

    def store(self) -> None:
        """Save what was chosen, and nothing else: somebody may be told at this moment."""
        row = self.instance
        if not row.webhook_format:
            row.webhook_url = row.webhook_secret = ""
        row.switched = self._switched()
        row.save(update_fields=[*SETTINGS, "switched"])
        for channel in CHANNELS:
            if channel.is_active(row) and not channel.is_active(self._before):
                forget_untold(channel)
            hurry(channel)

    def _switched(self) -> dict[str, bool]:
        """What differs from the default, and what belongs to apps that are not here now."""
        known = {one.id: one.default_on for one in occasions()}
        chosen = {key: key in self.cleaned_data["occasions"] for key in known}
        kept = {key: value for key, value in self._before.switched.items() if key not in known}
        return kept | {key: value for key, value in chosen.items() if value != known[key]}


def _described(label: str | Promise, text: str | Promise) -> Any:
    return format_html('{} <span class="help">{}</span>', label, text) if text else label
