"""Looks ahead: what ends soon is told some days before, once for each of these days."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from typing import Final

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from mailconfig.locks import apply_locks
from mailconfig.models import MailServer
from oauthconnections.models import OAuthAccount, OAuthConnection
from oauthconnections.states import idle_warning

from .links import path_of
from .models import Happening
from .occasions import notify
from .own_occasions import EXPIRY
from .pending import Text

REMINDERS: Final = (0, 1, 3, 7, 14, 30)
"""Days before the end on which somebody is told; 0: it has ended or ends today."""
CERTIFICATE: Final = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def check_expiries() -> int:
    """To be called once a day; more often does no harm. Returns how many things are told of now."""
    found = [*_secrets(), *_authorities(), *_idle()]
    told = set(Happening.objects.filter(occasion=EXPIRY.id).values_list("key", flat=True))
    new = [one for one in found if one[0] not in told]
    for key, subject, body, page in new:
        notify(EXPIRY.id, subject, body, key, page)
    return len(new)


Found = tuple[str, Text, Text, Text]
"""Key, subject, what to do, page."""


def _secrets() -> Iterator[Found]:
    for connection in OAuthConnection.objects.exclude(secret_expires_on=None).defer("client_secret", "certificate"):
        assert connection.secret_expires_on
        if (step := _step(connection.secret_expires_on)) is not None:
            yield (
                f"secret {connection.pk}, {connection.secret_expires_on}, {step}",
                partial(_ends, _secret_of, connection.name, connection.secret_expires_on),
                _renew_secret,
                partial(path_of, "oauthconnections_oauthconnection_change", connection.pk),
            )


def _authorities() -> Iterator[Found]:
    for server in MailServer.objects.exclude(ca_bundle=""):
        apply_locks(server, server.alias)
        end = _first_end(server.ca_bundle)
        if end and (step := _step(end)) is not None:
            yield (
                f"authority {server.pk}, {end}, {step}",
                partial(_ends, _authority_of, str(server), end),
                _renew_authority,
                partial(path_of, "mailconfig_mailserver_change", server.pk),
            )


def _idle() -> Iterator[Found]:
    for account in OAuthAccount.objects.select_related("connection"):
        if idle_warning(account):
            page = partial(path_of, "oauthconnections_oauthaccount_change", account.pk)
            since = account.last_refreshed_at or account.authenticated_at
            yield f"idle {account.pk}, {since:%Y-%m-%d}", str(account), partial(idle_warning, account), page


def _step(end: date) -> int | None:
    """The last reminder that is due; None as long as none is."""
    days = (end - timezone.localdate()).days
    return next((step for step in REMINDERS if days <= step), None)


def _first_end(pem: str) -> date | None:
    """Of certificates, as validated when they were entered; those that can't be read have no end."""
    from cryptography.x509 import load_pem_x509_certificate  # on first use: takes long

    try:
        ends = [load_pem_x509_certificate(one.encode()).not_valid_after_utc for one in CERTIFICATE.findall(pem)]
    except ValueError:
        return None
    return timezone.localdate(min(ends)) if ends else None


# --- texts, made in the language of those who are told ---


def _ends(what: Callable[[str], str], name: str, end: date) -> str:
    values = {"what": what(name), "date": date_format(end, "DATE_FORMAT")}
    if end < timezone.localdate():
        return _("%(what)s has ended on %(date)s") % values
    return _("%(what)s ends on %(date)s") % values


def _secret_of(name: str) -> str:
    return _("The secret or certificate of “%(connection)s”") % {"connection": name}


def _authority_of(name: str) -> str:
    return _("The certificate authority entered for %(server)s") % {"server": name}


def _renew_secret() -> str:
    return _(
        "Make a new one at the provider and enter it, with its end, before that day. The accounts stay as they are."
    )


def _renew_authority() -> str:
    return _("Ask those who run the mail server for the new certificate of their authority, and enter it.")
