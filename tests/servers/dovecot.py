"""A Dovecot of its own that takes mail to submit from whoever has a token that an identity provider calls good."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from .certificates import Authority
from .smtp import SMTPServer

# Of Dovecot 2.3; 2.4 has another language.
CONF: Final = """\
protocols = submission
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
instance_name = {folder}
listen = 127.0.0.1
hostname = mail.example.com

ssl = required
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem

auth_mechanisms = {mechanisms}
auth_failure_delay = 0
auth_verbose = yes
passdb {{
  driver = oauth2
  mechanisms = {mechanisms}
  args = {folder}/oauth2.conf
}}
mail_location = maildir:{folder}/home
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/home
}}

submission_relay_host = {relay.host}
submission_relay_port = {relay.port}

service submission-login {{
  inet_listener submission {{
    port = {port}
  }}
  inet_listener submissions {{
    port = {tls_port}
    ssl = yes
  }}
}}
"""

OAUTH2_CONF: Final = """\
introspection_mode = post
introspection_url = {url}
active_attribute = active
active_value = true
username_attribute = {username}
tls_ca_cert_file = {folder}/authority.pem
"""


class Introspects(Protocol):
    """An identity provider that tells a client about a token (RFC 7662)."""

    @property
    def introspection_url(self) -> str:
        """With the credentials of a client in it."""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@dataclass
class Dovecot:
    """A running server; `port` speaks STARTTLS, `tls_port` TLS at once; what it took is in `relay.messages`.

    Somebody's name is what introspection tells as `username`.
    """

    folder: Path
    provider: Introspects
    relay: SMTPServer
    mechanisms: tuple[str, ...] = ("xoauth2", "oauthbearer")
    username: str = "username"
    host: str = "localhost"
    port: int = field(default_factory=_free_port)
    tls_port: int = field(default_factory=_free_port)

    def write(self, authority: Authority) -> None:
        """Put all its files into its folder."""
        for name in ("run", "state", "home"):
            (self.folder / name).mkdir()
        (self.folder / "home").chmod(0o777)
        values = {**vars(self), "mechanisms": " ".join(self.mechanisms), "url": self.provider.introspection_url}
        (self.folder / "dovecot.conf").write_text(CONF.format(**values))
        (self.folder / "oauth2.conf").write_text(OAUTH2_CONF.format(**values))
        (self.folder / "authority.pem").write_text(authority.pem)
        certificate = authority.issue()
        certificate.cert_chain_pems[0].write_to_path(self.folder / "certificate.pem")
        certificate.private_key_pem.write_to_path(self.folder / "key.pem")

    @property
    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    def wait(self, process: subprocess.Popen[bytes], seconds: float = 10) -> None:
        """Until it greets."""
        until = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < until:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as client:
                    if client.recv(3) == b"220":
                        return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError(f"Dovecot does not start: {self.log}")


@contextmanager
def dovecot(authority: Authority, provider: Introspects, relay: SMTPServer, **options: object) -> Iterator[Dovecot]:
    """A Dovecot that runs, apart from the one that the system may have; prints its log in the end."""
    # pytest's folders are closed to the users that Dovecot runs as.
    with tempfile.TemporaryDirectory(prefix="dovecot-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Dovecot(folder, provider, relay, **options)  # type: ignore[arg-type]
        server.write(authority)
        process = subprocess.Popen(["dovecot", "-F", "-c", str(folder / "dovecot.conf")], start_new_session=True)
        try:
            server.wait(process)
            yield server
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # asked to end, it waits for a second
            process.wait(10)
            print(server.log)  # noqa: T201 - pytest shows it when a test fails
