"""Renews many accounts, so that the provider does not forget those that nobody uses (Microsoft after 90 days)."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import Q, QuerySet
from django.utils import timezone

from . import tokens
from .exceptions import OAuthError
from .models import OAuthAccount

IDLE_DAYS: Final = 7

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Renewal:
    account: OAuthAccount
    error: str = ""


def accounts() -> QuerySet[OAuthAccount]:
    return OAuthAccount.objects.select_related("connection").order_by("pk")


def idle_accounts(days: float = IDLE_DAYS) -> QuerySet[OAuthAccount]:
    """Those that were not renewed for so long."""
    before = timezone.now() - timedelta(days=days)
    return accounts().filter(Q(last_refreshed_at=None) | Q(last_refreshed_at__lt=before))


def renew_idle(days: float = IDLE_DAYS) -> list[Renewal]:
    """Renew the accounts that nobody has used for so long. Those that only a person can help are left alone."""
    return list(renew_each(idle_accounts(days).filter(needs_authentication=False)))


def renew_each(chosen: Iterable[OAuthAccount]) -> Iterator[Renewal]:
    """One that fails does not stop the others."""
    for account in chosen:
        try:
            yield Renewal(tokens.renew(account))
        except OAuthError as error:
            yield Renewal(account, " ".join(filter(None, [str(error), error.details])))
        except Exception as error:
            log.exception("OAuth account %s can't be renewed", account.pk)
            yield Renewal(account, type(error).__name__)
