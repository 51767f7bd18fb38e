"""A model field whose text is encrypted in the database."""

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.exceptions import FieldError, ValidationError
from django.db import models
from django.db.models.query_utils import DeferredAttribute
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .encryption import PREFIX, Secret, Undecryptable, decrypt, encrypt

if TYPE_CHECKING:
    from django.db.models.expressions import Combinable

    _TextField = models.TextField[str | Promise | Combinable | Undecryptable, Secret | Undecryptable]
else:
    _TextField = models.TextField

__all__ = [
    "SAVED",
    "UNDECRYPTABLE",
    "EncryptedTextField",
    "Secret",
    "SecretFormField",
    "Undecryptable",
    "refuse_ciphertext",
]

ONLY_LOOKUP: Final = "isnull"


def refuse_ciphertext(value: object) -> None:
    """Validator for a form field: what a person types must not look like a stored value."""
    if isinstance(value, str) and value.strip().startswith(PREFIX):
        raise ValidationError(
            _("This is an encrypted value, copied from a database or an export. Enter the secret itself."),
            "ciphertext",
        )


SAVED: Final = _("Saved; leave empty to keep.")
UNDECRYPTABLE: Final = _("The saved one can't be decrypted: the encryption key has changed. Enter it again.")


class SecretFormField(forms.CharField):
    """Asks for a secret and never shows one. Left empty it gives None: nothing was entered, keep what is saved."""

    default_validators = [refuse_ciphertext]

    def __init__(self, **kwargs: Any) -> None:
        # Whoever asks for another widget (the admin does, for every TextField) would print the secret.
        if not isinstance(kwargs.get("widget"), forms.PasswordInput):
            kwargs["widget"] = forms.PasswordInput(attrs={"autocomplete": "new-password"})
        super().__init__(**{"strip": False, "empty_value": None, **kwargs})

    def has_changed(self, initial: object, data: object) -> bool:
        return data not in self.empty_values


class SecretAttribute(DeferredAttribute):
    """Makes a Secret of what is assigned, so that it is hidden before it is saved, too."""

    def __set__(self, instance: models.Model, value: Any) -> None:
        plain = isinstance(value, str) and not isinstance(value, Secret)
        instance.__dict__[self.field.attname] = Secret(value) if plain else value


class EncryptedTextField(_TextField):
    """Text of any length. Any str assigned is taken as the secret, whatever it begins with.

    The value is a Secret, or Undecryptable when no key of the site opens what is stored. It can't be searched for.
    Not for `readonly_fields` or `list_display` of an admin page, which print the text of a value.
    """

    descriptor_class = SecretAttribute

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != ONLY_LOOKUP:
            raise FieldError(f"{self.name} is encrypted and can't be searched: only {self.name}__{ONLY_LOOKUP} works.")
        return super().get_lookup(lookup_name)

    def from_db_value(self, value: str | None, *args: object) -> Secret | Undecryptable | None:
        return None if value is None else decrypt(value)

    def to_python(self, value: Any) -> Any:
        """Also read what `dumpdata` wrote, which comes as plain str; a Secret is never taken for ciphertext."""
        if value is None or isinstance(value, (Secret, Undecryptable)):
            return value
        return decrypt(str(value))

    def get_prep_value(self, value: Any) -> Any:
        if value is None or hasattr(value, "resolve_expression"):
            return value
        if isinstance(value, Undecryptable):
            return value.ciphertext
        text = str(value)
        return encrypt(text) if text else ""

    def value_to_string(self, obj: models.Model) -> str:
        stored: str | None = self.get_prep_value(self.value_from_object(obj))
        return stored or ""

    def run_validators(self, value: Any) -> None:
        if not isinstance(value, Undecryptable):
            super().run_validators(value)

    def formfield(self, *args: Any, **kwargs: Any) -> Any:
        form_class: type[forms.Field] = kwargs.pop("form_class", SecretFormField)
        return super().formfield(form_class=form_class, **kwargs)

    def save_form_data(self, instance: models.Model, data: Any) -> None:
        if data is not None:  # None: nothing was entered
            super().save_form_data(instance, data)
