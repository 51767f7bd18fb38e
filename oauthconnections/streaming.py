"""Answers that are sent on as they come, by WSGI and ASGI servers alike."""

from collections.abc import AsyncIterator, Iterator
from typing import Protocol

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse


class Lines(Protocol):
    """What can be gone through once, and closed before its end; a generator is one."""

    def __iter__(self) -> Iterator[str]: ...

    def close(self) -> None: ...


class AsyncLines:
    """The same for ASGI; only the waiting is left to threads."""

    def __init__(self, lines: Lines) -> None:
        self._lines = iter(lines)
        self.close = lines.close

    async def __aiter__(self) -> AsyncIterator[str]:
        while line := await sync_to_async(self._next)():
            yield line

    def _next(self) -> str:
        return next(self._lines, "")


def streamed(request: HttpRequest, lines: Lines, content_type: str) -> StreamingHttpResponse:
    """Sent on as it comes, also through nginx, which would collect it otherwise."""
    content = AsyncLines(lines) if isinstance(request, ASGIRequest) else lines
    return StreamingHttpResponse(content, content_type=content_type, headers={"X-Accel-Buffering": "no"})
