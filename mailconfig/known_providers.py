"""Which of the known providers stands behind a domain, a mail exchanger or a server."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

from .mailbox_providers import MAILBOXES
from .provider import Provider
from .sending_services import SENDERS

PROVIDERS: Final = (*MAILBOXES, *SENDERS)


def by_domain(domain: str) -> Provider | None:
    """The one that gives out addresses of this domain."""
    return next((provider for provider in PROVIDERS if domain.lower() in provider.domains), None)


def by_exchanger(host: str) -> Provider | None:
    """The one that an MX record points to."""
    name = host.lower()
    found = [(len(p), provider) for provider in PROVIDERS for p in provider.mx if fnmatchcase(name, p)]
    return max(found, key=lambda match: match[0])[1] if found else None  # the longest pattern says most


def by_host(host: str) -> Provider | None:
    """The one that a server belongs to."""
    return next((provider for provider in PROVIDERS if provider.has_host(host)), None)


def by_includes(names: Iterable[str]) -> list[Provider]:
    """Those that an SPF record lets send."""
    included = {name.lower().rstrip(".") for name in names}
    return [provider for provider in PROVIDERS if provider.spf and provider.spf in included]
