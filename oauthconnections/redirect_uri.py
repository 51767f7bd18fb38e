"""The redirect URI (RFC 6749 section 3.1.2): the one address to which providers send the browser back (S-6)."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, get_script_prefix, reverse
from django.utils.translation import gettext as _

from .endpoints import is_loopback
from .models import WebServer


def redirect_uri(request: HttpRequest) -> str:
    """Below the external visible URL, else below the address by which the browser came; "" if it leads nowhere."""
    try:
        path = reverse("oauthconnections:callback")
    except NoReverseMatch:
        return ""
    site = WebServer.objects.external_url() or opened_as(request)
    # The path under which the site lives is part of both.
    return f"{site}/{path.removeprefix(get_script_prefix())}"


def opened_as(request: HttpRequest) -> str:
    """The address of this site as the browser sees it, as far as this site is told."""
    return _site(request.scheme or "http", request.get_host())


def redirect_notes(request: HttpRequest) -> list[str]:
    """Why somebody who signs in at a provider might not come back, or not be known here then."""
    uri = redirect_uri(request)
    if not uri:
        return [
            _(
                "The addresses of this app are not among those of this site, so nobody can come back from a provider. "
                'Add path("oauth/", include("oauthconnections.urls")) to the urlpatterns of the project.'
            )
        ]
    return [*_notes_on_https(uri), *_notes_on_address(request, uri), *_notes_on_session()]


def _notes_on_https(uri: str) -> list[str]:
    if uri.startswith("https://") or is_loopback(urlsplit(uri).hostname or ""):
        return []
    return [
        _(
            "The redirect URI does not begin with https://. Providers refuse that, except for localhost. Let your web "
            "server speak https and enter the external visible URL of this site."
        )
    ]


def _notes_on_address(request: HttpRequest, uri: str) -> list[str]:
    opened = _claimed_by_proxy(request)
    values = {"opened": opened, "uri": uri}
    if uri.startswith(f"{opened}/"):
        return []
    if uri.startswith(f"{opened_as(request)}/"):
        return [
            _(
                "A proxy in front of this site says that you opened this page as %(opened)s, but this site is not set "
                "up to believe it. If that is right, enter it as external visible URL."
            )
            % values
        ]
    return [
        _(
            "You opened this page as %(opened)s, but the provider will send you to %(uri)s, where you may not be "
            "signed in. Open this page under that address first, or correct the external visible URL."
        )
        % values
    ]


def _claimed_by_proxy(request: HttpRequest) -> str:
    """The address as headers have it that anybody can send: good for a hint, not to be believed."""
    scheme, host = (
        request.headers.get(name, "").partition(",")[0].strip() for name in ("X-Forwarded-Proto", "X-Forwarded-Host")
    )
    return _site(scheme or request.scheme or "http", host or request.get_host())


def _site(scheme: str, host: str) -> str:
    usual_port = ":443" if scheme == "https" else ":80"
    return f"{scheme}://{host.lower().removesuffix(usual_port)}{get_script_prefix().rstrip('/')}"


def _notes_on_session() -> list[str]:
    if not samesite_is_strict():
        return []
    return [
        _(
            "SESSION_COOKIE_SAMESITE is “Strict”: the browser will not say who you are when it comes back from a "
            "provider. Set it to “Lax”."
        )
    ]


def samesite_is_strict() -> bool:
    return str(settings.SESSION_COOKIE_SAMESITE).lower() == "strict"
