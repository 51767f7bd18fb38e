"""Files that domains publish for mail programs (Mozilla autoconfig), and the server that has them."""

import ssl
from http.server import BaseHTTPRequestHandler
from typing import Final

from .hostname_service import Answer, HostnameService, text


def server(
    host: str = "smtp.example.test",
    port: str = "587",
    security: str = "STARTTLS",
    username: str = "%EMAILADDRESS%",
    kind: str = "smtp",
    authentication: str = "password-cleartext",
) -> str:
    return (
        f'<outgoingServer type="{kind}"><hostname>{host}</hostname><port>{port}</port>'
        f"<socketType>{security}</socketType><username>{username}</username>"
        f"<authentication>{authentication}</authentication></outgoingServer>"
    )


def file(*servers: str) -> str:
    incoming = '<incomingServer type="imap"><hostname>imap.example.test</hostname><port>993</port></incomingServer>'
    return (
        '<?xml version="1.0" encoding="UTF-8"?><clientConfig version="1.1"><emailProvider id="example.test">'
        f"<domain>example.test</domain>{incoming}{''.join(servers)}</emailProvider></clientConfig>"
    )


BILLION_LAUGHS: Final = (
    '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
    + file(server(host="&c;")).partition("?>")[2]
)
EXTERNAL_ENTITY: Final = (
    '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>' + file(server(host="&a;")).partition("?>")[2]
)


class AutoconfigServer(HostnameService):
    """Answers over https; `paths` are those that were asked for."""

    def __init__(self, answer: Answer | str, tls: ssl.SSLContext) -> None:
        self.paths: list[str] = []
        self.host, self._says = "127.0.0.1", text(answer) if isinstance(answer, str) else answer
        super().__init__(self._note, tls)
        self.port = int(self.url.rpartition(":")[2].strip("/"))

    def _note(self, service: HostnameService, handler: BaseHTTPRequestHandler) -> None:
        self.paths.append(handler.path)
        self._says(service, handler)
