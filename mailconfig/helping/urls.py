"""Where the pages of the help are inside the admin."""

from django.contrib.admin import AdminSite
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe

from oauthconnections.on_call import on_call

PLACES = {
    "changelist": ("help/", "contents"),
    "pdf": ("help/all.pdf", "as_pdf"),
    "all": ("help/all/", "on_one_page"),
    "page": ("help/<slug:name>/", "one_page"),
}


def urls(site: AdminSite) -> list[URLPattern]:
    """For the admin of a model; their names are as if the help were one, which makes the breadcrumbs of the admin."""
    return [
        path(
            place,
            site.admin_view(require_safe(on_call(f"mailconfig.helping.views.{view}"))),
            {"site": site},
            f"mailconfig_help_{name}",
        )
        for name, (place, view) in PLACES.items()
    ]
