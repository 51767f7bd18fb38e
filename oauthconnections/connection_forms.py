"""The forms of connections: for each provider the fields that it needs."""

from typing import TYPE_CHECKING, Any, ClassVar, Final

from django import forms
from django.contrib.messages import SUCCESS, WARNING
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from . import certificate
from .client_json import client_of
from .consumers import consumers
from .discovery import discover
from .endpoints import host_of
from .exceptions import OAuthError
from .fields import SAVED, UNDECRYPTABLE, SecretFormField, Undecryptable
from .first_error import FocusOnFirstError
from .mistakes import refuse_email, refuse_guid, validate_one_resource, validate_tenant
from .models import OAuthConnection, ProviderKind
from .pasted import EndpointField, IssuerField, PastedField, ScopesField, SecretTextField

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[OAuthConnection]
else:
    _ModelForm = forms.ModelForm

SECRETS: Final = ("client_secret", "certificate")
OTHER_CLIENT: Final = ("client_id", "tenant", "issuer", "authority", "authorize_url", "token_url")
"""What makes it another client, or sends its secrets elsewhere: those saved were meant for the old one only (S-2)."""

_AGAIN: Final = _("Enter it again: the saved one was meant for the application and the addresses as they were.")
_NOT_FOUND: Final = _("Saved, although the issuer could not be asked for its addresses: %(reason)s")
_WIDE: Final = {"class": "vTextField", "spellcheck": "false", "autocomplete": "off", "dir": "ltr"}


class ConnectionForm(FocusOnFirstError, _ModelForm):
    """What all have. An empty secret keeps the saved one; `initial` never holds one (S-2)."""

    provider: ClassVar[str]
    secret_required: ClassVar[bool] = True

    client_id = PastedField(
        label=_("Client ID"), max_length=255, validators=[refuse_email], widget=forms.TextInput(attrs=_WIDE)
    )
    client_secret = SecretFormField(label=_("Client secret"), required=False, strip=True)
    clear_client_secret = forms.BooleanField(label=_("Forget the saved client secret"), required=False)

    class Meta:
        model = OAuthConnection
        fields: tuple[str, ...] = ("name", "client_id", "client_secret")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.provider = self.provider
        self.notes: list[tuple[int, str]] = []
        """What to tell the administrator after saving, each with the level of the message."""
        self.registered_uris: list[str] | None = None
        """The redirect URIs that the provider has for this client, where that is known."""
        self._saved = {name: getattr(self.instance, name) for name in (*SECRETS, *OTHER_CLIENT)}
        for name in SECRETS:
            self.initial.pop(name, None)
            if name in self.fields and self._saved[name]:
                saved = isinstance(self._saved[name], Undecryptable)
                self.fields[name].help_text = UNDECRYPTABLE if saved else SAVED

    def clean(self) -> dict[str, Any]:
        super().clean()
        for name in SECRETS:
            if name in self.cleaned_data:
                kept = "" if self.cleaned_data.get(f"clear_{name}") else self._saved[name]
                # Set here as well, for Django leaves a field alone that did not come at all.
                secret = self.cleaned_data[name] = self.cleaned_data[name] or kept
                setattr(self.instance, name, secret)
        return self.cleaned_data

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.errors:
            return
        self._require_secret()
        if self.is_another_client:
            for name in SECRETS:
                if self._saved[name] and getattr(self.instance, name) is self._saved[name]:
                    self.add_error(name, _AGAIN)

    @property
    def is_another_client(self) -> bool:
        """Whether what was saved before, and the tokens of its accounts, belong to another one."""
        return not self.instance._state.adding and any(
            getattr(self.instance, name) != self._saved[name] for name in OTHER_CLIENT
        )

    def _require_secret(self) -> None:
        forgotten = any(self.cleaned_data.get(f"clear_{name}") for name in SECRETS)
        if self.secret_required and not forgotten and not any(getattr(self.instance, name) for name in SECRETS):
            self.add_error("client_secret", _("This field is required."))


