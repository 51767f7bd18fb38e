"""Many messages over one session: where the server allows it (RFC 2920), the next one's commands follow the last
one's text, so that a message costs one round trip instead of four."""

import re
import smtplib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Generic, Protocol, TypeVar

from .smtp import Session
from .steps import describe
from .storable import storable
from .wire import CHUNK, Wire, one_line

ACCEPTED: Final = 250
BROKEN: Final = 0
"""In place of a reply's code: the conversation broke off."""
IMPOSSIBLE: Final = 599
"""In place of a reply's code: it can't be said to this server at all."""

MOST_AT_ONCE: Final = 50
"""Recipients said in one breath; a longer list could fill both directions of the connection and stop it for good."""

PATIENCE: Final = 10
"""How many time-outs the reply to a whole message may take: who gives up too early sends it twice
(RFC 5321 section 4.5.3.2.6 wants ten minutes)."""


class Letter(Protocol):
    """What can be carried. `data` is RFC 5322 with CRLF line ends."""

    @property
    def sender(self) -> str: ...
    @property
    def recipients(self) -> Sequence[str]: ...
    @property
    def data(self) -> bytes: ...


L = TypeVar("L", bound=Letter)


@dataclass(frozen=True, slots=True)
class Answer:
    """The server's last word on one recipient."""

    code: int
    text: str

    @property
    def is_permanent(self) -> bool:
        return 500 <= self.code < 600

    def __str__(self) -> str:
        return f"{self.code} {self.text}" if self.code not in (BROKEN, IMPOSSIBLE) else self.text


@dataclass(frozen=True, slots=True)
class Report(Generic[L]):
    """How it went with one letter: the reply to its text, and the answers that recipients got instead.

    `uncertain`: the connection broke when the whole text was said, so the server may have it. `untouched`: nothing of
    it was taken, through no fault of its own.
    """

    letter: L
    reply: Answer
    refused: dict[str, Answer]
    uncertain: bool = False
    untouched: bool = False

    def answers(self) -> dict[str, Answer]:
        return {recipient: self.refused.get(recipient, self.reply) for recipient in self.letter.recipients}


class Closed(Exception):
    """The letter's text may not be sent any more."""


Take = Callable[[bool], L | None]
"""The next letter, or None if there is none; asked with True it waits for one, and None means the end."""

Permit = Callable[[L], None]
"""Called before a letter's text is sent, the point of no return; may wait, and raise Closed."""


def carry(session: Session, take: "Take[L]", permit: "Permit[L]") -> Iterator[Report[L]]:
    """Send letters until there are none or the session is lost, whichever comes first."""
    if session.wire.has_extn("pipelining"):
        return _Pipeline(session, take, permit).run()
    return _one_by_one(session, take, permit)


# --- one after the other ---


def _one_by_one(session: Session, take: "Take[L]", permit: "Permit[L]") -> Iterator[Report[L]]:
    while session.usable and (letter := take(True)):
        try:
            permit(letter)
        except Closed:
            yield _untouched(letter)
            return
        yield send_alone(session, letter)


def send_alone(session: Session, letter: L) -> Report[L]:
    """One letter by itself, in as many round trips as it takes."""
    proven = session.proven
    try:
        delivery = session.sendmail(letter.sender, letter.recipients, letter.data)
    except smtplib.SMTPRecipientsRefused as error:
        refused = {who: Answer(code, _text(text)) for who, (code, text) in error.recipients.items()}
        return Report(letter, next(reversed(refused.values())), refused)
    except smtplib.SMTPResponseException as error:
        ended = proven and error.smtp_code == 421 and isinstance(error, smtplib.SMTPSenderRefused)
        return Report(letter, Answer(error.smtp_code, _text(error.smtp_error)), {}, untouched=ended)
    except OSError as error:
        said = Answer(BROKEN, describe(error))
        ended = proven and session.failed_step == "sender"
        return Report(letter, said, {}, uncertain=session.failed_step == "message", untouched=ended)
    except ValueError as error:
        return Report(letter, Answer(IMPOSSIBLE, str(error)), {})
    refused = {who: Answer(code, _text(text)) for who, (code, text) in delivery.refused.items()}
    code, _space, text = delivery.reply.partition(" ")
    return Report(letter, Answer(int(code), text), refused)


# --- pipelined ---


