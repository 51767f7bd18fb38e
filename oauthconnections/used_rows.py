"""What others use is not deleted, and the page that says so names its users (S-14)."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin


class UsedRowsAdmin(_ModelAdmin):
    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        """Without the missing permission to delete the users, which the page would tell instead of their names."""
        deleted, count, missing, protected = super().get_deleted_objects(objs, request)
        return deleted, count, set() if protected else missing, protected
