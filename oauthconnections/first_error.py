"""Where a person goes on after a form was refused: at its first error."""

from django import forms


class FocusOnFirstError(forms.BaseForm):
    """Moves the focus to the first field with an error, which a browser does without a script."""

    def full_clean(self) -> None:
        super().full_clean()
        for name, field in self.fields.items():
            if name in self.errors:
                field.widget.attrs["autofocus"] = True
                break
