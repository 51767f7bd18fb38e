"""The only way to providers: sessions of `requests` that keep S-13, whichever library uses them.

Loading it loads `requests`, so name it in `import_string()` or in modules that are loaded so.
"""

import io
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
from django.utils.translation import gettext as _
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from .bounded import run_bounded
from .endpoints import host_of, is_loopback, refuse_dialled, refuse_unsafe, shown
from .exceptions import ProviderUnavailable, UnsafeAddress

SECONDS: Final = 10.0
"""For a whole answer, the redirects before it and the look-up of names included."""
MOST_BYTES: Final = 1024 * 1024
MOST_REDIRECTS: Final = 3
TOO_MANY_REQUESTS: Final = 429

S = TypeVar("S", bound=requests.Session)


def session() -> requests.Session:
    return guarded(requests.Session())


def guarded(session: S) -> S:
    """Make a library's own session keep S-13. It then raises ProviderUnavailable or UnsafeAddress."""
    guard = _Guard()
    session.mount("https://", guard)
    session.mount("http://", guard)
    session.headers.update({"User-Agent": "oauthconnections", "Accept-Encoding": "identity", "Connection": "close"})
    session.auth = session.auth or _no_authorization
    return session


def get_json(url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The JSON object that an address answers with."""
    refuse_unsafe(url)
    with session() as asking:
        response = asking.get(url, headers={"Accept": "application/json", **(headers or {})})
    if response.status_code != requests.codes.ok:
        raise unavailable(url, _("It answered with status %(status)d.") % {"status": response.status_code})
    return json_of(response)


def post(url: str, content: bytes, headers: Mapping[str, str]) -> None:
    """Hand something over to an address. Raises UnsafeAddress, or ProviderUnavailable unless it says that it has it."""
    refuse_unsafe(url)
    with session() as telling:
        response = telling.post(url, data=content, headers=headers)
    if not response.ok:
        raise unavailable(url, _("It answered with status %(status)d.") % {"status": response.status_code})


def json_of(response: requests.Response) -> dict[str, Any]:
    with suppress(ValueError):
        content = response.json()
        if isinstance(content, dict):
            return content
    text = _("It answered with status %(status)d and something that is no JSON object.")
    raise unavailable(response.url, text % {"status": response.status_code})


def unavailable(url: str, reason: str, *, code: str = "", details: str = "") -> ProviderUnavailable:
    return ProviderUnavailable(code=code, details=details, host=host_of(url), reason=reason)


def _no_authorization(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """In its absence `requests` sends what ~/.netrc has for the host."""
    return request


class _TooLong(Exception):
    pass


class _Attempt:
    """One request, in the thread that waits for its answer."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.is_over = False
        self.socket: socket.socket | None = None

    def end(self) -> None:
        """Wake the thread, so that it ends too."""
        self.is_over = True
        if self.socket:
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)


_attempt: ContextVar[_Attempt] = ContextVar("oauthconnections_attempt")


class _CheckedHTTP(HTTPConnection):
    """Looks at where a name leads before it is dialled, and at what was dialled before anything is said.

    A name may lead elsewhere at the second look-up.
    """

    encrypted = False

    def connect(self) -> None:
        attempt = _attempt.get()
        for *_how, address in socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM):
            refuse_dialled(attempt.url, str(address[0]), encrypted=self.encrypted)
        super().connect()
        attempt.socket = self.sock
        if attempt.is_over:
            raise TimeoutError
        refuse_dialled(attempt.url, self.sock.getpeername()[0], encrypted=self.encrypted)


class _CheckedHTTPS(_CheckedHTTP, HTTPSConnection):
    encrypted = True


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _CheckedHTTP


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _CheckedHTTPS


class _Guard(HTTPAdapter):
    def __init__(self) -> None:
        super().__init__()
        self._left = SECONDS
        self._redirects = 0

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
        return manager

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        url, began = request.url or "", time.monotonic()
        refuse_unsafe(url)
        if is_loopback(urlsplit(url).hostname or ""):
            proxies = {}  # nothing stands between this machine and itself
        response = self._bounded(url, partial(self._exchange, request, verify=verify, cert=cert, proxies=proxies))
        self._count(response, time.monotonic() - began)
        _refuse_redirect(response)
        _refuse_failure(response)
        return response

    def _count(self, response: requests.Response, seconds: float) -> None:
        """A redirected request goes on where this one was; any other begins anew."""
        self._left, self._redirects = (
            (self._left - seconds, self._redirects + 1) if response.is_redirect else (SECONDS, 0)
        )
        if self._redirects > MOST_REDIRECTS:
            raise unavailable(response.url, _("It points from one address to the next."))

    def _bounded(self, url: str, exchange: "partial[requests.Response]") -> requests.Response:
        attempt = _Attempt(url)
        try:
            return run_bounded(partial(exchange, attempt), self._left)
        except _TooLong:
            raise unavailable(url, _("Its answer is too long.")) from None
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise _explained(url, error) from None  # what they hold of the request may be secret
        finally:
            attempt.end()

    def _exchange(self, request: requests.PreparedRequest, attempt: _Attempt, **options: Any) -> requests.Response:
        _attempt.set(attempt)
        response = super().send(request, stream=True, timeout=SECONDS, **options)
        try:
            content = _content(response.raw)
        finally:
            response.close()
        response.raw = io.BytesIO(content)
        response.encoding = "utf-8"  # JSON is (RFC 8259 section 8.1); else a guess is made, at length
        return response


def _content(raw: Any) -> bytes:
    content = b""
    for piece in raw.stream(64 * 1024, decode_content=True):
        content += piece
        if len(content) > MOST_BYTES:
            raise _TooLong
    return content


def _refuse_redirect(response: requests.Response) -> None:
    if not response.is_redirect:
        return
    target = urljoin(response.url, response.headers["Location"])
    if response.request.method != "GET":
        raise unavailable(response.url, _("It points to %(url)s.") % {"url": shown(target)})
    if urlsplit(target).scheme != urlsplit(response.url).scheme:
        raise UnsafeAddress(url=shown(target), reason=_("Another address pointed to it."))


def _refuse_failure(response: requests.Response) -> None:
    status = response.status_code
    if status >= requests.codes.server_error or status == TOO_MANY_REQUESTS:
        raise unavailable(response.url, _("It answered with status %(status)d.") % {"status": status})


def _explained(url: str, error: Exception) -> ProviderUnavailable:
    root: BaseException = error
    while root.__context__:
        root = root.__context__
    # Only what the system and OpenSSL say: libraries put whole addresses into their texts.
    details = str(root) if isinstance(root, OSError) and not isinstance(root, requests.RequestException) else ""
    return unavailable(url, _reason(error, root), details=details or type(root).__name__)


def _reason(error: Exception, root: BaseException) -> str:
    if isinstance(error, (TimeoutError, requests.Timeout)) or isinstance(root, TimeoutError):
        return _("It did not answer within %(seconds)d seconds.") % {"seconds": SECONDS}
    if isinstance(error, requests.exceptions.SSLError):
        return _("Its certificate is not trusted.")
    if isinstance(root, socket.gaierror):
        return _("Its name is not known.")
    return _("The connection failed.")
