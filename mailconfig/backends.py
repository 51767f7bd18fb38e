"""What Django calls to send mail: through the server that an administrator configured, as it is configured now."""

import logging
import smtplib
import threading
from collections.abc import Iterable
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db import DatabaseError

from .composing import Envelope, compose
from .models import MailServer
from .outcomes import note_mail
from .pool import KEEP_SECONDS, pool
from .smtp import Delivery, ServerSettings, Session
from .steps import describe

logger = logging.getLogger("mailconfig")
_logging = threading.local()


class EmailBackend(BaseEmailBackend):
    """The contract of Django's SMTP backend, with the settings of the `MailServer` row named like the mailer's alias.

    Options: `fail_silently`, and `keep_alive`, the seconds for which an idle connection is kept (0: not at all).
    A sent message carries its `Delivery` as attribute `delivery`: the server's reply and the recipients it refused.
    """

    def __init__(
        self,
        fail_silently: bool = False,
        *,
        alias: str | None = None,
        keep_alive: float = KEEP_SECONDS,
        **kwargs: Any,
    ) -> None:
        super().__init__(alias=alias, **kwargs)
        self.alias = alias
        self.fail_silently = fail_silently
        self.keep_alive = keep_alive
        self.connection: Session | None = None
        self._server: MailServer | None = None
        self._lock = threading.RLock()

    def open(self) -> bool | None:
        """Return whether a connection was opened (False: there was one), None if that failed silently.

        Reads the settings in one query. Raises NotConfigured, PasswordUnreadable, SMTPException or OSError.
        """
        if self.connection is not None:
            return False
        try:
            self._server = MailServer.objects.for_alias(self.alias or "default")
            settings = self._server.connection_settings()
            self.connection = pool.take(settings) or self._dial(settings)
        except (OSError, DatabaseError) as error:
            if self._must_tell(error):
                raise
            return None
        return True

    def close(self) -> None:
        """Give the connection back: it is kept for a while or closed."""
        connection, self.connection = self.connection, None
        if connection is not None:
            pool.keep(connection, self.keep_alive)

    def send_messages(self, email_messages: Iterable[EmailMessage]) -> int:
        """Send messages over one connection; return how many at least one recipient of which was accepted."""
        if not email_messages:
            return 0
        with self._lock:
            opened = self.open()
            if self.connection is None or opened is None:
                return 0
            try:
                return sum(self._send(message) for message in email_messages)
            finally:
                if opened:
                    self.close()

    def _send(self, message: EmailMessage) -> bool:
        if not message.recipients() or self.connection is None:
            return False
        envelope = compose(message, self.connection.settings)
        try:
            delivery = self._transmit(self.connection, envelope)
        except OSError as error:
            if self.connection is not None:
                self._note(self.connection, error)
            self._give_up_if_lost()
            if self._must_tell(error):
                raise
            return False
        message.delivery = delivery  # type: ignore[attr-defined]
        self._note()
        _log_refused(delivery)
        return True

    def _transmit(self, connection: Session, envelope: Envelope) -> Delivery:
        if not connection.usable:
            connection = self._dial_again(connection)
        try:
            return connection.sendmail(envelope.sender, envelope.recipients, envelope.data)
        except (smtplib.SMTPServerDisconnected, smtplib.SMTPSenderRefused) as error:
            if not _ended_between_messages(connection, error):
                raise
        connection = self._dial_again(connection)
        return connection.sendmail(envelope.sender, envelope.recipients, envelope.data)

    def _dial(self, settings: ServerSettings) -> Session:
        session = Session(settings)
        try:
            return session.open()
        except OSError as error:
            self._note(session, error)
            raise

    def _dial_again(self, connection: Session) -> Session:
        connection.abandon()
        self.connection = None
        self.connection = self._dial(connection.settings)
        return self.connection

    def _note(self, session: Session | None = None, error: OSError | None = None) -> None:
        """For the status line: that mail was accepted, or what keeps it from being so. Recipients are of one mail."""
        if self._server and not isinstance(error, smtplib.SMTPRecipientsRefused):
            step = (session and session.failed_step) or ""
            note_mail(self._server, step, describe(error) if error else "")

    def _give_up_if_lost(self) -> None:
        # Else a server that hangs would cost its time-out for each message of a batch that fails silently.
        if self.connection and not self.connection.usable and not self.connection.proven:
            self.connection = None

    def _must_tell(self, error: Exception) -> bool:
        """Log a failure; return whether the caller gets it too. A handler that mails the log fails without a word."""
        if _is_logging():
            return False
        _log("Mail could not be sent: %s", describe(error))
        return not self.fail_silently


def _ended_between_messages(connection: Session, error: Exception) -> bool:
    """The server gave up a connection that was good: it took nothing of the message, which may thus go out anew."""
    closed = isinstance(error, smtplib.SMTPServerDisconnected) or getattr(error, "smtp_code", 0) == 421
    return closed and connection.proven and connection.failed_step == "sender"


def _log_refused(delivery: Delivery) -> None:
    if not _is_logging():
        for recipient, (code, reply) in delivery.refused.items():
            _log("Recipient %s refused: %s %s", recipient, code, reply.decode(errors="replace"))


def _log(text: str, *values: object) -> None:
    _logging.busy = True
    try:
        logger.warning(text, *values)
    finally:
        _logging.busy = False


def _is_logging() -> bool:
    """A handler of what is logged here sends mail itself, and must not have that logged again."""
    return getattr(_logging, "busy", False)
