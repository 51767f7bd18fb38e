"""The change form that the settings page is measured against."""

from typing import TYPE_CHECKING

from django.contrib import admin

from .models import PlainSettings

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[PlainSettings]
else:
    _ModelAdmin = admin.ModelAdmin


@admin.register(PlainSettings)
class PlainSettingsAdmin(_ModelAdmin):
    """Laid out like the settings page."""

    fieldsets = (
        ("Settings", {"fields": ("name", "number", "email", "known", "title", "always")}),
        ("Security", {"fields": ("size", "other_size", "user_name", "note", "forget", "confirm")}),
        (
            "Advanced",
            {
                "fields": ("source", "custom", "state", "seconds", "text", "fingerprint", "file"),
                "classes": ("collapse",),
            },
        ),
        (None, {"fields": ("revision",)}),
    )
    readonly_fields = ("known", "state")
    radio_fields = {"source": admin.VERTICAL}
