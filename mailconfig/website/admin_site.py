"""Django's admin under the name of this site."""

from django.contrib.admin import AdminSite


class WebsiteAdminSite(AdminSite):
    # A name, so it is the same in every language.
    site_title = "Mailconfig"
    site_header = "Mailconfig"
    site_url = None  # the admin is the whole site, there is nothing else to view
