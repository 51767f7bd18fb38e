"""One SMTP session in named steps: resolve, connect, secure, greet, authenticate, then messages."""

import contextlib
import smtplib
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from django.utils.translation import gettext as _

from oauthconnections.endpoints import is_loopback
from oauthconnections.fields import Secret

from .blackout import forms_of
from .dialling import first_that_answers, kinds_of
from .facts import claims_of, facts_of_encryption, facts_of_greeting, facts_of_login
from .resolving import Address, addresses_of_server
from .sasl import ACCEPTED, SecretInClear, TokenRefused, authenticate, authenticate_with_token, offered
from .steps import Step, StepName, describe, line
from .transcript import Transcript
from .trust import ssl_context
from .wire import CONTINUE, Wire, one_line

COURTESY_SECONDS: Final = 5.0
"""How long the answer to RSET or QUIT is waited for; nothing depends on it."""


@dataclass(frozen=True)
class ServerSettings:
    """What a session needs to know, all of it decided: an effective port, the very name to say in EHLO.

    With a `token` the log-in is by OAuth: called, it gives the access token of the account `account_id`, and another
    one if it is given one that the server refused.
    """

    host: str
    port: int
    alias: str = "default"
    security: str = "none"
    auth_method: str = "none"
    username: str = ""
    password: str = field(default="", repr=False)
    from_name: str = ""
    from_email: str = ""
    force_from: bool = False
    ehlo_name: str = "localhost"
    timeout: float = 30
    ca_bundle: str = field(default="", repr=False)
    pinned_certificate: str = ""
    account_id: int | None = None
    token: Callable[[str], str] | None = field(default=None, repr=False, compare=False)

    @property
    def authenticates(self) -> bool:
        return self.token is not None or (self.auth_method != "none" and bool(self.username))


@dataclass(frozen=True)
class Delivery:
    """What the server said to an accepted message, and the recipients it refused (address: (code, text))."""

    reply: str
    refused: dict[str, tuple[int, bytes]]


