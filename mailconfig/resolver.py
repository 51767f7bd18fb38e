"""Asks name servers: those in DNS_RESOLVER, else this machine's own. The only code that speaks DNS."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from django.conf import settings

from .host_names import ip_address

if TYPE_CHECKING:
    from dns.resolver import Answer, Resolver

SECONDS: Final = 5.0
"""How long a question may take where nobody set a limit for several together."""
PAYLOAD: Final = 1232
"""Bytes of an answer that fit into one packet everywhere (DNS flag day 2020); a longer one comes over TCP."""


class LookUpFailed(OSError):
    """Nobody knows whether the record exists: no answer, or an error. Not raised for a name that does not exist."""


class Exchange(NamedTuple):
    """An MX record (RFC 5321 section 5.1)."""

    preference: int
    host: str


class Service(NamedTuple):
    """An SRV record (RFC 2782); the target "" says that the service isn't offered."""

    priority: int
    weight: int
    port: int
    target: str


class Server(NamedTuple):
    address: str
    port: int


@dataclass(frozen=True)
class NameServers:
    """Look-ups by type. What does not exist gives an empty list; what nobody knows raises LookUpFailed.

    Answers are remembered as long as the object lives, so that the parts of a check may ask the same.
    """

    servers: tuple[Server, ...] = ()
    """Whom to ask; none: whom this machine asks."""
    deadline: float | None = None
    broken: str = ""
    """Why nobody can be asked."""
    _known: dict[tuple[str, str], "list[Any] | LookUpFailed"] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_settings(cls) -> Self:
        """Those of the setting DNS_RESOLVER. One that can't be read fails each look-up, and a system check tells."""
        try:
            return cls(parse(str(getattr(settings, "DNS_RESOLVER", "") or "")))
        except ValueError as error:
            return cls(broken=f"DNS_RESOLVER: {error}")

    def within(self, seconds: float) -> Self:
        """The same servers with a limit for everything that is asked from now on, and nothing remembered."""
        return replace(self, deadline=time.monotonic() + seconds, _known={})

    def addresses(self, name: str) -> list[str]:
        """A and AAAA. The names of this machine itself need no server (RFC 6761 section 6.3)."""
        if name.lower().rstrip(".").split(".")[-1] == "localhost":
            return ["127.0.0.1", "::1"]
        return self._ask(name, "A", _address) + self._ask(name, "AAAA", _address)

    def names(self, address: str) -> list[str]:
        """PTR."""
        parsed = ip_address(address)
        return self._ask(parsed.reverse_pointer, "PTR", _target) if parsed else []

    def texts(self, name: str) -> list[str]:
        """TXT, each with its strings put together without anything between (RFC 7208 section 3.3)."""
        return self._ask(name, "TXT", _text)

    def exchanges(self, name: str) -> list[Exchange]:
        """MX, the most preferred first."""
        return sorted(self._ask(name, "MX", lambda data: Exchange(data.preference, _name(data.exchange))))

    def services(self, name: str) -> list[Service]:
        """SRV in the order of RFC 2782, the heaviest of a priority first instead of by lot."""
        found = self._ask(name, "SRV", lambda data: Service(data.priority, data.weight, data.port, _name(data.target)))
        return sorted(found, key=lambda service: (service.priority, -service.weight))

    def alias(self, name: str) -> str:
        """The name that this one is another name of (CNAME); empty if it is none."""
        return next(iter(self._ask(name, "CNAME", _target)), "")

    def _ask(self, name: str, kind: str, read: Callable[[Any], Any]) -> list[Any]:
        question = (name.lower().rstrip("."), kind)
        if question not in self._known:
            self._known[question] = self._outcome(*question, read)
        outcome = self._known[question]
        if isinstance(outcome, LookUpFailed):
            raise LookUpFailed(str(outcome))
        return list(outcome)

    def _outcome(self, name: str, kind: str, read: Callable[[Any], Any]) -> list[Any] | LookUpFailed:
        if self.broken:
            return LookUpFailed(self.broken)
        try:
            answer = _resolve(self.servers, name, kind, self._remaining())
            return [read(data) for data in answer] if answer else []
        except LookUpFailed as failure:
            return failure

    def _remaining(self) -> float:
        return SECONDS if self.deadline is None else self.deadline - time.monotonic()


def parse(text: str) -> tuple[Server, ...]:
    """ "192.0.2.53, 127.0.0.1:5353, [::1]:5353" as servers. Raises ValueError for what is no IP address."""
    return tuple(_server(word.strip()) for word in text.split(",") if word.strip())


def _server(word: str) -> Server:
    with_port = re.fullmatch(r"\[([^\]]+)\](?::(\d+))?|([^:]+):(\d+)", word)
    host, port = (with_port[1] or with_port[3], with_port[2] or with_port[4]) if with_port else (word, None)
    address = ip_address(host)
    if address is None or not 0 < int(port or 53) < 65536:
        raise ValueError(f"{word!r} is not an IP address such as 192.0.2.53, with or without a port (192.0.2.53:5353).")
    return Server(str(address), int(port or 53))


def _resolve(servers: tuple[Server, ...], name: str, kind: str, seconds: float) -> "Answer | None":
    # Imported on first use: it takes 0.35 s.
    import dns.exception
    import dns.name
    import dns.resolver

    try:
        if seconds <= 0:
            raise LookUpFailed("timed out")
        question = dns.name.from_text(name)
        return _resolver(servers).resolve(question, kind, lifetime=seconds, raise_on_no_answer=False, search=False)
    except dns.resolver.NXDOMAIN:
        return None
    except (dns.name.LabelTooLong, dns.name.NameTooLong, dns.name.EmptyLabel, dns.name.BadEscape, UnicodeError):
        return None  # no such name can exist
    except (dns.exception.DNSException, OSError, ValueError) as error:
        raise LookUpFailed(f"{name} {kind}: {error}") from error


def _resolver(servers: tuple[Server, ...]) -> "Resolver":
    from dns.nameserver import Do53Nameserver
    from dns.resolver import Resolver

    resolver = Resolver(configure=not servers)
    if servers:
        resolver.nameservers = [Do53Nameserver(server.address, server.port) for server in servers]
    resolver.use_edns(0, payload=PAYLOAD)
    return resolver


def _name(name: Any) -> str:
    return str(name.to_text(omit_final_dot=True)) if len(name) > 1 else ""


def _target(data: Any) -> str:
    return _name(data.target)


def _address(data: Any) -> str:
    return str(data.address)


def _text(data: Any) -> str:
    return b"".join(data.strings).decode("utf-8", "replace")
