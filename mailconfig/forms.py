"""The settings form, and the test email's one field."""

from copy import copy
from typing import Any, Final

from django import forms
from django.contrib.admin.utils import label_for_field
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from oauthconnections.fields import SAVED, SecretFormField, Undecryptable
from oauthconnections.first_error import FocusOnFirstError
from oauthconnections.models import WebServer

from . import ehlo, public_address
from .locks import LOCKABLE, apply_locks, locked_values, source_of
from .models import ONE_ADDRESS, AuthMethod, EhloSource, MailServer
from .oauth_form import OAUTH_FIELDS, OAuthForm
from .validators import validate_ca_bundle, validate_one_line

OTHER_SERVER: Final = ("host", "own_port", "security")
"""What makes it another server: a saved password was entered for the old one only (S-2)."""

NOT_A_SETTING: Final = {"opened_revision", "confirm_clear_text"}
DEPENDENT: Final = {"password": ["clear_password"], "ca_bundle": ["ca_file"]}
LARGEST_CA_FILE: Final = 512 * 1024

_OTHER_SERVER: Final = _(
    "Enter the password again: the saved one was meant for %(host)s, port %(port)s, as it was secured."
)
_FIXED_PASSWORD: Final = _(
    "The password is set by %(source)s for %(host)s, port %(port)s, as it was secured, and is not sent elsewhere. "
    "Set the new server in the same place."
)


class PortInput(forms.NumberInput):
    """A number with suggestions, and the port used when it stays empty as placeholder."""

    suggestions: Final = (25, 587, 465)

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        suggestions = f"{name}-suggestions"
        field = super().render(name, value, {**(attrs or {}), "list": suggestions}, renderer)
        options = format_html_join("", '<option value="{}"></option>', ((port,) for port in self.suggestions))
        return format_html('{}<datalist id="{}">{}</datalist>', field, suggestions, options)


class PemField(forms.CharField):
    """Text whose line ends do not count: a browser sends others than those it was given."""

    def to_python(self, value: Any) -> str:
        return "\n".join((super().to_python(value) or "").splitlines())

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.to_python(initial), data)


