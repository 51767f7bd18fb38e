"""Which page of the help belongs to which page of the admin."""

from typing import Final

from django.urls import NoReverseMatch, reverse

from mailconfig.steps import StepName

PAGES: Final = {
    "mailconfig_mailserver": "outgoing-mail-server",
    "mailconfig_mailserver_test": "send-test-email",
    "mailconfig_mailserver_detect": "detect-settings",
    "mailconfig_mailserver_check": "sender-domain",
    "oauthconnections_oauthconnection": "oauth-connections",
    "oauthconnections_oauthaccount": "oauth-connections#accounts",
    "oauthconnections_webserver": "web-server",
    "callback": "oauth-connections#when-signing-in-fails",
    "catcher_": "send-test-email#the-mail-catcher",
    "outbox_": "outbox",
    "outbox_serverqueue": "outbox#queues-of-mail-servers",
    "mailconfig_notifications_": "notifications",
    "scheduling_": "scheduled-jobs",
}
"""By how the name of the address begins; the longest that fits counts."""

PROVIDERS: Final = {"microsoft": "microsoft-365", "google": "google-workspace", "openid": "own-openid-provider"}


STEPS: Final[dict[StepName, str]] = {
    "resolve": "find-server",
    "connect": "connect",
    "secure": "secure",
    "greet": "greet-ehlo",
    "authenticate": "authenticate",
    "sender": "sender",
    "recipient": "recipient",
    "message": "message",
}
"""The chapters of the page on errors."""


def help_on_step(step: StepName) -> str:
    """Where more is said of what can go wrong in it."""
    return f"{reverse('admin:mailconfig_help_page', args=['when-mail-fails'])}#{STEPS[step]}"


def help_address(view: str, provider: str) -> str:
    """Where the help on a page of the admin is; empty if there is none, or the admin is not served.

    `view` is the name of the page's address, `provider` that of the OAuth connection on it, if there is one.
    """
    page, _separator, anchor = _page(view, provider).partition("#")
    if not page:
        return ""
    try:
        return reverse("admin:mailconfig_help_page", args=[page]) + (anchor and f"#{anchor}")
    except NoReverseMatch:
        return ""


def _page(view: str, provider: str) -> str:
    if view.endswith("_history"):
        return "history"
    if provider in PROVIDERS:
        return PROVIDERS[provider]
    return PAGES[max((start for start in PAGES if view.startswith(start)), key=len)] if _is_ours(view) else ""


def _is_ours(view: str) -> bool:
    return view.startswith(tuple(PAGES))
