"""Addresses of pages of this site, for people who read them elsewhere."""

from django.urls import NoReverseMatch, get_script_prefix, reverse

from oauthconnections.models import WebServer


def path_of(name: str, *args: object) -> str:
    """The path of a page of the admin; empty where the project has no such page."""
    try:
        return reverse(f"admin:{name}", args=args)
    except NoReverseMatch:
        return ""


def link(path: str) -> str:
    """The whole address of a path; empty as long as nobody told the external visible URL."""
    if not path.startswith("/"):
        return path
    site = WebServer.objects.external_url()
    return f"{site}/{path.removeprefix(get_script_prefix()).removeprefix('/')}" if site else ""
