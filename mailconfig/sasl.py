"""The AUTH conversations: PLAIN (RFC 4616), LOGIN, CRAM-MD5 (RFC 2195), those with a token, and which is chosen."""

import base64
import contextlib
import hmac
import smtplib
from collections.abc import Callable
from typing import Final

from django.utils.translation import gettext as _

from .blackout import forms_of
from .wire import CONTINUE, Wire
from .xoauth2 import describe_refusal, oauthbearer, read_refusal, secrets_of, xoauth2

Reply = tuple[int, bytes]

ACCEPTED: Final = 235
UNRECOGNIZED: Final = 504

LONGEST_IN_COMMAND: Final = 490
"""A longer response follows the AUTH command on a line of its own, as a command has 512 bytes (RFC 4954 section 4)."""


def _encoded(text: str) -> str:
    # Never fails: what isn't Unicode (an environment variable may be anything) is for the server to refuse.
    return base64.b64encode(text.encode(errors="surrogatepass")).decode("ascii")


def _begin(wire: Wire, mechanism: str, text: str) -> Reply:
    response = _encoded(text)
    if len(response) < LONGEST_IN_COMMAND:
        return wire.docmd("AUTH", f"{mechanism} {response}")
    reply = wire.docmd("AUTH", mechanism)
    return wire.docmd(response) if reply[0] == CONTINUE else reply


def _plain(wire: Wire, username: str, password: str) -> Reply:
    return _begin(wire, "PLAIN", f"\0{username}\0{password}")


def _login(wire: Wire, username: str, password: str) -> Reply:
    reply = wire.docmd("AUTH", "LOGIN")
    for answer in (username, password):
        if reply[0] != CONTINUE:
            break
        reply = wire.docmd(_encoded(answer))
    return reply


def _cram_md5(wire: Wire, username: str, password: str) -> Reply:
    code, challenge = wire.docmd("AUTH", "CRAM-MD5")
    if code != CONTINUE:
        return code, challenge
    digest = hmac.new(password.encode(errors="surrogatepass"), base64.b64decode(challenge), "md5").hexdigest()
    answer = _encoded(f"{username} {digest}")
    wire.secrets += [answer.encode(), digest.encode()]
    return wire.docmd(answer)


_MECHANISMS: Final[dict[str, Callable[[Wire, str, str], Reply]]] = {
    "PLAIN": _plain,
    "LOGIN": _login,
    "CRAM-MD5": _cram_md5,
}
_SECRET_ON_THE_WIRE: Final = {"PLAIN", "LOGIN"}


def _secrets_of(username: str, password: str) -> list[bytes]:
    """Everything in a conversation that gives the password away."""
    return [_encoded(f"\0{username}\0{password}").encode(), *forms_of(password)] if password else []


def offered(wire: Wire) -> list[str]:
    """Mechanisms in the server's EHLO answer; some servers say AUTH twice (`AUTH=LOGIN PLAIN`)."""
    return wire.esmtp_features.get("auth", "").upper().split()


def candidates(method: str, server: list[str], encrypted: bool) -> list[str]:
    """The mechanisms to try, best first.

    Automatic never says a password on a connection that isn't encrypted (S-17), and prefers PLAIN on one that is:
    it works with passwords that the server keeps hashed, which CRAM-MD5 does not.
    """
    if method != "auto":
        return [name for name in [method.upper()] if name in server]
    usable = _MECHANISMS if encrypted else _MECHANISMS.keys() - _SECRET_ON_THE_WIRE
    return [name for name in _MECHANISMS if name in usable and name in server]


