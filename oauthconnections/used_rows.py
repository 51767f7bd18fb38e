"""What others use is not deleted, and the page that says so names its users (S-14)."""

from typing import Any

from django.http import HttpRequest

from .help_links import HelpedAdmin
from .history_export import ExportsHistory


class UsedRowsAdmin(HelpedAdmin, ExportsHistory):
    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        """Without the missing permission to delete the users, which the page would tell instead of their names."""
        deleted, count, missing, protected = super().get_deleted_objects(objs, request)
        return deleted, count, set() if protected else missing, protected
