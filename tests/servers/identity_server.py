"""The web server of an identity provider: brings requests to its endpoints, and plays its faults."""

import json
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from .identity_kinds import Answer, Refusal

if TYPE_CHECKING:
    from .identity_provider import IdentityProvider


@dataclass(frozen=True)
class Request:
    """What came to an endpoint; `params` are those of query and form, names of headers are in lower case."""

    method: str
    path: str
    params: dict[str, str] = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    endpoint: str
    query: str = field(default="", repr=False)


Canned = str | tuple[int, Any] | Answer | None
Fault = Canned | Callable[[Request], Canned]

HUGE: Final = 64
"""Megabytes."""


class WebServer(ThreadingHTTPServer):
    """Listens on a free port of 127.0.0.1."""

    daemon_threads = False  # server_close() waits for those that still answer
    request_queue_size = 128

    def __init__(self, provider: "IdentityProvider", tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _handler(provider))
        if tls:
            # The handshake is left to the thread of each connection: one that is silent must not stop the others.
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        if self._thread.is_alive():
            self.shutdown()
            self._thread.join()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gives up in the middle is what many tests want."""


def _handler(provider: "IdentityProvider") -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._handle()

        def do_POST(self) -> None:
            self._handle()

        def _handle(self) -> None:
            request = self._request()
            if not isinstance(request, Request):
                self._say(request)
                return
            provider.requests.append(request)
            fault = provider.faults.get(request.endpoint)
            self._act(request, fault(request) if callable(fault) else fault)

        def _request(self) -> Request | Answer:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            params = dict(parse_qsl(url.query, keep_blank_values=True)) | dict(parse_qsl(body, keep_blank_values=True))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                path = provider.kind.path_of(url.path)
            except Refusal as refusal:
                return provider.kind.refusal(refusal)
            for endpoint, known in provider.kind.paths.items():
                if path == known:
                    return Request(self.command, url.path, params, headers, endpoint, url.query)
            return 404, {"error": "not_found"}, {}

        def _act(self, request: Request, fault: Canned) -> None:
            match fault:
                case None:
                    self._say(provider.answer(request))
                case str():
                    getattr(self, f"_{fault}")(request)
                case (status, body):
                    self._say((status, body, {}))
                case _:
                    self._say(fault)

        def _say(self, answer: Answer) -> None:
            status, body, headers = answer
            content = (
                body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
            )
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(content)),
                **headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def _close(self, request: Request) -> None:
            """Hang up without a word."""

        def _lost(self, request: Request) -> None:
            provider.answer(request)

        def _stall(self, request: Request) -> None:
            provider.ended.wait(60)

        def _drip(self, request: Request) -> None:
            """Begin well, then one byte after the other: no single wait ever takes too long."""
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            while not provider.ended.wait(0.05):
                self.wfile.write(b" ")

        def _huge(self, request: Request) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            for _ in range(HUGE):
                self.wfile.write(b" " * 1024 * 1024)
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in the base class
            """Keep the output of the tests free of access logs."""

    return Handler
