"""Asks a service in the network by which name or address it sees this site."""

from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from oauthconnections.endpoints import is_loopback

if TYPE_CHECKING:
    from requests import Response, Session

MOST_BYTES: Final = 1024
MOST_REDIRECTS: Final = 3


class ServiceError(Exception):
    """The service gave no answer; `reason` is one of those that `public_address.REASONS` has a sentence for."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def ask(url: str, seconds: float) -> str:
    """The service's answer, without the white space around it.

    The time is kept for each wait only, so bound the whole as well.
    """
    # Imported here as it takes 0.1 s, and only who chose the public address needs it.
    from requests import Session, exceptions
    from urllib3.exceptions import HTTPError, ReadTimeoutError

    try:
        with Session() as session, _get(session, url, seconds) as response:
            return _read(response)
    except (exceptions.Timeout, ReadTimeoutError):
        raise ServiceError("slow") from None
    except exceptions.SSLError as error:
        raise ServiceError("certificate") from error
    except (exceptions.RequestException, HTTPError, OSError, ValueError) as error:  # ValueError: a broken address
        raise ServiceError("unreachable") from error


def _get(session: "Session", url: str, seconds: float) -> "Response":
    headers = {"Accept": "text/plain", "Accept-Encoding": "identity", "User-Agent": "django-mailconfig"}
    scheme = urlsplit(url).scheme
    for _redirect in range(MOST_REDIRECTS + 1):
        _require_safe(url, scheme)
        session.trust_env = scheme == "https"  # no proxy stands between this machine and itself
        response = session.get(url, headers=headers, timeout=seconds, stream=True, allow_redirects=False)
        if not response.is_redirect:
            return response
        response.close()
        url = urljoin(url, response.headers["Location"])
    raise ServiceError("redirect")


def _require_safe(url: str, scheme: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != scheme:
        raise ServiceError("redirect")
    private = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    if not (private and parts.hostname):
        raise ServiceError("insecure")


def _read(response: "Response") -> str:
    if response.status_code != 200:
        raise ServiceError("status")
    content = b""
    for piece in response.raw.stream(MOST_BYTES + 1, decode_content=False):  # unlike read(), notices a cut answer
        content += piece
        if len(content) > MOST_BYTES:
            raise ServiceError("garbage")
    return content.decode("utf-8", "replace").strip()
