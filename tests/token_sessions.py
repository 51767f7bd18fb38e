"""How tests have a session log in with access tokens, and servers that say what they have against them."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mailconfig.smtp import ServerSettings, Session
from tests.servers import scripted
from tests.servers.certificates import Authority
from tests.servers.scripted import Conversation, ScriptedServer
from tests.servers.smtp import SMTPServer
from tests.sessions import settings_for

MECHANISMS = ["XOAUTH2", "OAUTHBEARER"]
OFFER = "250-mail.test\r\n250 AUTH "
GOOGLES = '{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}'


@dataclass
class Tokens:
    """Gives one token after the other, and remembers which had been refused."""

    left: list[str]
    rejected: list[str] = field(default_factory=list)

    def __call__(self, rejected: str = "") -> str:
        self.rejected.append(rejected)
        return self.left.pop(0)


def accepts(good: str = "good", user: str = "me@example.com") -> Callable[[str, str], bool]:
    return lambda name, token: (name, token) == (user, good)


def settings_of(server: SMTPServer | ScriptedServer, ca: Authority, *tokens: str, **fields: Any) -> ServerSettings:
    known = {"username": "me@example.com", "auth_method": "xoauth2", "token": Tokens(list(tokens or ["good"]))}
    return settings_for(server, ca, **{**known, **fields})


def log_in(server: SMTPServer | ScriptedServer, ca: Authority, *tokens: str, **fields: Any) -> Session:
    return Session(settings_of(server, ca, *tokens, **fields)).open()


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def challenging(challenge: str, then: str | scripted.Act) -> scripted.Act:
    def act(conversation: Conversation) -> None:
        conversation.reply(b"334 " + challenge.encode("latin-1"))
        conversation.server.lines.append(conversation.receive().decode())
        if callable(then):
            then(conversation)
        else:
            conversation.reply(then)

    return act
