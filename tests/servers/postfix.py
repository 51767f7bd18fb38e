"""A Postfix of its own: STARTTLS, a user who logs in, and a mailbox for whatever arrives."""

import mailbox
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Final

from .certificates import Authority

MAIN_CF: Final = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
mail_owner = postfix
setgid_group = postdrop

myhostname = mail.example.com
mydestination =
mynetworks =
alias_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no

virtual_mailbox_domains = example.com
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = static:inbox/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{uid}
virtual_minimum_uid = 1

smtpd_tls_cert_file = {folder}/certificate.pem
smtpd_tls_key_file = {folder}/key.pem
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_received_header = yes

smtpd_sasl_auth_enable = yes
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = {folder}/etc/sasl
smtpd_sasl_local_domain = example.com
smtpd_sasl_authenticated_header = yes

smtpd_helo_required = yes
smtpd_helo_restrictions = reject_invalid_helo_hostname, reject_non_fqdn_helo_hostname
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = check_recipient_access inline:{{refused@example.com=REJECT}}
"""

LISTENERS: Final[dict[str, list[str]]] = {
    "plain": [],
    "tls": ["smtpd_tls_wrappermode=yes"],
    "relay": ["smtpd_relay_restrictions=reject_unauth_destination"],
    "known": [
        "smtpd_relay_restrictions=reject_unauth_destination",
        "virtual_mailbox_maps=inline:{known@example.com=inbox/}",
    ],
    "owned": [
        "smtpd_sender_login_maps=inline:{owned@example.com=somebody@example.com}",
        "smtpd_sender_restrictions=reject_sender_login_mismatch",
        "smtpd_relay_restrictions=reject_unauth_destination",
    ],
    "encrypted": ["smtpd_tls_security_level=encrypt"],
    "anonymous": ["smtpd_sasl_auth_enable=no"],
    "small": ["message_size_limit=100"],
    "closed": ["smtpd_client_restrictions=reject"],
    "before the text": ["smtpd_data_restrictions=reject"],
    "after the text": ["smtpd_end_of_data_restrictions=reject"],
    "broken": ["smtpd_sasl_path=nothing_here"],
}
"""What listens, each on a port of its own, and how it differs from the settings above."""

# service, type, privileged ("n" for yes), process limit, command
MASTER_CF: Final = """\
{listeners}
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""

SASL_CONF: Final = """\
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {folder}/sasldb2
mech_list: PLAIN LOGIN CRAM-MD5
"""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@dataclass
class Postfix:
    """A running server; `port` speaks STARTTLS, `tls_port` TLS at once. Takes mail for example.com, but refused@.

    `ports` are those of all LISTENERS.
    """

    folder: Path
    host: str = "127.0.0.1"
    security: str = "starttls"
    username: str = "sender"
    password: str = "a pass word"
    ports: dict[str, int] = field(default_factory=lambda: {name: _free_port() for name in LISTENERS})

    @property
    def port(self) -> int:
        return self.ports["plain"]

    @property
    def tls_port(self) -> int:
        return self.ports["tls"]

    def _listeners(self) -> str:
        """The lines of master.cf: service, type, privileged, process limit, command."""
        changed = {name: " ".join(f"-o {{{setting}}}" for setting in LISTENERS[name]) for name in LISTENERS}
        return "\n".join(f"127.0.0.1:{self.ports[name]} inet n - n - - smtpd {changed[name]}" for name in LISTENERS)

    def write(self, authority: Authority) -> None:
        """Put all its files into its folder."""
        uid = pwd.getpwnam("nobody").pw_uid
        for name in ("queue", "data", "mail", "etc", "etc/sasl"):
            (self.folder / name).mkdir()
        shutil.chown(self.folder / "data", "postfix")
        self._inbox()
        for path in [self.folder / "mail", *(self.folder / "mail").rglob("*")]:
            shutil.chown(path, uid)
        for file, text in {
            "etc/main.cf": MAIN_CF,
            "etc/master.cf": MASTER_CF,
            "etc/sasl/smtpd.conf": SASL_CONF,
        }.items():
            values = {"folder": self.folder, "uid": uid, "listeners": self._listeners()}
            (self.folder / file).write_text(text.format(**values))
        certificate = authority.issue()
        certificate.cert_chain_pems[0].write_to_path(self.folder / "certificate.pem")
        certificate.private_key_pem.write_to_path(self.folder / "key.pem")
        self._add_user()

    def _add_user(self) -> None:
        database = self.folder / "sasldb2"
        command = ["saslpasswd2", "-f", str(database), "-c", "-p", "-u", "example.com", self.username]
        subprocess.run(command, input=self.password, text=True, check=True)
        shutil.chown(database, "postfix")

    def control(self, command: str) -> None:
        subprocess.run(["postfix", "-c", str(self.folder / "etc"), command], capture_output=True, check=True)

    def messages(self, count: int, seconds: float = 20) -> list[Message]:
        """What is in the mailbox once there are so many (then: a little later, so that one too many shows)."""
        until = time.monotonic() + seconds
        while len(self._inbox()) < count and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.1)
        return list(self._inbox())

    def empty(self) -> None:
        self._inbox().clear()

    def _inbox(self) -> mailbox.Maildir:
        return mailbox.Maildir(self.folder / "mail" / "inbox")

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()


@contextmanager
def postfix(authority: Authority) -> Iterator[Postfix]:
    """A Postfix that runs, apart from the one that the system may have."""
    # pytest's folders are closed to the user postfix.
    with tempfile.TemporaryDirectory(prefix="postfix-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Postfix(folder)
        server.write(authority)
        server.control("start")
        try:
            yield server
        finally:
            server.control("stop")
