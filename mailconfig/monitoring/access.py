"""Who may read /metrics, and the details of /healthz: the setting MAILCONFIG_METRICS says."""

import ipaddress
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Final, Self

from django.conf import settings
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
KEYS: Final = {"token", "addresses"}


@dataclass(frozen=True)
class Access:
    """All that is set must be met; `problem` says what is wrong with the setting, and then nobody is let in."""

    token: str = field(default="", repr=False)
    networks: tuple[Network, ...] = ()
    problem: str = ""

    @classmethod
    def from_settings(cls) -> Self:
        configured = getattr(settings, "MAILCONFIG_METRICS", None) or {}
        try:
            if not isinstance(configured, dict) or configured.keys() - KEYS:
                raise ValueError('it has to be a dictionary of "token" and "addresses"')
            token, addresses = configured.get("token") or "", configured.get("addresses") or []
            if not isinstance(token, str) or not isinstance(addresses, list | tuple):
                raise ValueError('"token" has to be a text, "addresses" a list')
            found = cls(token, tuple(ipaddress.ip_network(address, strict=False) for address in addresses))
            if found.is_on and not find_spec("prometheus_client"):
                raise ValueError("it needs a library (pip install django-mailconfig[metrics])")
        except ValueError as error:
            return cls(problem=f"MAILCONFIG_METRICS can't be used: {error}.")
        return found

    @property
    def is_on(self) -> bool:
        return bool(self.token or self.networks)

    def refusal(self, request: HttpRequest) -> int:
        """The HTTP status to answer with; 0 if the request is let in."""
        if not self.is_on:
            return 404
        if self.networks and not self._is_near(request.META.get("REMOTE_ADDR", "")):
            return 403
        shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return 401 if self.token and not constant_time_compare(shown, self.token) else 0

    def _is_near(self, address: str) -> bool:
        """Of whoever is connected: what a header says of others behind a proxy, anybody can write."""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
            found = found.ipv4_mapped
        return any(found in network for network in self.networks)
