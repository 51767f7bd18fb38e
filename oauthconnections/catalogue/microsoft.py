"""What Microsoft Entra ID says when it refuses."""

from typing import Final

from django.utils.translation import gettext_lazy as _

from .entry import AUTHENTICATE_AGAIN, Entry, aadsts

MICROSOFT: Final = (
    Entry(
        "idle",
        aadsts(700082),
        _("The account was not used for so long that Microsoft has forgotten it (usually 90 days)."),
        _("Authenticate the account again, and have “manage.py oauthaccounts refresh” run regularly so that it stays."),
    ),
    Entry(
        "revoked",
        aadsts(50173, 50133),
        _("The access was withdrawn, most often by a new password or by an administrator who ended all sessions."),
        AUTHENTICATE_AGAIN,
    ),
    Entry(
        "grant-ended",
        aadsts(70000, 70008),
        _("Microsoft does not accept the stored access any longer."),
        AUTHENTICATE_AGAIN,
    ),
    Entry(
        "secret-expired",
        aadsts(7000222),
        _("The client secret of “%(connection)s” has expired."),
        _(
            "Make a new one at Microsoft (App registrations, your application, Certificates & secrets) and enter its "
            "value and its end in the OAuth connection. The accounts work again then."
        ),
    ),
    Entry(
        "secret-wrong",
        aadsts(7000215),
        _("The client secret of “%(connection)s” is wrong. Often the secret's ID was copied instead of its value."),
        _(
            "The value is shown only once, when the secret is made. Make a new one under Certificates & secrets, copy "
            "what stands in the column “Value”, and enter it in the OAuth connection."
        ),
    ),
    Entry(
        "secret-missing",
        aadsts(7000218),
        _("Microsoft expects a client secret or a certificate, and “%(connection)s” has none."),
        _("Make a client secret at Microsoft and enter it in the OAuth connection."),
    ),
    Entry(
        "certificate-wrong",
        aadsts(700027, 700030),
        _("Microsoft does not know the certificate of “%(connection)s”."),
        _("Upload the certificate at Microsoft (Certificates & secrets), or enter the one that is there."),
    ),
    Entry(
        "not-web",
        aadsts(9002325, 9002326, 9002327, 700025, 700084),
        _("At Microsoft the redirect URI was entered for another kind of application than “Web”."),
        _("Under Authentication remove it from “Single-page application” or “Mobile”, and add it under “Web”."),
    ),
    Entry(
        "tenant-single",
        aadsts(50194),
        _("The application is for one tenant only, but “%(connection)s” names no single one."),
        _("Enter the directory (tenant) ID that Microsoft shows on the overview of the application."),
    ),
    Entry(
        "tenant-unknown",
        aadsts(50059, 90002, 90019, 900021, 900023),
        _("Microsoft does not know the tenant of “%(connection)s”."),
        _("Enter the directory (tenant) ID, or a domain of your organization, as Microsoft shows it."),
    ),
    Entry(
        "tenant-foreign",
        aadsts(50020, 90072, 500208, 500212),
        _("Whoever signed in does not belong to the tenant of “%(connection)s”."),
        _("Sign in with an account of that tenant. In a private window no other account is chosen by itself."),
    ),
    Entry(
        "tenant-personal",
        aadsts(9002331, 9002346),
        _("The application is for personal Microsoft accounts only."),
        _("Enter “consumers” as tenant, or allow accounts of organizations at Microsoft (Authentication)."),
    ),
    Entry(
        "not-assigned",
        aadsts(50105),
        _("The account may not use the application: it is not assigned to it."),
        _("Have an administrator assign it (Enterprise applications, the application, Users and groups)."),
    ),
    Entry(
        "resource-missing",
        aadsts(500011, 650052, 650057),
        _("The service that was asked for is not part of the tenant, or not among the application's permissions."),
        _("Add the permission under API permissions at Microsoft, and check that your organization has the service."),
    ),
    Entry(
        "consent-missing",
        aadsts(65001),
        _("Nobody has allowed the application yet what it asks for, or the permission was withdrawn."),
        _("Authenticate the account again and allow it; for an application itself an administrator grants consent."),
    ),
    Entry(
        "consent-administrator",
        aadsts(90094, 90095, 90093),
        _("In your organization only an administrator may allow this application."),
        _("Have an administrator press “Grant admin consent” (App registrations, API permissions), then try again."),
    ),
    Entry(
        "consent-declined",
        aadsts(65004),
        _("The consent was declined, or the page was left."),
        _("Authenticate again and accept what the provider asks."),
    ),
    Entry(
        "mfa",
        aadsts(50076, 50079, 50074, 50072, 50158),
        _("The provider wants a second proof (multi-factor authentication) that only a person can give."),
        AUTHENTICATE_AGAIN,
    ),
    Entry(
        "conditional-access",
        aadsts(53000, 53001, 53002, 53003, 53004, 530003, 530032, 530034),
        _("A rule of your organization (conditional access) forbids it, such as for this place or this machine."),
        _("Have an administrator of Microsoft Entra exempt the account or the address of this machine from that rule."),
    ),
    Entry(
        "password-expired",
        aadsts(50055, 50144),
        _("The password of the account has expired."),
        _("Sign in at the provider and set a new one, then authenticate the account again."),
    ),
    Entry(
        "locked",
        aadsts(50053),
        _("The account is locked after too many attempts to sign in, or this address is blocked."),
        _("Wait some minutes and try again. If it stays so, ask an administrator of the provider."),
    ),
    Entry(
        "scope-two",
        aadsts(28000),
        _("Scopes of two services were asked for at once, which Microsoft does not allow."),
        _("Remove the additional scopes of the other service from “%(connection)s”."),
    ),
    Entry(
        "scope-default",
        aadsts(1002012),
        _("For the application itself Microsoft wants one scope that ends in “/.default”."),
        _("Delete the account of the application and authenticate the application anew."),
    ),
    Entry(
        "sign-in-frequency",
        aadsts(70043),
        _("A rule of your organization (sign-in frequency) wants people to sign in again at intervals."),
        _("Have an administrator of Microsoft Entra exempt the account from it, then authenticate the account again."),
    ),
)
