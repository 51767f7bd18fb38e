"""Form fields for what administrators paste into the form of a connection, cleaned of accidents."""

import re
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from .endpoints import validate_endpoint
from .fields import SecretFormField

INVISIBLE: Final = re.compile(r"[\s\u200b-\u200d\u2060\ufeff]+")
SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
"""RFC 6749 section 3.3."""

DISCOVERY: Final = "/.well-known/openid-configuration"


class PastedField(forms.CharField):
    """One word, such as an id or an address, without white space wherever it came in."""

    def to_python(self, value: Any) -> Any:
        return INVISIBLE.sub("", super().to_python(value) or "")


class EndpointField(PastedField):
    """An address that this site is going to talk to (S-13)."""

    default_validators = [validate_endpoint]
    widget = forms.TextInput(attrs={"class": "vTextField", "inputmode": "url", "spellcheck": "false", "dir": "ltr"})


class IssuerField(EndpointField):
    """The address of the issuer itself, also where that of its description was pasted."""

    def to_python(self, value: Any) -> Any:
        return super().to_python(value).removesuffix(DISCOVERY)


class ScopesField(forms.CharField):
    """Scopes, separated by one space each."""

    def to_python(self, value: Any) -> Any:
        return " ".join(dict.fromkeys(INVISIBLE.sub(" ", super().to_python(value) or "").split()))

    def validate(self, value: Any) -> None:
        super().validate(value)
        if "," in value:
            raise ValidationError(_("Separate scopes by spaces, not by commas."), "comma")
        if not all(map(SCOPE.fullmatch, value.split())):
            raise ValidationError(_("A scope has no quotation marks, backslashes or characters with accents."), "scope")


class SecretTextarea(forms.PasswordInput):
    """For a secret of several lines, which is no more shown than one of one line."""

    template_name = "django/forms/widgets/textarea.html"


class SecretTextField(SecretFormField):
    """A secret of several lines."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"rows": 4, "cols": 60, "autocomplete": "off", "spellcheck": "false", "class": "vLargeTextField"}
        super().__init__(**{"widget": SecretTextarea(attrs=attrs), "strip": True, **kwargs})

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return text and "\n".join(line.strip() for line in text.splitlines())
