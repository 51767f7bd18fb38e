"""The catalogue of mistakes that are known, the most specific first: providers, then programs, then what all share."""

from typing import Final

from . import (
    amazon,
    authentication,
    exchange,
    google,
    greeting,
    limits,
    microsoft,
    network,
    postfix,
    recipient,
    sender,
    tls,
)
from .entry import Entry

CATALOGUE: Final[tuple[Entry, ...]] = (
    *microsoft.ENTRIES,
    *google.ENTRIES,
    *amazon.ENTRIES,
    *postfix.ENTRIES,
    *exchange.ENTRIES,
    *network.ENTRIES,
    *tls.ENTRIES,
    *limits.SAID,
    *greeting.ENTRIES,
    *authentication.ENTRIES,
    *limits.OTHERWISE,
    *sender.ENTRIES,
    *recipient.ENTRIES,
)
