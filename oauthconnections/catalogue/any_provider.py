"""What several providers say, each in its words."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from .entry import Entry, aadsts

ANY_PROVIDER: Final = (
    Entry(
        "account-gone",
        r"Account has been deleted|account_deleted|[Aa]ccount (is )?disabled" + "|" + aadsts(50057, 50034),
        _("The account was disabled or deleted at the provider, or never existed there."),
        _("Have an administrator of the provider look at the account, or use another one."),
    ),
    Entry(
        "code-used",
        r"[Cc]ode was already redeemed|" + aadsts(54005),
        _("The answer of the provider was used already: the page was reloaded, or opened a second time."),
        _("If the account is shown as authenticated, there is nothing to do. Otherwise authenticate it again."),
    ),
    Entry(
        "verifier",
        r"[Cc]ode[ _][Vv]erifier|" + aadsts(501481),
        _("The provider's answer belongs to another attempt to sign in than the one that was finished here."),
        _("Authenticate the account again, in one window only."),
    ),
    Entry(
        "clock",
        aadsts(700024, 500133) + "|not yet valid|[Ss]ignature has expired",
        _("The clock of this machine, or the provider's, is wrong."),
        _("Set the clock of this machine, best by NTP, then try again."),
    ),
    Entry(
        "client-unknown",
        r"OAuth client was not found|deleted_client|[Nn]o such client|" + aadsts(700016, 7000229),
        _("The provider does not know the application: the client ID is wrong, or it belongs to another tenant."),
        _("Compare client ID and tenant of “%(connection)s” with what the provider's console shows."),
    ),
    Entry(
        "client-disabled",
        r"disabled_client|OAuth client was disabled|" + aadsts(7000112),
        _("The application was disabled at the provider."),
        _("Enable it in the provider's console. Google disables clients that nobody used for 6 months."),
    ),
    Entry(
        "redirect-uri",
        r"redirect_uri_mismatch|(?i:redirect uri \S+ is not registered|redirect_uri (is )?(invalid|mismatch))|"
        + aadsts(50011, 500112, 500113, 900971),
        _("The redirect URI of this site is not registered at the provider exactly as it was sent."),
        _(
            "Copy the redirect URI from the page of the OAuth connection into the provider's console, unchanged. If it "
            "has the wrong host or http://, correct the external visible URL of this site first."
        ),
    ),
    Entry(
        "scope-unknown",
        aadsts(70011, 650053, 650056) + r"|requested scopes were invalid",
        _("A scope that was asked for does not exist, or the application may not ask for it."),
        _(
            "Check the additional scopes of “%(connection)s” for a slip of the pen, and that the permissions stand in "
            "the provider's console."
        ),
    ),
    Entry(
        "busy",
        aadsts(90033, 90055, 50196) + r"|rate_limit_exceeded|internal_failure",
        _("The provider is overloaded, or was asked too often."),
        _("Try again in some minutes."),
    ),
)
