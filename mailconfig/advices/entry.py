"""One mistake that is known: how it is recognized, what it means, what to do."""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from mailconfig.situation import Situation

Login = Literal["oauth", "password", "none"]
Remedy = Literal[
    "other_way",
    "login_as_sender",
    "ehlo_name",
    "full_address",
    "authenticate_again",
    "trust_certificate",
    "automatic_method",
    "no_login",
]
When = Literal[
    "", "offers_login", "only_windows_login", "short_user_name", "wrong_audience", "lacks_scope", "token_ended"
]


@dataclass(frozen=True)
class Entry:
    """Fits a situation in which all holds that is said here; what is left empty holds always.

    `errors` are names of exception classes, `enhanced` and `hosts` patterns with "*", `text` a regular expression that
    is searched for in what the server or the system said. `meaning` and `action` are completed with the values of the
    situation.
    """

    id: str
    meaning: "_StrPromise"
    action: "_StrPromise"
    steps: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    codes: tuple[int, ...] = ()
    enhanced: tuple[str, ...] = ()
    text: str = ""
    hosts: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    security: tuple[str, ...] = ()
    login: Login | None = None
    when: When = ""
    remedy: Remedy | None = None

    def fits(self, situation: "Situation") -> bool:
        server = situation.server
        return (
            _is_one_of(situation.step.name, self.steps)
            and _is_one_of(situation.code, self.codes)
            and _is_one_of(server.port, self.ports)
            and _is_one_of(server.security, self.security)
            and self.login in (None, situation.login)
            and (not self.errors or not situation.error_names.isdisjoint(self.errors))
            and _is_like(situation.enhanced, self.enhanced)
            and _is_like(server.host.lower(), self.hosts)
            and (not self.text or bool(re.search(self.text, situation.text, re.IGNORECASE | re.DOTALL)))
            and situation.holds(self.when)
        )


def _is_one_of(value: object, wanted: tuple[object, ...]) -> bool:
    return not wanted or value in wanted


def _is_like(value: str, patterns: tuple[str, ...]) -> bool:
    return not patterns or any(fnmatchcase(value, pattern) for pattern in patterns)
