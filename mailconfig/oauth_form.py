"""The OAuth part of the settings form: which connection, which account, and what they leave to be entered."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from oauthconnections.models import OAuthAccount, OAuthConnection

from .models import AuthMethod, MailServer
from .presets import preset_of
from .selector import decided_by

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[MailServer]
    _AccountField = forms.ModelChoiceField[OAuthAccount]
else:
    _ModelForm = forms.ModelForm
    _AccountField = forms.ModelChoiceField

AUTHENTICATE: Final = "_authenticate"
"""Name of the buttons that save, then lead to the provider."""

OAUTH_FIELDS: Final = ("oauth_connection", "oauth_account")


DETACHED: Final = _(
    "The account %(account)s is not used any more: it was authenticated for the server as it was. Authenticate it "
    "again for this one; until then no mail is sent."
)


class ConnectionSelect(forms.Select):
    """Tells the page's script which connections leave no server to be entered."""

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        if value and preset_of(value.instance):
            option["attrs"]["data-preset"] = True
        return option


class AccountSelect(forms.Select):
    """Tells the page's script to which connection an account belongs."""

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        if value:
            option["attrs"]["data-connection"] = value.instance.connection_id
        return option


class AccountField(_AccountField):
    def label_from_instance(self, account: OAuthAccount) -> str:
        return f"{account} ({account.connection})"


class OAuthForm(_ModelForm):
    """Has these fields only where the selector is offered; `detached` is an account that has to sign in again."""

    oauth_connection = forms.ModelChoiceField(
        OAuthConnection.objects.all(),
        label=_("OAuth connection"),
        required=False,
        empty_label=_("Custom settings"),
        widget=ConnectionSelect,
    )
    oauth_account = AccountField(
        OAuthAccount.objects.none(),
        label=_("Account"),
        required=False,
        empty_label=_("None yet"),
        widget=AccountSelect,
    )

    decided: tuple[str, ...] = ()
    detached: OAuthAccount | None = None

    def _prepare_oauth(self) -> None:
        """To be called once locked values are in force."""
        self._saved_account = self.instance.oauth_account
        self._saved_token_server = self._token_server()
        selector = self.instance.selector
        if not selector.is_offered:
            del self.fields["oauth_connection"]
            self._leave_out_method()
        if not selector.has_choice:
            del self.fields["oauth_account"]
        elif isinstance(accounts := self.fields["oauth_account"], AccountField):
            accounts.queryset = OAuthAccount.objects.select_related("connection").filter(
                pk__in=[account.pk for account in selector.accounts]
            )

    def _leave_out_method(self) -> None:
        method = self.fields.get("auth_method")
        if isinstance(method, forms.ChoiceField):
            method.choices = [choice for choice in AuthMethod.choices if choice[0] != AuthMethod.XOAUTH2]

    # --- cleaning ---

    def _clean_fields(self) -> None:
        self.decided = tuple(name for name in decided_by(self._chosen_connection()) if name in self.fields)
        with self._as_saved(self.decided):
            super()._clean_fields()  # type: ignore[misc]

    def _chosen_connection(self) -> OAuthConnection | None:
        if "oauth_connection" not in self.fields:
            return None
        field = self["oauth_connection"]
        try:
            connection: OAuthConnection | None = field.field.clean(field.data)
        except ValidationError:
            return None
        return connection

    @contextmanager
    def _as_saved(self, names: tuple[str, ...]) -> Iterator[None]:
        """Whatever was sent of these fields, they keep their values."""
        for name in names:
            self.fields[name].disabled = True
        yield
        for name in names:
            self.fields[name].disabled = False

    def clean(self) -> dict[str, Any]:
        super().clean()
        if "oauth_connection" in self.fields:
            # Set here as well, for without a choice there is no such field.
            self.instance.oauth_account = self.cleaned_data["oauth_account"] = self._chosen_account()
        return self.cleaned_data

    def _chosen_account(self) -> OAuthAccount | None:
        account: OAuthAccount | None = self._saved_account
        if "oauth_account" in self.cleaned_data and self.add_prefix("oauth_account") in self.data:
            account = self.cleaned_data["oauth_account"]
        connection = self.cleaned_data.get("oauth_connection")
        is_left_over = account == self._saved_account or connection is None
        is_elsewhere = account and (connection is None or account.connection_id != connection.pk)
        return None if is_elsewhere and is_left_over else account

    def _keep_token_from_another_server(self) -> None:
        """An account was authenticated for the saved server, and its token goes to no other one (S-2)."""
        account = self.instance.oauth_account
        moved = account != self._saved_account or self._token_server() != self._saved_token_server
        if account and moved and self.instance.preset is None:
            self.instance.oauth_account, self.detached = None, account

    def _token_server(self) -> tuple[Any, ...]:
        server = self.instance
        return server.effective_host, server.effective_port, server.effective_security

    def _refuse_to_authenticate_for_nothing(self) -> None:
        if AUTHENTICATE not in self.data:
            return
        if self.instance.oauth_connection is None:
            self.add_error(
                "oauth_connection" if "oauth_connection" in self.fields else None,
                _("Choose the OAuth connection for which an account is to be authenticated."),
            )
        elif not self.instance.effective_host:
            self.add_error("host", _("Enter the server first: an account is authenticated for one server."))
