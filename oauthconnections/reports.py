"""Debug pages and error reports without the secrets of the request that failed."""

import re
from collections.abc import ItemsView
from typing import Any, Final
from urllib.parse import quote, quote_plus

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, QueryDict, UnreadablePostError
from django.template.defaultfilters import pprint
from django.views.debug import ExceptionReporter, SafeExceptionReporterFilter

SECRET_NAME: Final = re.compile(
    r"pass(word|wd|phrase)|secret|token|key|certificate|code|verifier|assertion|credential|sasl|^state$", re.IGNORECASE
)
SHORTEST_RECOGNIZED: Final = 4
"""A secret this short would black out every other word of the report."""


def hide_secrets(request: HttpRequest) -> None:
    """Keep secrets that came with this request out of reports about it, also while DEBUG is on. Call it first."""
    request.exception_reporter_filter = HidingFilter()
    request.exception_reporter_class = HidingReporter


class HidingFilter(SafeExceptionReporterFilter):
    """Masks what has the name of a secret, and whatever shows the value of a posted one."""

    def is_active(self, request: HttpRequest | None) -> bool:
        return True

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        return {} if request is None else self.masked_query(_posted(request))

    def get_cleansed_multivaluedict(self, request: HttpRequest, multivaluedict: Any) -> Any:
        return self.masked_query(multivaluedict)

    def get_safe_request_meta(self, request: HttpRequest) -> dict[str, Any]:
        meta = super().get_safe_request_meta(request)
        for name in ("QUERY_STRING", "REQUEST_URI", "RAW_URI"):
            if meta.get(name):
                meta[name] = self.cleansed_substitute
        return meta

    def masked_query(self, query: Any) -> Any:
        masked = query.copy()
        for name in query:
            if SECRET_NAME.search(name):
                masked[name] = self.cleansed_substitute
        return masked

    def get_traceback_frame_variables(self, request: HttpRequest, tb_frame: Any) -> ItemsView[str, Any]:
        secrets = sent_secrets(request)
        variables = super().get_traceback_frame_variables(request, tb_frame)
        return {name: self._masked(name, value, secrets) for name, value in variables}.items()

    def _masked(self, name: str, value: Any, secrets: list[str]) -> Any:
        if SECRET_NAME.search(name):
            return self.cleansed_substitute
        shown = pprint(value)
        return self.cleansed_substitute if any(secret in shown for secret in secrets) else value


class HidingReporter(ExceptionReporter):
    """Masks the parts of a debug page that Django shows without asking the filter."""

    filter: HidingFilter
    request: HttpRequest | None

    def get_traceback_data(self) -> dict[str, Any]:
        data: dict[str, Any] = super().get_traceback_data()
        if self.request is not None:
            data["request_GET_items"] = self.filter.masked_query(self.request.GET).items()
            data["request_insecure_uri"] = str(data["request_insecure_uri"]).partition("?")[0]
        secrets = sent_secrets(self.request)
        for shown, name in ((data, "exception_value"), (data, "exception_notes"), (data, "unicode_hint")):
            _black_out(shown, name, secrets)
        for frame in data["frames"]:
            _black_out(frame, "exc_cause", secrets)
        return data


def _black_out(shown: dict[str, Any], name: str, secrets: list[str]) -> None:
    if shown.get(name):
        shown[name] = blacked_out(str(shown[name]), secrets)


def blacked_out(text: str, secrets: list[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, HidingFilter.cleansed_substitute)
    return text


def sent_secrets(request: HttpRequest | None) -> list[str]:
    """The secrets that came with a request, in each spelling in which a report could show them."""
    if request is None:
        return []
    found = {
        value
        for query in (request.GET, _posted(request))
        for name, values in query.lists()
        for value in values
        if SECRET_NAME.search(name) and len(value) >= SHORTEST_RECOGNIZED
    }
    spellings = {spelled for value in found for spelled in (value, repr(value)[1:-1], quote(value), quote_plus(value))}
    return sorted(spellings, key=len, reverse=True)


def _posted(request: HttpRequest) -> QueryDict:
    try:
        return request.POST
    except (SuspiciousOperation, UnreadablePostError):
        return QueryDict()  # too large, or cut off: nobody has read the secrets either
