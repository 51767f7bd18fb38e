"""A web server that plays the service which tells others their public address, or one that is told something."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Answer = Callable[["HostnameService", BaseHTTPRequestHandler], None]


def text(body: str | bytes, status: int = 200, **headers: str) -> Answer:
    """Answer at once."""
    content = body.encode() if isinstance(body, str) else body

    def answer(service: "HostnameService", handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def redirect(url: str) -> Answer:
    return text("", 302, Location=url)


def black_hole(service: "HostnameService", handler: BaseHTTPRequestHandler) -> None:
    """Say nothing until the service ends."""
    service.ended.wait(30)


def drip(service: "HostnameService", handler: BaseHTTPRequestHandler) -> None:
    """Begin well, then one byte after the other: no single wait ever takes too long."""
    handler.send_response(200)
    handler.end_headers()
    while not service.ended.wait(0.05):
        handler.wfile.write(b"1")


def drip_headers(service: "HostnameService", handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not service.ended.wait(0.05):
        handler.wfile.write(b"1")


def hang_up(service: "HostnameService", handler: BaseHTTPRequestHandler) -> None:
    """Close without a word."""


def hang_up_halfway(service: "HostnameService", handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "12")
    handler.end_headers()
    handler.wfile.write(b"192.")


def after(seconds: float, answer: Answer) -> Answer:
    def late(service: "HostnameService", handler: BaseHTTPRequestHandler) -> None:
        time.sleep(seconds)
        answer(service, handler)

    return late


@dataclass(frozen=True)
class Posted:
    """A request with something in it."""

    headers: Mapping[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


class HostnameService:
    """Running inside `with`; `answer` may be exchanged meanwhile; `asked` counts the requests."""

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self.asked = 0
        self.posted: list[Posted] = []
        self.ended = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # server_close() waits for those that still answer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gives up in the middle is what many tests want."""


def _handler(service: HostnameService) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            service.asked += 1
            service.answer(service, self)

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            service.posted.append(Posted(dict(self.headers), content))
            self.do_GET()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
            """Keep the output of the tests free of access logs."""

    return Handler
