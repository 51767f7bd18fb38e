"""A well-behaved SMTP server that remembers what it was sent, by whom and how."""

import asyncio
import base64
import collections
import email
import email.policy
import hmac
import json
import re
import secrets
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Final, Self, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

LONG_LINE: Final = 64 * 1024
MECHANISMS: Final = {"PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER"}
BEARER: Final = re.compile(
    rb"(?:user=(?P<user>[^\x01]*)|n,a=(?P<name>[^\x01,]*),(?:\x01host=[^\x01]+)?(?:\x01port=\d+)?)"
    rb"\x01auth=Bearer (?P<token>[^\x01]+)\x01\x01"
)
"""The two ways to show a token: XOAUTH2's and OAUTHBEARER's (RFC 7628)."""

REFUSAL: Final = {"status": "400", "schemes": "Bearer", "scope": "https://mail.test/send"}
"""What a server says of a token that it does not accept, before the client may end the attempt."""


@dataclass(frozen=True)
class Login:
    """One attempt to authenticate."""

    mechanism: str
    user: str
    accepted: bool


@dataclass(frozen=True)
class Received:
    """One message as it came over the wire; `connection` counts from 1."""

    sender: str
    recipients: list[str]
    content: bytes
    ehlo_name: str
    tls: bool
    login: Login | None
    connection: int
    smtputf8: bool

    @property
    def message(self) -> EmailMessage:
        return email.message_from_bytes(self.content, policy=email.policy.default)


class Protocol(SMTP):
    """aiosmtpd's protocol, with room for long passwords, that knows which connection it is."""

    command_size_limit = LONG_LINE
    command_size_limits: dict[str, int] = collections.defaultdict(lambda: LONG_LINE)
    line_length_limit = LONG_LINE

    def __init__(self, handler: object, *, connection: int, **options: object) -> None:
        super().__init__(handler, **options)  # type: ignore[arg-type]
        self.connection = connection
        self.last_login: Login | None = None

    @property
    def encrypted(self) -> bool:
        return self.transport is not None and self.transport.get_extra_info("ssl_object") is not None