class _ServerEnds(Exception):
    """It said 421."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer


class _Pipeline(Generic[L]):
    """What is said and not answered yet: the current letter, and behind its text the commands of the following."""

    def __init__(self, session: Session, take: "Take[L]", permit: "Permit[L]") -> None:
        self._session = session
        self._wire: Wire = session.wire
        self._take, self._permit = take, permit
        self._following: L | None = None
        self._announced = False
        self._text_is_out = False
        self._taken = False  # whether the server took anything of the current letter

    def run(self) -> Iterator[Report[L]]:
        current = self._take(True)
        while current:
            yield self._send(current) if self._announced or _fits(current) else self._send_alone(current)
            following, self._following = self._following, None
            if not self._session.usable:
                if following:
                    yield _untouched(following)
                return
            current = following or self._take(True)

    def _send_alone(self, letter: L) -> Report[L]:
        try:
            self._permit(letter)
        except Closed:
            self._session.abandon()
            return _untouched(letter)
        return send_alone(self._session, letter)

    def _send(self, letter: L) -> Report[L]:
        self._text_is_out = self._taken = False
        proven = self._session.proven
        try:
            return self._converse(letter)
        except _ServerEnds as end:
            said = end.answer
        except Closed:
            self._session.abandon()
            return _untouched(letter)
        except (OSError, ValueError) as error:
            said = Answer(BROKEN, describe(error))
        self._session.abandon()
        untouched = proven and not self._taken
        uncertain = self._text_is_out and said.code == BROKEN
        return Report(letter, said, {}, uncertain=uncertain, untouched=untouched)

    def _converse(self, letter: L) -> Report[L]:
        self._wire.allow(self._session.timeout)
        if not self._announced:
            self._wire.send(self._commands(letter))
        self._announced = False
        sender, refused, go_ahead = self._answers(letter)
        if sender.code == ACCEPTED and go_ahead.code == 354 and len(refused) < len(letter.recipients):
            self._permit(letter)
            return self._say_text(letter, refused)
        if go_ahead.code == 354:  # the server wants a text all the same: RFC 2920 section 3.1 says to send an empty one
            self._say(b"\r\n.\r\n")
        else:  # MAIL of the next one needs the transaction gone
            self._say(b"RSET\r\n")
        self._reply()
        # What RCPT was answered after a refused MAIL is of no interest.
        return Report(letter, go_ahead, refused) if sender.code == ACCEPTED else Report(letter, sender, {})

    def _say_text(self, letter: L, refused: dict[str, Answer]) -> Report[L]:
        self._wire.allow(self._session.timeout)
        self._say(quoted(letter.data))
        self._text_is_out = True
        self._wire.allow(self._session.timeout * PATIENCE)
        reply = self._reply()
        self._text_is_out = False
        self._session.proven = True
        return Report(letter, reply, refused)

    def _say(self, text: bytes) -> None:
        """The end of a letter and, in the same packet, the beginning of the next."""
        self._following = following = self._take(False)
        self._announced = following is not None and _fits(following)
        if len(text) > CHUNK:
            self._wire.send(text)
            text = b""
        self._wire.send(text + (self._commands(following) if following and self._announced else b""))

    def _commands(self, letter: L) -> bytes:
        return commands(letter, sized=self._wire.has_extn("size"))

    def _answers(self, letter: L) -> tuple[Answer, dict[str, Answer], Answer]:
        """To MAIL, to RCPT of those refused, and to DATA."""
        sender = self._reply()
        self._taken = True
        answers = [(recipient, self._reply()) for recipient in letter.recipients]
        refused = {who: answer for who, answer in answers if answer.code not in (250, 251)}
        return sender, refused, self._reply()

    def _reply(self) -> Answer:
        answer = _answer(*self._wire.getreply())
        if answer.code == 421:
            raise _ServerEnds(answer)
        return answer


def _fits(letter: Letter) -> bool:
    """Whether it may be said in one breath; what smtplib would refuse is left to it."""
    addresses = (letter.sender, *letter.recipients)
    return len(addresses) <= MOST_AT_ONCE and all(one.isascii() and one.isprintable() for one in addresses)


def commands(letter: Letter, sized: bool) -> bytes:
    """MAIL, RCPT and DATA of bare addresses, as `addr_spec()` makes them (smtplib would parse each anew)."""
    size = f" size={len(letter.data)}" if sized else ""
    recipients = "".join(f"RCPT TO:<{one_line(recipient)}>\r\n" for recipient in letter.recipients)
    return f"MAIL FROM:<{one_line(letter.sender)}>{size}\r\n{recipients}DATA\r\n".encode("ascii")


def quoted(data: bytes) -> bytes:
    """The text with its end, as DATA wants it (RFC 5321 section 4.5.2)."""
    if b"\n." in data or data.startswith(b"."):
        data = re.sub(rb"(?m)^\.", b"..", data)
    return data + (b".\r\n" if data.endswith(b"\r\n") else b"\r\n.\r\n")


def _untouched(letter: L) -> Report[L]:
    return Report(letter, Answer(BROKEN, ""), {}, untouched=True)


@lru_cache(maxsize=64)
def _answer(code: int, reply: bytes) -> Answer:
    """Most replies of a server are alike."""
    return Answer(code, _text(reply))


def _text(reply: bytes | str) -> str:
    text = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
    return " ".join(storable(text).split())
