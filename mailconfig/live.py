"""A test email that is told while it runs, each step as it ends."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from threading import Thread
from typing import Final

from django.http import HttpRequest, StreamingHttpResponse
from django.utils.translation import get_language, override

from oauthconnections.fields import Secret
from oauthconnections.streaming import streamed

from . import diagnosis
from .diagnosis import Outcome
from .smtp import ServerSettings
from .steps import Step

MEDIA_TYPE: Final = "application/x-ndjson"


@dataclass
class _Question:
    """Asked by the session, answered by the thread that listens: the database is there."""

    rejected: str = field(repr=False)
    answer: "Future[str]" = field(default_factory=Future, repr=False)


def tell(settings: ServerSettings, recipient: str) -> Iterator[Step | Outcome]:
    """Each step when it has ended, then the outcome. The session has a thread of its own."""
    told: SimpleQueue[Step | Outcome | _Question | BaseException] = SimpleQueue()
    token = settings.token

    def ask(rejected: str = "") -> str:
        question = _Question(rejected)
        told.put(question)
        return Secret(question.answer.result())

    asking = replace(settings, token=ask) if token else settings
    Thread(target=_run, args=(asking, recipient, get_language(), told.put), name="test email", daemon=True).start()
    while not isinstance(item := told.get(), Outcome):
        if isinstance(item, _Question):
            assert token
            _answer(item, token)
        elif isinstance(item, BaseException):
            raise item
        else:
            yield item
    yield item


def _run(
    settings: ServerSettings,
    recipient: str,
    language: str,
    put: Callable[[Step | Outcome | BaseException], None],
) -> None:
    try:
        with override(language):
            put(diagnosis.run(settings, recipient, put))
    except BaseException as error:  # whatever it is, it belongs to who listens
        put(error)


def _answer(question: _Question, token: Callable[[str], str]) -> None:
    try:
        question.answer.set_result(token(question.rejected))
    except BaseException as error:
        question.answer.set_exception(error)


class Lines:
    """The answer to the dialog's script: lines of JSON with HTML in them.

    Goes on to its end when the browser has gone away, so that the outcome is noted whoever listens.
    """

    def __init__(self, told: Iterator[Step | Outcome], render: Callable[[Step | Outcome], str]) -> None:
        self._lines = self._as_lines(told, render, get_language())

    @staticmethod
    def _as_lines(
        told: Iterator[Step | Outcome], render: Callable[[Step | Outcome], str], language: str
    ) -> Iterator[str]:
        for item in told:
            with override(language):
                line = {"step" if isinstance(item, Step) else "outcome": render(item)}
            yield json.dumps(line) + "\n"

    def __iter__(self) -> Iterator[str]:
        return self._lines

    def close(self) -> None:
        for _line in self._lines:
            pass


def respond(request: HttpRequest, lines: Lines) -> StreamingHttpResponse:
    return streamed(request, lines, MEDIA_TYPE)
