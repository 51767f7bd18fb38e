"""The settings form, and the test email's one field."""

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from oauthconnections.fields import SecretFormField

from .locks import apply_locks, locked_values
from .models import AuthMethod, MailServer
from .validators import validate_one_line

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[MailServer]
else:
    _ModelForm = forms.ModelForm

OTHER_SERVER: Final = ("host", "effective_port", "security")
"""What makes it another server: a saved password was entered for the old one only (S-2)."""

LARGEST_CA_FILE: Final = 512 * 1024


class PortInput(forms.NumberInput):
    """A number with suggestions, and the port used when it stays empty as placeholder."""

    suggestions: Final = (25, 587, 465)

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        suggestions = f"{name}-suggestions"
        field = super().render(name, value, {**(attrs or {}), "list": suggestions}, renderer)
        options = format_html_join("", '<option value="{}"></option>', ((port,) for port in self.suggestions))
        return format_html('{}<datalist id="{}">{}</datalist>', field, suggestions, options)


class MailServerForm(_ModelForm):
    """Settings of one server. Locked fields are left out by whoever shows the form, and refused if they come anyway.

    An empty password keeps the saved one. The form never holds a saved secret: `initial` has none (S-2).
    """

    password = SecretFormField(label=_("Password"), required=False, strip=True, validators=[validate_one_line])
    clear_password = forms.BooleanField(label=_("Forget the saved password"), required=False)
    confirm_clear_text = forms.BooleanField(
        label=_("Send the password in clear text"),
        required=False,
        help_text=_("Anybody on the way to the server can read it. Only for a server in your own network."),
    )
    ca_file = forms.FileField(label=_("Certificate file"), required=False, help_text=_("Fills the field above."))
    opened_revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = MailServer
        fields = (
            "host",
            "port",
            "from_email",
            "from_name",
            "force_from",
            "security",
            "auth_method",
            "username",
            "password",
            "ehlo_source",
            "ehlo_name",
            "timeout",
            "ca_bundle",
        )
        widgets = {"port": PortInput, "ehlo_source": forms.RadioSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.pop("password", None)
        self.initial["opened_revision"] = self.instance.revision
        apply_locks(self.instance, self.instance.alias)
        self._saved_password = self.instance.password
        self._saved_server = self._server()
        self._saved_revision = self.instance.revision
        self._describe_fields()

    def _describe_fields(self) -> None:
        if "password" in self.fields and self._saved_password:
            self.fields["password"].help_text = _("Saved; leave empty to keep.")
        if "confirm_clear_text" in self.fields:
            self.fields["confirm_clear_text"].initial = bool(self._saved_password) and (
                self.instance.says_password_in_clear
            )
        if "port" in self.fields:
            self.fields["port"].widget.attrs["placeholder"] = self.instance.usual_port

    def full_clean(self) -> None:
        """Also move the focus to the first field with an error, which a browser does without a script."""
        super().full_clean()
        for name, field in self.fields.items():
            if name in self.errors:
                field.widget.attrs["autofocus"] = True
                break

    def clean_password(self) -> Any:
        cleared = self.data.get(self.add_prefix("clear_password"))
        return self.cleaned_data["password"] or ("" if cleared else self._saved_password)

    def clean_ca_file(self) -> "UploadedFile[bytes] | None":
        upload: UploadedFile[bytes] | None = self.cleaned_data.get("ca_file")
        if upload is not None and (upload.size or 0) > LARGEST_CA_FILE:
            raise ValidationError(_("This file is too large to be a certificate."))
        return upload

    def clean(self) -> dict[str, Any]:
        super().clean()
        self._refuse_locked_fields()
        self._take_uploaded_certificate()
        return self.cleaned_data

    def _refuse_locked_fields(self) -> None:
        for name in locked_values(self.instance.alias):
            if name in self.fields and name in self.changed_data:
                self.add_error(name, _("This is fixed by the settings of this site and can't be changed here."))

    def _take_uploaded_certificate(self) -> None:
        if upload := self.cleaned_data.get("ca_file"):
            try:
                self.cleaned_data["ca_bundle"] = upload.read().decode("ascii")
            except UnicodeDecodeError:
                self.add_error("ca_file", _("This is not a certificate in PEM form. Convert a DER or PFX file first."))

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        apply_locks(self.instance, self.instance.alias)
        self._refuse_outdated_page()
        if not self.errors:
            self._ask_password_for_another_server()
            self._ask_confirmation_of_clear_text()

    def _server(self) -> tuple[Any, ...]:
        return tuple(getattr(self.instance, name) for name in OTHER_SERVER)

    def _ask_password_for_another_server(self) -> None:
        kept = bool(self._saved_password) and self.instance.password is self._saved_password
        moved = self._saved_server[0] and self._server() != self._saved_server
        if kept and moved and self.instance.auth_method != AuthMethod.NONE and "password" in self.fields:
            self.add_error(
                "password",
                _("Enter the password again: the saved one was meant for %(host)s, port %(port)s, as it was secured.")
                % {"host": self._saved_server[0], "port": self._saved_server[1]},
            )

    def _ask_confirmation_of_clear_text(self) -> None:
        confirmed = self.cleaned_data.get("confirm_clear_text")
        if self.instance.says_password_in_clear and self.instance.password and not confirmed:
            self.add_error(
                "confirm_clear_text" if "confirm_clear_text" in self.fields else None,
                _("The password is sent in clear text. Choose STARTTLS or SSL/TLS, or confirm that you want this."),
            )

    def _refuse_outdated_page(self) -> None:
        """Add an error if somebody else saved since this page was opened; saving again then overwrites."""
        opened = self.cleaned_data.get("opened_revision")
        if opened is not None and opened != self._saved_revision:
            self.data = {**self.data, self.add_prefix("opened_revision"): self._saved_revision}
            self.add_error(
                None,
                _(
                    "Somebody else saved these settings while this page was open. Your entries are still below; "
                    "open the page in a second tab to compare, then save again to replace theirs."
                ),
            )

    def is_as_saved(self) -> bool:
        """Whether what was entered is what is in force."""
        return not set(self.changed_data) - {"opened_revision", "confirm_clear_text"}

    def unlocked_fields(self) -> list[str]:
        """Model fields that saving may write; locked values live in the settings of the project."""
        locked = locked_values(self.instance.alias)
        return [name for name in self.Meta.fields if name in self.fields and name not in locked]


class TestEmailForm(forms.Form):
    """Where the test email goes."""

    __test__ = False  # not a test of pytest's, in spite of its name

    recipient = forms.EmailField(
        label=_("Recipient"),
        error_messages={"invalid": _("Enter one e-mail address, such as alerts@example.com.")},
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