@dataclass
class SMTPServer:
    """Listens on a free port of 127.0.0.1 while it is used as a context.

    `users` are user names and passwords, `tokens` says of a user name and an access token whether they are good; with
    any of these, a message needs a login. `refusals` are the answers of clients to the challenge of a failure.
    `replies` are answers to MAIL and RCPT by address, and to DATA under "DATA": the server says them and refuses.
    `tls` goes with `security` "starttls" and "ssl".
    """

    security: str = "none"
    tls: ssl.SSLContext | None = None
    users: Mapping[str, str] = field(default_factory=dict)
    tokens: Callable[[str, str], bool] | None = None
    mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN", "CRAM-MD5")
    closes_after_refusal: bool = False
    replies: Mapping[str, str] = field(default_factory=dict)
    smtputf8: bool = True
    pipelining: bool = False
    port: int = 0

    host: str = "127.0.0.1"
    messages: list[Received] = field(default_factory=list)
    logins: list[Login] = field(default_factory=list)
    refusals: list[bytes] = field(default_factory=list)
    ehlo_names: list[str] = field(default_factory=list)
    connections: int = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; a second time on the port of the first."""
        listener = socket.create_server((self.host, self.port))
        # asyncio does this for sockets that it makes. Without it replies to a pipelining client wait 40 ms each.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.port = listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._open: set[Protocol] = set()
        self._thread = threading.Thread(target=self._run, args=[listener], name=f"SMTP server {self.port}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and drop every connection; may be repeated."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    def drop_connections(self) -> None:
        """Cut every connection, as a server does that restarts, and go on listening."""
        done = threading.Event()
        self._loop.call_soon_threadsafe(self._drop)
        self._loop.call_soon_threadsafe(done.set)
        done.wait()

    def _run(self, listener: socket.socket) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve(listener))

    async def _serve(self, listener: socket.socket) -> None:
        server = await self._loop.create_server(
            self._protocol, sock=listener, ssl=self.tls if self.security == "ssl" else None
        )
        await self._stopping.wait()
        server.close()
        self._drop()

    def _drop(self) -> None:
        for protocol in self._open:
            if isinstance(protocol.transport, asyncio.WriteTransport):
                protocol.transport.abort()
        self._open.clear()

    def _protocol(self) -> Protocol:
        self.connections += 1
        protocol = Protocol(
            _Handler(self),
            connection=self.connections,
            hostname="mail.test",
            loop=self._loop,
            tls_context=self.tls if self.security == "starttls" else None,
            require_starttls=self.security == "starttls",
            auth_require_tls=self.security == "starttls",
            auth_exclude_mechanism=MECHANISMS.difference(self.mechanisms),
            authenticator=self._check_password,
            enable_SMTPUTF8=self.smtputf8,
        )
        self._open.add(protocol)
        return protocol

    @property
    def needs_login(self) -> bool:
        return bool(self.users) or self.tokens is not None

    def _check_password(
        self, server: Protocol, session: Session, envelope: Envelope, mechanism: str, login: LoginPassword
    ) -> AuthResult:
        user = login.login.decode()
        return self.answer_login(server, mechanism, user, self.users.get(user) == login.password.decode())

    def answer_login(self, server: Protocol, mechanism: str, user: str, accepted: bool) -> AuthResult:
        login = Login(mechanism, user, accepted)
        self.logins.append(login)
        server.last_login = login if accepted else None
        return AuthResult(success=accepted, handled=False)


@dataclass
class _Handler:
    """What aiosmtpd asks at each command."""

    owner: SMTPServer

    async def handle_EHLO(  # noqa: N802 - the name is aiosmtpd's
        self, server: Protocol, session: Session, envelope: Envelope, name: str, answer: list[str]
    ) -> list[str]:
        session.host_name = name
        self.owner.ehlo_names.append(name)
        lines = [line for line in answer if self.owner.needs_login or "AUTH" not in line]
        return [lines[0], "250-PIPELINING", *lines[1:]] if self.owner.pipelining else lines

    async def handle_MAIL(  # noqa: N802
        self, server: Protocol, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.owner.needs_login and not server.last_login:
            return "530 5.7.0 Authentication required"
        if address in self.owner.replies:
            return self.owner.replies[address]
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Sender accepted"

    async def handle_RCPT(  # noqa: N802
        self, server: Protocol, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.owner.replies:
            return self.owner.replies[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Recipient accepted"

    async def handle_DATA(self, server: Protocol, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if "DATA" in self.owner.replies:
            return self.owner.replies["DATA"]
        self.owner.messages.append(_received(server, session, envelope))
        return f"250 2.0.0 Accepted as {len(self.owner.messages)}"

    async def auth_CRAM__MD5(self, server: Protocol, args: list[str]) -> AuthResult:  # noqa: N802
        challenge = f"<{secrets.token_hex(8)}@mail.test>".encode()
        answer = await server.challenge_auth(challenge)
        if not isinstance(answer, bytes):
            return AuthResult(success=False, handled=True)
        user, _space, digest = answer.decode().rpartition(" ")
        expected = hmac.new(self.owner.users.get(user, "").encode(), challenge, "md5").hexdigest()
        return self.owner.answer_login(server, "CRAM-MD5", user, user in self.owner.users and digest == expected)

    async def auth_XOAUTH2(self, server: Protocol, args: list[str]) -> AuthResult:  # noqa: N802
        return await self._bearer(server, *args)

    async def auth_OAUTHBEARER(self, server: Protocol, args: list[str]) -> AuthResult:  # noqa: N802
        return await self._bearer(server, *args)

    async def _bearer(self, server: Protocol, mechanism: str, response: str = "") -> AuthResult:
        said = base64.b64decode(response) if response else await server.challenge_auth(b"")
        found = BEARER.fullmatch(said) if isinstance(said, bytes) else None
        if not found:
            return AuthResult(success=False, handled=False, message="501 5.5.2 Not understood")
        user = (found["user"] or found["name"]).decode().replace("=2C", ",").replace("=3D", "=")
        accepted = self.owner.tokens is not None and self.owner.tokens(user, found["token"].decode())
        if not accepted:
            self.owner.refusals.append(cast("bytes", await server.challenge_auth(json.dumps(REFUSAL))))
        result = self.owner.answer_login(server, mechanism, user, accepted)
        if not accepted and self.owner.closes_after_refusal and isinstance(server.transport, asyncio.WriteTransport):
            await server.push("535 5.7.8 Goodbye")
            server.transport.close()
            return AuthResult(success=False, handled=True)
        return result


def _received(server: Protocol, session: Session, envelope: Envelope) -> Received:
    return Received(
        sender=envelope.mail_from or "",
        recipients=list(envelope.rcpt_tos),
        content=cast("bytes", envelope.original_content),
        ehlo_name=session.host_name or "",
        tls=server.encrypted,
        login=server.last_login,
        connection=server.connection,
        smtputf8=envelope.smtp_utf8,
    )