def authenticate(wire: Wire, method: str, username: str, password: str, *, encrypted: bool) -> tuple[str, bytes]:
    """Log in; return the mechanism used and the server's words.

    Raises SMTPNotSupportedError if there is no mechanism to use, SMTPAuthenticationError if the server refuses.
    """
    server = offered(wire)
    mechanisms = candidates(method, server, encrypted)
    if not mechanisms:
        raise _unsupported(method, server)
    wire.secrets = _secrets_of(username, password)
    for mechanism in mechanisms:
        code, reply = _MECHANISMS[mechanism](wire, username, password)
        if code == ACCEPTED:
            return mechanism, reply
        # One refusal is final, or each message would count as several failed logins; only a mechanism
        # that the server announced and does not know (RFC 4954 section 4) lets the next one have its turn.
        if code != UNRECOGNIZED:
            break
    raise smtplib.SMTPAuthenticationError(code, wire.blacked_out(reply))


class SecretInClear(smtplib.SMTPNotSupportedError):
    """There would be a way to log in, but everybody on the way could read the password or token (S-17)."""


class TokenRefused(smtplib.SMTPAuthenticationError):
    """The server took the token for a bad one; `refusal` has what it said of it (`status`, `schemes`, `scope`)."""

    def __init__(self, code: int, reply: bytes, refusal: dict[str, str]) -> None:
        super().__init__(code, b" ".join(filter(None, [reply, describe_refusal(refusal).encode()])))
        self.refusal = refusal

    @property
    def is_temporary(self) -> bool:
        """Whether the server can't log anybody in just now (RFC 5321 section 4.2.1), for which no token is a help."""
        return 400 <= self.smtp_code < 500


class ScopeWanted(TokenRefused):
    """The server has said which scope the token should have had."""


ENOUGH: Final = 200
"""Characters of a refusal's values that are worth showing; the longest scopes known have less."""

_ANSWER_TO_REFUSAL: Final = {"XOAUTH2": "", "OAUTHBEARER": "AQ=="}
"""What the server waits for after its challenge, before it says that the login failed."""


def authenticate_with_token(wire: Wire, username: str, token: str, host: str, port: int) -> tuple[str, bytes]:
    """Log in with an access token; return and raise as `authenticate` does, TokenRefused if the server refuses."""
    texts = {"XOAUTH2": xoauth2(username, token), "OAUTHBEARER": oauthbearer(username, token, host, port)}
    mechanisms = [name for name in texts if name in offered(wire)]
    if not mechanisms:
        raise _unsupported(", ".join(texts), offered(wire))
    wire.secrets += secrets_of(list(texts.values()), token)
    for mechanism in mechanisms:
        code, reply, refusal = _present(wire, mechanism, texts[mechanism])
        if code == ACCEPTED:
            return mechanism, reply
        if code != UNRECOGNIZED:
            break
    shown = {name: wire.blacked_out(value.encode()).decode()[:ENOUGH] for name, value in refusal.items()}
    raise (ScopeWanted if shown.get("scope") else TokenRefused)(code, wire.blacked_out(reply), shown)


def _present(wire: Wire, mechanism: str, text: str) -> tuple[int, bytes, dict[str, str]]:
    code, reply = _begin(wire, mechanism, text)
    if code != CONTINUE:
        return code, reply, {}
    refusal = read_refusal(reply)
    reply = b"" if refusal else reply
    with contextlib.suppress(smtplib.SMTPServerDisconnected):  # the challenge has said it all
        code, reply = wire.docmd(_ANSWER_TO_REFUSAL[mechanism])
    return code, reply, refusal


def _unsupported(method: str, server: list[str]) -> smtplib.SMTPNotSupportedError:
    if not server:
        return smtplib.SMTPNotSupportedError("SMTP AUTH extension not supported by server.")
    if method == "auto" and not _SECRET_ON_THE_WIRE.isdisjoint(server):
        return SecretInClear(
            _(
                "The server offers only %(offered)s, which would send the password in clear text over this connection. "
                "Choose STARTTLS or SSL/TLS."
            )
            % {"offered": ", ".join(server)}
        )
    wanted = ", ".join(_MECHANISMS) if method == "auto" else method.upper()
    return smtplib.SMTPNotSupportedError(
        _("The server does not offer %(wanted)s; it offers %(offered)s.")
        % {"wanted": wanted, "offered": ", ".join(server)}
    )
