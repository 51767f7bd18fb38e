"""The settings of a session with a test server, without the database between."""

from typing import Any

from mailconfig.smtp import ServerSettings
from tests.servers.certificates import Authority
from tests.servers.proxy import Proxy
from tests.servers.scripted import ScriptedServer
from tests.servers.smtp import SMTPServer

SENDER, RECIPIENT = "site@example.com", "reader@example.com"
MESSAGE = b"Subject: Hello\r\n\r\nHello\r\n"


def settings_for(
    server: SMTPServer | ScriptedServer | Proxy, ca: Authority | None = None, **fields: Any
) -> ServerSettings:
    """Host, port and security of the server, its authority trusted, and a time-out short enough for tests of faults."""
    known = {"host": server.host, "port": server.port, "security": server.security, "ca_bundle": ca.pem if ca else ""}
    return ServerSettings(**{"timeout": 2, "ehlo_name": "site.example.com", **known, **fields})
