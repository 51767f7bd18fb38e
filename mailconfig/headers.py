"""The policy by which messages are built: Python's for SMTP, without doing over what is alike in every mail."""

from email import policy
from email.headerregistry import BaseHeader, HeaderRegistry
from email.policy import Policy
from functools import lru_cache
from typing import Any, Final

ALIKE: Final = ("content-transfer-encoding", "content-type", "from", "mime-version")
"""Headers of few different values, none of them about the recipient."""


class Header(BaseHeader):
    """Broken into lines once."""

    _folded = ""

    def fold(self, *, policy: "Policy[Any]") -> str:
        if policy is not POLICY:
            return super().fold(policy=policy)
        self._folded = self._folded or super().fold(policy=policy)
        return self._folded


class Headers(HeaderRegistry):
    """Python makes a class for each header of each message, which takes longer than to fill them in."""

    def __init__(self) -> None:
        super().__init__(base_class=Header)
        self._classes: dict[type, type[BaseHeader]] = {}
        self._made_once = lru_cache(maxsize=64)(super().__call__)

    def __getitem__(self, name: str) -> type[BaseHeader]:
        kind = self.registry.get(name.lower(), self.default_class)
        if kind not in self._classes:
            self._classes[kind] = super().__getitem__(name)
        return self._classes[kind]

    def __call__(self, name: str, value: Any) -> BaseHeader:
        if name.lower() in ALIKE and isinstance(value, str):
            return self._made_once(name, value)
        return super().__call__(name, value)


POLICY: Final = policy.SMTP.clone(header_factory=Headers())
