"""The name or address under which this site is seen from outside, asked for once per start of the server."""

import json
import logging
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.files import locks
from django.utils.translation import gettext_lazy as _

from oauthconnections.bounded import run_bounded

from . import server_start
from .host_names import IPAddress, address_literal, ip_address, qualified_host_name
from .hostname_service import ServiceError, ask
from .resolver import LookUpFailed
from .reverse_dns import SYSTEM, Resolver, confirmed_names

DEFAULT_SERVICE: Final = "https://api64.ipify.org"
LIMIT: Final = 5.0
"""Seconds that asking the service and looking up its answer may take together."""

REASONS: Final = {
    "off": _("The public address can't be determined: HOSTNAME_SERVICE_URL is empty. Set it, or choose another name."),
    "insecure": _(
        "%(service)s was not asked, as anybody could answer in its stead. "
        "HOSTNAME_SERVICE_URL must begin with https:// (http:// only for this machine itself)."
    ),
    "redirect": _("%(service)s only pointed to another address. Correct HOSTNAME_SERVICE_URL, or choose another name."),
    "slow": _(
        "%(service)s did not answer in time. Check that this machine may reach it, then press Determine again, "
        "or choose another name."
    ),
    "unreachable": _(
        "%(service)s could not be reached. Check HOSTNAME_SERVICE_URL and the firewall, then press Determine again, "
        "or choose another name."
    ),
    "certificate": _(
        "%(service)s was not trusted, as its certificate is not valid. "
        "If it is a service of your own, set REQUESTS_CA_BUNDLE to its certificate authority."
    ),
    "status": _("%(service)s answered with an error. Press Determine again later, or choose another name."),
    "garbage": _(
        "%(service)s did not answer with a full host name or an IP address. "
        "Correct HOSTNAME_SERVICE_URL, or choose another name."
    ),
    "busy": _("The public address is being determined at this moment. Look again in a few seconds."),
    "folder": _(
        "The public address was not asked for, as it can't be kept: the folder %(folder)s can't be written, "
        "or others may write there. Remove it, or set TMPDIR to a folder of this site."
    ),
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PublicAddress:
    """What was found, or why nothing was. `name` is ready for EHLO."""

    name: str = ""
    address: str = ""
    reason: str = ""
    timestamp: float = 0.0

    @property
    def error(self) -> str:
        """The sentence for the page, in the language of whoever looks at it; empty if all is well."""
        values = {"service": _service_name(), "folder": _folder_path()} if self.reason else {}
        return str(REASONS[self.reason]) % values if self.reason else ""

    @property
    def asked_at(self) -> datetime:
        return datetime.fromtimestamp(self.timestamp, UTC)


def determine(again: bool = False, *, seconds: float = LIMIT, resolver: Resolver = SYSTEM) -> PublicAddress:
    """What any worker of this server found; the service is asked if none has, or if told to ask again.

    A failure counts as found, so that an unreachable service costs its time-out once. Never raises.
    """
    if not service_url():
        return PublicAddress(reason="off")
    since = time.time() if again else 0.0
    try:
        return _known(since) or _determine_alone(since, seconds, resolver)
    except TimeoutError:
        return PublicAddress(reason="busy")
    except OSError:
        logger.warning("The public address can't be kept", exc_info=True)
        return PublicAddress(reason="folder")


def state() -> PublicAddress | None:
    """What was found since the server's start; None if nobody has asked yet. Asks nobody."""
    try:
        return _known(since=0.0)
    except OSError:
        return PublicAddress(reason="folder")


def service_url() -> str:
    return str(getattr(settings, "HOSTNAME_SERVICE_URL", DEFAULT_SERVICE) or "")


def _service_name() -> str:
    """Not the whole URL, which may carry a key."""
    try:
        return urlsplit(service_url()).netloc.rpartition("@")[2] or "HOSTNAME_SERVICE_URL"
    except ValueError:
        return "HOSTNAME_SERVICE_URL"


# --- what the workers share ---


def _determine_alone(since: float, seconds: float, resolver: Resolver) -> PublicAddress:
    """While one worker asks, the others wait for its answer, a little longer than it may ask."""
    _folder_path().mkdir(mode=0o700, exist_ok=True)
    with _locked(seconds + 1):
        found = _known(since)
        if found is None:
            _forget_servers_that_are_gone()
            found = _ask(time.time(), seconds, resolver)
            _keep(found)
    return found


def _known(since: float) -> PublicAddress | None:
    try:
        kept = PublicAddress(**json.loads(_file(".json").read_bytes()))
        return kept if kept.timestamp >= since else None
    except (FileNotFoundError, ValueError, TypeError):  # the latter two: not written by this version
        return None


def _keep(found: PublicAddress) -> None:
    """In one step, as others read without a lock."""
    draft = _file(".new")
    draft.write_text(json.dumps(asdict(found)))
    draft.replace(_file(".json"))


@contextmanager
def _locked(seconds: float) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    with _file(".lock").open("a") as file:
        while not locks.lock(file, locks.LOCK_EX | locks.LOCK_NB):
            if time.monotonic() > deadline:
                raise TimeoutError
            time.sleep(0.02)
        try:
            yield
        finally:
            locks.unlock(file)  # closing alone would leave it to a process that was forked meanwhile


def _forget_servers_that_are_gone() -> None:
    for path in _folder().iterdir():
        if server_start.is_gone(path.stem):
            path.unlink(missing_ok=True)


def _file(suffix: str) -> Path:
    return _folder() / f"{server_start.name()}{suffix}"


def _folder() -> Path:
    """A folder of this user alone: in a public one somebody else could put the answer there first."""
    folder = _folder_path()
    found = folder.lstat()
    if os.name != "nt" and (not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077):
        raise PermissionError(f"{folder} is not a folder of this user alone")
    return folder


def _folder_path() -> Path:
    user = "" if os.name == "nt" else f"-{os.getuid()}"  # Windows has a temporary folder per user
    return Path(tempfile.gettempdir()) / f"mailconfig{user}"


# --- asking ---


def _ask(now: float, seconds: float, resolver: Resolver) -> PublicAddress:
    deadline = time.monotonic() + seconds
    try:
        answer = run_bounded(lambda: ask(service_url(), seconds), seconds)
        return _understand(answer, now, deadline, resolver)
    except (ServiceError, TimeoutError) as error:
        reason = error.reason if isinstance(error, ServiceError) else "slow"
        logger.warning("%s (%s)", REASONS[reason] % {"service": _service_name()}, _kind(error))
        return PublicAddress(reason=reason, timestamp=now)


def _kind(error: BaseException) -> str:
    """Of what began it, such as ConnectionRefusedError. Not its text: that may hold the URL with its key."""
    while cause := error.__cause__ or error.__context__:
        error = cause
    return type(error).__name__


def _understand(answer: str, now: float, deadline: float, resolver: Resolver) -> PublicAddress:
    address = ip_address(answer)
    if address is None:
        name = qualified_host_name(answer)
        if not name:
            raise ServiceError("garbage")
        return PublicAddress(name=name, timestamp=now)
    name = _confirmed_name(address, deadline, resolver) or address_literal(address)
    return PublicAddress(name=name, address=str(address), timestamp=now)


def _confirmed_name(address: IPAddress, deadline: float, resolver: Resolver) -> str:
    try:
        names = run_bounded(lambda: confirmed_names(address, resolver), deadline - time.monotonic())
    except (TimeoutError, LookUpFailed):
        return ""
    return names[0] if names else ""