class MailServerForm(FocusOnFirstError, OAuthForm):
    """Settings of one server, without those that the settings of the project fix.

    An empty password keeps the saved one. The form never holds a saved secret: `initial` has none (S-2).
    """

    password = SecretFormField(label=_("Password"), required=False, strip=True, validators=[validate_one_line])
    clear_password = forms.BooleanField(label=_("Forget the saved password"), required=False)
    confirm_clear_text = forms.BooleanField(
        label=_("Send the password in clear text"),
        required=False,
        help_text=_(
            "The password is sent in clear text. Anybody on the way to the server can read it: "
            "only for a server in your own network."
        ),
    )
    ca_file = forms.FileField(label=_("Certificate file"), required=False, help_text=_("Fills the field above."))
    opened_revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = MailServer
        fields = (*OAUTH_FIELDS, *LOCKABLE)
        widgets = {"port": PortInput, "ehlo_source": forms.RadioSelect}
        error_messages = {"from_email": {"invalid": ONE_ADDRESS}}
        field_classes = {"ca_bundle": PemField}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.pop("password", None)
        self.initial["opened_revision"] = self.instance.revision
        apply_locks(self.instance, self.instance.alias)
        self._leave_out_locked_fields()
        self._prepare_oauth()
        self._saved_password = self.instance.password
        self._saved_server = self._server()
        self._saved_pin = self.instance.pinned_certificate
        self._saved_revision = self.instance.revision
        self._describe_fields()

    def _leave_out_locked_fields(self) -> None:
        for locked in locked_values(self.instance.alias):
            for name in (locked, *DEPENDENT.get(locked, ())):
                self.fields.pop(name, None)

    def _describe_fields(self) -> None:
        if "password" in self.fields and self._saved_password:
            self.fields["password"].help_text = (
                _("The saved password can't be decrypted: the encryption key has changed. Enter it again.")
                if isinstance(self._saved_password, Undecryptable)
                else SAVED
            )
        if "confirm_clear_text" in self.fields:
            self.initial["confirm_clear_text"] = self.instance.says_password_in_clear and bool(self._saved_password)
        if "port" in self.fields:
            self.fields["port"].widget.attrs["placeholder"] = self.instance.usual_port
        if isinstance(source := self.fields.get("ehlo_source"), forms.ChoiceField):
            source.choices = ehlo_choices()

    def clean_ca_file(self) -> str:
        """The text of the file."""
        upload: UploadedFile[bytes] | None = self.cleaned_data.get("ca_file")
        if upload is None:
            return ""
        if (upload.size or 0) > LARGEST_CA_FILE:
            raise ValidationError(_("This file is too large to be a certificate."))
        try:
            text: str = upload.read().decode("ascii")
        except UnicodeDecodeError as error:
            raise ValidationError(
                _("This is not a certificate in PEM form. Convert a DER or PFX file first.")
            ) from error
        validate_ca_bundle(text)
        return text

    def clean(self) -> dict[str, Any]:
        super().clean()
        if "password" in self.cleaned_data:
            kept = "" if self.cleaned_data.get("clear_password") else self._saved_password
            # Set here as well, for Django leaves a field alone that did not come at all.
            self.instance.password = self.cleaned_data["password"] = self.cleaned_data["password"] or kept
        if uploaded := self.cleaned_data.get("ca_file"):
            self.cleaned_data["ca_bundle"] = PemField().clean(uploaded)
        return self.cleaned_data

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        apply_locks(self.instance, self.instance.alias)
        self._refuse_outdated_page()
        if not self.errors:
            self._keep_password_from_another_server()
            self._keep_token_from_another_server()
            self._forget_pin_of_another_server()
            self._ask_confirmation_of_clear_text()
            self._refuse_to_authenticate_for_nothing()

    def _update_errors(self, errors: ValidationError) -> None:
        """Show what the model says of a locked field above the form, where there is no such field."""
        for name in errors.error_dict.keys() - self.fields.keys() - {NON_FIELD_ERRORS}:
            for error in errors.error_dict.pop(name):
                self.add_error(None, f"{capfirst(str(label_for_field(name, MailServer)))}: {' '.join(error.messages)}")
        super()._update_errors(errors)  # type: ignore[misc]

    def _server(self) -> tuple[Any, ...]:
        return tuple(getattr(self.instance, name) for name in OTHER_SERVER)

    def _keep_password_from_another_server(self) -> None:
        """A saved password was entered for the saved server, and goes to no other one (S-2)."""
        if self._server() == self._saved_server or not self._saved_password:
            return
        if "password" not in self.fields:
            if self.instance.host and self._saved_server[0]:
                self.add_error(None, _FIXED_PASSWORD % {"source": source_of("password"), **self._saved_address()})
        elif self.instance.password is self._saved_password:
            if self.instance.auth_method == AuthMethod.NONE or self.instance.oauth_connection:
                self.instance.password = ""  # else a second change could send it to the new server
            else:
                self.add_error("password", _OTHER_SERVER % self._saved_address())

    def _forget_pin_of_another_server(self) -> None:
        """The certificate that was pinned is that of the saved server (S-15)."""
        is_kept = self.instance.pinned_certificate == self._saved_pin and "pinned_certificate" in self.fields
        if is_kept and self._token_server() != self._saved_token_server:
            self.instance.pinned_certificate = self.cleaned_data["pinned_certificate"] = ""

    def _saved_address(self) -> dict[str, Any]:
        return {"host": self._saved_server[0] or "–", "port": self._saved_server[1]}

    def _ask_confirmation_of_clear_text(self) -> None:
        confirmed = self.cleaned_data.get("confirm_clear_text")
        if self.instance.says_password_in_clear and self.instance.password and not confirmed:
            self.add_error(
                "confirm_clear_text",
                _("The password is sent in clear text. Choose STARTTLS or SSL/TLS, or confirm that you want this."),
            )

    def _refuse_outdated_page(self) -> None:
        """Add an error if somebody else saved since this page was opened; saving again then overwrites."""
        opened = self.cleaned_data.get("opened_revision")
        if opened is not None and opened != self._saved_revision:
            data: Any = copy(self.data)  # what came itself can't be changed
            data[self.add_prefix("opened_revision")] = str(self._saved_revision)
            self.data = data
            self.add_error(
                None,
                _(
                    "Somebody else saved these settings while this page was open. Your entries are still below; "
                    "open the page in a second tab to compare, then save again to replace theirs."
                ),
            )

    # --- when it is valid ---

    def changed_settings(self) -> list[str]:
        """Names of the fields in which what was entered differs from what is in force."""
        return [name for name in self.changed_data if name not in NOT_A_SETTING and name not in self.decided]

    @property
    def forgets_password(self) -> bool:
        return bool(self._saved_password) and not self.instance.password

    def store(self) -> MailServer:
        """Write what was entered; locked values live in the settings of the project."""
        server = self.instance
        # Without a choice there is no field of the account, which may have gone for another reason.
        oauth = OAUTH_FIELDS if "oauth_connection" in self.fields else ()
        entered = [*oauth, *(name for name in LOCKABLE if name in self.fields)]
        if self.changed_settings():
            server.save_changed(entered)
        else:
            server.save(update_fields=entered)
        return server


def ehlo_choices() -> list[tuple[str, str]]:
    """The sources of the EHLO name, each with the name it gives as far as that is known without asking anybody."""
    url = WebServer.objects.external_url()
    determined = public_address.state()
    known = {
        EhloSource.EXTERNAL_URL: ehlo.name("external_url", "", url) if url else _("not known yet"),
        EhloSource.PUBLIC_ADDRESS: (determined and determined.name) or _("press Determine"),
    }
    return [
        (source.value, f"{source.label} ({known[source]})" if source in known else str(source.label))
        for source in EhloSource
    ]


class TestEmailForm(forms.Form):
    """Where the test email goes."""

    __test__ = False  # not a test of pytest's, in spite of its name

    recipient = forms.EmailField(
        label=_("Recipient"),
        error_messages={"invalid": ONE_ADDRESS},
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