class MicrosoftForm(ConnectionForm):
    provider = ProviderKind.MICROSOFT

    tenant = PastedField(
        label=_("Directory (tenant) ID"),
        max_length=255,
        validators=[validate_tenant],
        widget=forms.TextInput(attrs=_WIDE),
        help_text=_("Of the directory in which the application is registered; or its domain."),
    )
    client_id = PastedField(
        label=_("Application (client) ID"),
        max_length=255,
        validators=[refuse_email],
        widget=forms.TextInput(attrs=_WIDE),
    )
    client_secret = SecretFormField(
        label=_("Client secret"),
        required=False,
        strip=True,
        validators=[refuse_guid],
        help_text=_("The value, not the ID, which stands beside it."),
    )
    certificate = SecretTextField(
        label=_("Certificate"),
        required=False,
        validators=[certificate.validate_certificate],
        help_text=_("Instead of a client secret: the private key and the certificate, both in PEM form."),
    )
    clear_certificate = forms.BooleanField(label=_("Forget the saved certificate"), required=False)
    extra_scopes = ScopesField(label=_("Additional scopes"), max_length=1000, required=False)
    authority = EndpointField(
        label=_("Authority"),
        max_length=500,
        required=False,
        help_text=_("For a national cloud, such as https://login.microsoftonline.us. Usually empty."),
    )
    authorize_url = EndpointField(label=_("Authorization endpoint"), max_length=500, required=False)
    token_url = EndpointField(label=_("Token endpoint"), max_length=500, required=False)

    class Meta(ConnectionForm.Meta):
        fields = (
            *("name", "tenant", "client_id", "client_secret", "certificate", "secret_expires_on"),
            *("extra_scopes", "authority", "authorize_url", "token_url"),
        )

    def clean_extra_scopes(self) -> str:
        extra: str = self.cleaned_data["extra_scopes"]
        for consumer in consumers():
            validate_one_resource([*extra.split(), *consumer.scopes.get(self.provider, ())])
        return extra

    def clean(self) -> dict[str, Any]:
        typed = self.cleaned_data.get("certificate")
        if typed and not self.cleaned_data.get("secret_expires_on"):
            self.cleaned_data["secret_expires_on"] = certificate.last_day(typed)
        return super().clean()


class GoogleForm(ConnectionForm):
    provider = ProviderKind.GOOGLE

    credentials_json = SecretTextField(
        label=_("Downloaded JSON"),
        required=False,
        help_text=_("The content of the file that Google offers for download. Fills the two fields below."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "client_id" in self.fields:
            self.fields["client_id"].required = False  # it may be in the JSON

    def clean_credentials_json(self) -> None:
        """Put what is in it where the two fields below will look."""
        if downloaded := self.cleaned_data["credentials_json"]:
            self._client = client_of(downloaded)
            self.registered_uris = self._client["redirect_uris"]

    def clean(self) -> dict[str, Any]:
        if self.registered_uris is not None:
            self.cleaned_data |= {name: self._client[name] for name in ("client_id", "client_secret")}
        elif not self.cleaned_data.get("client_id") and not self.errors:
            self.add_error("client_id", _("This field is required."))
        return super().clean()


class OpenIDForm(ConnectionForm):
    provider = ProviderKind.OPENID
    secret_required = False  # a public client has none, PKCE protects it

    issuer = IssuerField(
        label=_("Issuer"),
        max_length=500,
        help_text=_("Such as https://id.example.com/realms/main. Its addresses are found by themselves."),
    )
    extra_scopes = ScopesField(
        label=_("Additional scopes"),
        max_length=1000,
        required=False,
        help_text=_("Beside openid, email and offline_access."),
    )

    class Meta(ConnectionForm.Meta):
        fields = ("name", "issuer", "client_id", "client_secret", "extra_scopes")

    def _post_clean(self) -> None:
        super()._post_clean()
        if not self.errors:
            self._ask_issuer()

    def _ask_issuer(self) -> None:
        """Take down what the issuer says of itself; without an answer, it is asked when somebody signs in (S-12)."""
        try:
            self.instance.metadata = discover(self.instance.issuer)
        except OAuthError as error:
            self.instance.metadata = {} if self.is_another_client else self.instance.metadata
            self.notes.append((WARNING, _NOT_FOUND % {"reason": error}))
        else:
            self.notes.append((SUCCESS, _found(self.instance.metadata)))


def _found(metadata: dict[str, Any]) -> str:
    hosts = {host_of(str(metadata[name])) for name in ("authorization_endpoint", "token_endpoint")}
    scopes = metadata.get("scopes_supported")
    text = gettext("The issuer was found. People sign in at %(hosts)s.") % {"hosts": ", ".join(sorted(hosts))}
    if isinstance(scopes, list) and "offline_access" not in scopes:
        text += " " + gettext(
            "It does not list offline_access, so it is not asked for it. If no refresh token comes, add that scope."
        )
    return text


FORMS: Final[dict[str, type[ConnectionForm]]] = {
    form.provider: form for form in (MicrosoftForm, GoogleForm, OpenIDForm)
}
