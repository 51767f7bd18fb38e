"""The button that applies a remedy: offered only where it can be applied."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from .diagnosis import Outcome
from .oauth_form import AUTHENTICATE


@dataclass(frozen=True)
class Offer:
    """A button. `authenticates` is one that leads to the provider, by the way of the page's own."""

    label: str
    values: dict[str, Any]

    @property
    def authenticates(self) -> str:
        return str(self.values.get(AUTHENTICATE, ""))

    @property
    def as_json(self) -> str:
        return json.dumps(self.values)


def offer(outcome: Outcome, fields: Iterable[str], *, may_authenticate: bool) -> Offer | None:
    """The remedy of an outcome, for somebody who may change these fields."""
    advice = outcome.advice
    if outcome.ok or advice is None or not advice.remedy:
        return None
    allowed = {*fields, AUTHENTICATE} if may_authenticate else {*fields}
    if not advice.remedy.keys() <= allowed:
        return None
    return Offer(advice.remedy_label or _("Apply and test again"), advice.remedy)


def apply(data: QueryDict, remedy: str, fields: Collection[str]) -> None:
    """Change what was entered as the pressed button says; of no other fields than these."""
    try:
        values = json.loads(remedy) if remedy else {}
    except ValueError:
        return
    for name in values.keys() & fields if isinstance(values, dict) else ():
        data.pop(name, None)
        if values[name] is not False:
            data[name] = "on" if values[name] is True else str(values[name])