class Session:
    """A connection to one server. Raises what smtplib and the socket raise, as Django's SMTP backend does.

    `on_step` is told each step as it ends, with facts and a transcript if `details` are wanted. Every wait is bounded
    by the time-out (S-21). A session is `proven` once it delivered a message or was kept for another: what breaks it
    then is its age, not the server or the settings.
    """

    def __init__(
        self, settings: ServerSettings, on_step: Callable[[Step], None] | None = None, *, details: bool = False
    ) -> None:
        self.settings = settings
        self.timeout = settings.timeout
        self.proven = False
        self.failed_step: StepName | None = None
        self._on_step = on_step
        self._wire = Wire(settings.host, settings.ehlo_name, settings.timeout)
        self._details = details
        self._banner = b""
        self._claims: dict[str, Any] = {}
        if details:
            self._wire.transcript, self._wire.secrets = Transcript(), forms_of(settings.password)

    def __repr__(self) -> str:
        return f"<Session {self.settings.host}:{self.settings.port}>"

    @property
    def wire(self) -> Wire:
        """For pipelining.py, which says on it what is not said step by step."""
        return self._wire

    # --- the way up ---

    def open(self) -> Self:
        self._wire.allow(self.timeout)
        try:
            self._reach()
            self._authenticate()
        except BaseException:
            self.abandon()
            raise
        return self

    def _reach(self) -> None:
        self._connect(self._resolve())
        self._secure()
        self._greet()

    def _resolve(self) -> list[Address]:
        host, port = self.settings.host, self.settings.port
        with self.step("resolve") as step:
            addresses = addresses_of_server(host, port, self._wire.remaining())
            step.facts = kinds_of(addresses)
            step.detail = ", ".join(fact.value for fact in step.facts)
        return addresses

    def _connect(self, addresses: list[Address]) -> None:
        with self.step("connect") as step:
            self._wire.sock, address = first_that_answers(addresses, self._wire.remaining, step.facts)
            step.detail = _("%(address)s, port %(port)s") % {"address": address, "port": self.settings.port}

    def _secure(self) -> None:
        security = self.settings.security
        if security == "starttls":
            with self.step("greet", only_failure=True):
                self._read_banner()
                _expect_ok(self._wire.ehlo(), smtplib.SMTPHeloError)
        with self.step("secure") as step:
            if security == "ssl":
                self._wrap()
            elif security == "starttls":
                self._start_tls()
            step.detail = self._describe_encryption()
            if self._details and isinstance(self._wire.sock, ssl.SSLSocket):
                step.certificate, step.facts = facts_of_encryption(self._wire.sock)
                self._note(_("from here on encrypted: %(encryption)s") % {"encryption": step.detail})

    def _note(self, text: str) -> None:
        if self._wire.transcript:
            self._wire.transcript.note(text)

    def _context(self) -> ssl.SSLContext:
        return ssl_context(self.settings.ca_bundle, self.settings.pinned_certificate)

    def _wrap(self) -> None:
        plain = self._wire.sock
        assert plain is not None
        plain.settimeout(self._wire.remaining())
        self._wire.sock = self._context().wrap_socket(plain, server_hostname=self.settings.host)

    def _start_tls(self) -> None:
        # smtplib drops what it read before TLS and asks EHLO anew, so nothing said in clear is believed (S-16).
        self._wire.starttls(context=self._context())

    def _describe_encryption(self) -> str:
        sock = self._wire.sock
        if sock is None or self.settings.security == "none":
            return _("no encryption")
        return f"{sock.version()}, {sock.cipher()[0]}"  # type: ignore[attr-defined]

    def _read_banner(self) -> None:
        code, self._banner = self._wire.getreply()
        _expect_ok((code, self._banner), smtplib.SMTPConnectError, 220)

    def _greet(self) -> None:
        with self.step("greet") as step:
            if self.settings.security != "starttls":
                self._read_banner()
            self._wire.ehlo_or_helo_if_needed()
            if self._details:
                step.facts = facts_of_greeting(self._banner, self.settings.ehlo_name, self.features)
            said = self._wire.ehlo_resp or self._wire.helo_resp or b""
            step.detail = _("said %(name)s; the server answered: %(answer)s") % {
                "name": self.settings.ehlo_name,
                "answer": ", ".join(said.decode(errors="replace").splitlines()),
            }

    def _authenticate(self) -> None:
        settings = self.settings
        with self.step("authenticate") as step:
            if not settings.authenticates:
                step.detail = _("no authentication; the server offers: %(offered)s") % {
                    "offered": ", ".join(offered(self._wire)) or _("nothing")
                }
                return
            try:
                mechanism, reply = self._log_in()
                step.detail = f"{mechanism}: {line(ACCEPTED, reply)}"
            finally:
                if self._details:
                    step.claims, step.offered = self._claims, tuple(self.mechanisms)
                    step.facts = facts_of_login(
                        settings.host, self.mechanisms, step.detail.partition(":")[0], step.claims
                    )

    def _log_in(self) -> tuple[str, bytes]:
        settings = self.settings
        if settings.token:
            return self._log_in_with_token(settings.token)
        try:
            return authenticate(
                self._wire,
                settings.auth_method,
                settings.username,
                settings.password,
                encrypted=settings.security != "none",
            )
        except Exception as error:
            failure = _without_secrets(error)
        raise failure

    def _log_in_with_token(self, token: Callable[[str], str]) -> tuple[str, bytes]:
        """Log in; after a refusal once more, with a new token (S-10)."""
        self._refuse_clear_text()
        first = self._in_no_time(token, "")
        try:
            return self._present(first)
        except TokenRefused as error:
            if error.is_temporary:
                raise
            in_the_middle = error.smtp_code == CONTINUE
        fresh = self._in_no_time(token, first)
        if not in_the_middle and self.is_silent():
            with contextlib.suppress(smtplib.SMTPServerDisconnected):  # it was on its way to close after all
                return self._present(fresh)
        self._dial_again()
        return self._present(fresh)

    def _refuse_clear_text(self) -> None:
        """A token is worth as much as a password: it travels encrypted, or stays on this machine (S-17)."""
        assert self._wire.sock is not None
        if self.settings.security == "none" and not is_loopback(self._wire.sock.getpeername()[0]):
            raise SecretInClear(
                _("The access token would be sent in clear text over this connection. Choose STARTTLS or SSL/TLS.")
            )

    def _in_no_time(self, token: Callable[[str], str], rejected: str) -> Secret:
        """Ask for a token: how long its provider takes, which has limits of its own, is not the server's fault."""
        left = self._wire.remaining()
        found = Secret(token(rejected))
        self._wire.allow(left)
        return found

    def _present(self, token: Secret) -> tuple[str, bytes]:
        settings = self.settings
        if self._details:
            self._claims = claims_of(token)
        try:
            return authenticate_with_token(self._wire, settings.username, token, settings.host, settings.port)
        except Exception as error:
            failure = _without_secrets(error)
        raise failure

    def _dial_again(self) -> None:
        """A new connection in place of one that is of no use after a refused log-in; no step is told twice."""
        used, left = self._wire, self._wire.remaining()
        self.abandon()
        self._wire = Wire(self.settings.host, self.settings.ehlo_name, left)
        self._wire.secrets, self._wire.transcript = used.secrets, used.transcript
        self._note(_("a new connection, with a new token"))
        on_step, self._on_step = self._on_step, None
        try:
            self._reach()
        finally:
            self._on_step = on_step

    # --- messages ---

    def sendmail(self, sender: str, recipients: Sequence[str], data: bytes) -> Delivery:
        """Transmit one message; raises SMTPSenderRefused, SMTPRecipientsRefused or SMTPDataError as smtplib does.

        A message that some recipients got counts as sent; the others are in `Delivery.refused` (S-20).
        """
        for address in (sender, *recipients):
            one_line(address)  # smtplib of Python 3.11 would send to the first line
        self._wire.allow(self.timeout)
        try:
            self._announce_sender(sender, len(data))
            refused = self._announce_recipients(recipients)
            delivery = Delivery(self._transmit(data), refused)
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused):
            self._reset()
            raise
        except BaseException:
            self.abandon()  # in the middle of a message, where the next one's commands would become its text
            raise
        self.proven = True
        return delivery

    def _announce_sender(self, sender: str, size: int) -> None:
        with self.step("sender") as step:
            declared = f" size={size}" if self._wire.has_extn("size") else ""
            code, reply = self._wire.docmd("mail", f"FROM:<{sender}>{declared}")
            if code != 250:
                raise smtplib.SMTPSenderRefused(code, reply, sender)
            step.detail = f"{sender}: {line(code, reply)}"

    def _announce_recipients(self, recipients: Sequence[str]) -> dict[str, tuple[int, bytes]]:
        refused = {}
        with self.step("recipient") as step:
            for recipient in recipients:
                code, reply = self._wire.docmd("rcpt", f"TO:<{recipient}>")
                if len(recipients) > 1:  # a long list may take its time, a single message may not
                    self._wire.allow(self.timeout)
                if code not in (250, 251):
                    refused[recipient] = (code, reply)
                if code == 421:
                    break
            step.detail = f"{recipient}: {line(code, reply)}"
            if code == 421 or len(refused) == len(recipients):
                raise smtplib.SMTPRecipientsRefused(refused)
        return refused

    def _transmit(self, data: bytes) -> str:
        with self.step("message") as step:
            code, reply = self._wire.data(data)
            if code != 250:
                raise smtplib.SMTPDataError(code, reply)
            step.detail = line(code, reply)
        return step.detail

    def _reset(self) -> None:
        """Be ready for the next message, or give the connection up: one that answers strangely is out of step."""
        code = 0
        with contextlib.suppress(OSError):
            self._wire.allow(min(self.timeout, COURTESY_SECONDS))
            code, _reply = self._wire.rset()
        if code != 250:
            self.abandon()

    # --- the way down ---

    @property
    def usable(self) -> bool:
        """Still connected, as far as this side knows."""
        return self._wire.sock is not None

    @property
    def features(self) -> dict[str, str]:
        """What the server offered in its answer to EHLO, by keyword in lower case."""
        return dict(self._wire.esmtp_features)

    @property
    def mechanisms(self) -> list[str]:
        """How one can log in."""
        return offered(self._wire)

    def is_silent(self) -> bool:
        """Connected, and the server has not said that this is the end."""
        return self._wire.is_silent()

    def close(self) -> None:
        """Say QUIT, whatever comes back."""
        if self.usable:
            with contextlib.suppress(OSError, ValueError):
                self._wire.allow(min(self.timeout, COURTESY_SECONDS))
                self._wire.docmd("QUIT")
        self.abandon()

    def abandon(self) -> None:
        """Drop the connection without a word."""
        self._wire.close()

    @contextlib.contextmanager
    def step(self, name: StepName, *, only_failure: bool = False) -> Iterator[Step]:
        """Time what is done inside, and tell how it ended."""
        step, started = Step(name), time.perf_counter()
        try:
            yield step
        except Exception as error:
            step.ok, step.error, self.failed_step = False, error, name
            step.detail = describe(error)
            raise
        finally:
            step.milliseconds = (time.perf_counter() - started) * 1000
            if self._on_step and not (step.ok and only_failure):
                if self._wire.transcript:
                    step.transcript = self._wire.transcript.take(self._wire.secrets)
                self._on_step(step)


def _without_secrets(error: Exception) -> Exception:
    """The error without its traceback, whose frames hold the lines of the log-in (S-2)."""
    if isinstance(error, ValueError):  # of decoding: it holds the text itself
        return smtplib.SMTPException(_("The server's challenge can't be read."))
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _expect_ok(answer: tuple[int, bytes], failure: type[smtplib.SMTPResponseException], wanted: int = 250) -> None:
    if answer[0] != wanted:
        raise failure(*answer)
