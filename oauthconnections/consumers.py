"""What other apps want of the accounts: this app itself asks for nothing but who somebody is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from django.utils.functional import Promise

if TYPE_CHECKING:
    from .models import OAuthAccount


@dataclass(frozen=True)
class Consumer:
    """An app that uses accounts. All mappings are by provider ("microsoft", "google", "openid").

    `scopes` are asked for when somebody signs in, `application_scopes` when the application itself gets a token; a
    provider without an entry is not used that way. `steps` are what to do for it in the provider's console.
    `instructions` gives what is left to do elsewhere for an account, such as commands to run, or nothing.
    """

    key: str
    label: str | Promise
    scopes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    application_scopes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    steps: Mapping[str, tuple[str | Promise, ...]] = field(default_factory=dict)
    instructions: "Callable[[OAuthAccount], str]" = lambda account: ""


_registered: Final[dict[str, Consumer]] = {}


def register(consumer: Consumer) -> None:
    """To be called in an app's `ready()`."""
    _registered[consumer.key] = consumer


def consumers() -> list[Consumer]:
    return list(_registered.values())


def consumer(key: str) -> Consumer | None:
    return _registered.get(key)
