"""A connection is kept for the next mail, and never for settings that have changed."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.mail import EmailMessage

from mailconfig.backends import EmailBackend
from mailconfig.pool import Pool
from mailconfig.smtp import ServerSettings, Session
from tests.conftest import MailServerFactory, ScriptedServerFactory, SMTPServerFactory
from tests.servers import scripted
from tests.servers.certificates import Authority
from tests.servers.scripted import ScriptedServer
from tests.servers.smtp import SMTPServer
from tests.sessions import MESSAGE, RECIPIENT, SENDER, settings_for


def send(subject: str = "Hello") -> int:
    return EmailMessage(subject, "Hello", to=[RECIPIENT]).send()


def connections_of(server: SMTPServer) -> list[int]:
    return [received.connection for received in server.messages]


def until(condition: Callable[[], bool]) -> bool:
    """Wait for what another thread does, at most some seconds."""
    deadline = time.monotonic() + 5
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


# --- reuse ---


@pytest.mark.parametrize("security", ["none", "starttls", "ssl"])
def test_the_next_mail_uses_the_connection_of_the_last(
    smtp_server: SMTPServerFactory, mail_server: MailServerFactory, security: str
) -> None:
    server = smtp_server(security=security, users={"me": "secret"})
    mail_server(server, auth_method="auto", username="me", password="secret")
    assert [send(), send(), send()] == [1, 1, 1]
    assert connections_of(server) == [1, 1, 1]
    assert len(server.logins) == 1


def test_with_keep_alive_0_each_mail_has_its_own(
    scripted_server: ScriptedServerFactory, mail_server: MailServerFactory
) -> None:
    server = scripted_server()
    mail_server(server)
    backend = EmailBackend(alias="default", keep_alive=0)
    for _mail in range(2):
        assert backend.send_messages([EmailMessage("Hello", to=[RECIPIENT])]) == 1
    assert server.connections == 2
    assert server.lines.count("QUIT") == 2


def test_after_a_refused_message_the_connection_is_still_good(
    smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> None:
    server = smtp_server(replies={"nobody@example.com": "550 5.1.1 Unknown"})
    mail_server(server)
    with pytest.raises(OSError, match="Unknown"):
        EmailMessage("Hello", to=["nobody@example.com"]).send()
    send()
    assert connections_of(server) == [1]


# --- changed settings ---


@pytest.mark.parametrize(
    "change",
    [{"ehlo_name": "other.example.com"}, {"password": "new"}, {"timeout": 6}, {"from_email": "other@example.com"}],
    ids=str,
)
def test_changed_settings_get_a_new_connection_and_the_old_one_is_closed(
    scripted_server: ScriptedServerFactory,
    mail_server: MailServerFactory,
    change: dict[str, object],
) -> None:
    server = scripted_server(security="ssl")
    account = {"auth_method": "plain", "username": "me", "password": "secret"}
    mail_server(server, **account)
    send()
    mail_server(server, **(account | change))
    send()
    assert server.connections == 2
    assert server.lines.count("QUIT") == 1


def test_another_server_is_used_at_once(smtp_server: SMTPServerFactory, mail_server: MailServerFactory) -> None:
    old, new = smtp_server(), smtp_server()
    mail_server(old)
    send()
    mail_server(new)
    send()
    assert (len(old.messages), len(new.messages)) == (1, 1)


def test_the_connections_of_other_mailers_are_left_alone(
    smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> None:
    one, two = smtp_server(), smtp_server()
    mail_server(one)
    mail_server(two, alias="bulk")
    bulk = EmailBackend(alias="bulk")
    send()
    bulk.send_messages([EmailMessage("Hello", to=[RECIPIENT])])
    mail_server(one, timeout=6)
    send()
    bulk.send_messages([EmailMessage("Hello", to=[RECIPIENT])])
    assert connections_of(one) == [1, 2]
    assert connections_of(two) == [1, 1]


# --- idle ---


def idle(pool: Pool, server: ScriptedServer, seconds: float, alias: str = "default") -> ServerSettings:
    """Have a connection kept, and give the settings to take it with."""
    settings = settings_for(server, alias=alias)
    pool.keep(Session(settings).open(), seconds)
    return settings


def test_an_idle_connection_is_closed_after_its_time(scripted_server: ScriptedServerFactory) -> None:
    server, own = scripted_server(), Pool()
    settings = idle(own, server, 0.1)
    assert until(lambda: "QUIT" in server.lines)
    assert own.take(settings) is None


def test_a_short_time_is_kept_beside_a_long_one(scripted_server: ScriptedServerFactory) -> None:
    patient, hasty, own = scripted_server(), scripted_server(), Pool()
    kept = idle(own, patient, 60, alias="patient")
    idle(own, hasty, 0.1, alias="hasty")
    assert until(lambda: "QUIT" in hasty.lines)
    session = own.take(kept)
    assert session
    session.close()
    own.close()


def test_a_connection_that_nobody_could_close_is_not_kept(
    scripted_server: ScriptedServerFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mail has been sent, so that a machine out of threads is no reason for an error."""

    def fail(_timer: threading.Timer) -> None:
        raise RuntimeError("can't start new thread")

    server, own = scripted_server(), Pool()
    monkeypatch.setattr(threading.Timer, "start", fail)
    idle(own, server, 60)
    assert server.lines[-1] == "QUIT"


def test_a_connection_is_handed_out_once(scripted_server: ScriptedServerFactory) -> None:
    own = Pool()
    settings = idle(own, scripted_server(), 60)
    session = own.take(settings)
    assert session
    assert own.take(settings) is None
    session.close()
    own.close()


def test_closing_the_pool_says_goodbye_to_all(scripted_server: ScriptedServerFactory) -> None:
    server, own = scripted_server(), Pool()
    for alias in ("one", "two", "two"):
        idle(own, server, 60, alias=alias)
    own.close()
    assert server.lines.count("QUIT") == 3


# --- servers that end a connection meanwhile ---


def test_a_server_that_restarted_gets_the_message_once(
    smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> None:
    server = smtp_server()
    mail_server(server)
    send()
    server.drop_connections()
    assert send() == 1
    assert connections_of(server) == [1, 2]


ENDINGS: dict[str, scripted.Act] = {
    "421 and close": lambda conversation: _say_and_hang_up(conversation, "421 4.4.2 Idle for too long"),
    "close": scripted.close,
    "reset": scripted.reset,
}


def _say_and_hang_up(conversation: scripted.Conversation, text: str) -> None:
    conversation.reply(text)
    raise scripted.Hangup


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("noticed", ["before the next mail", "at MAIL"])
def test_a_server_that_ended_an_idle_connection_gets_the_message_once(
    scripted_server: ScriptedServerFactory, mail_server: MailServerFactory, ending: str, noticed: str
) -> None:
    act, ended = ENDINGS[ending], threading.Event()

    def end_after_the_first(conversation: scripted.Conversation) -> None:
        conversation.reply("250 2.0.0 Queued")
        if conversation.number == 1:
            ended.set()
            act(conversation)

    def end_at_the_second(conversation: scripted.Conversation) -> None:
        if conversation.number == 1 and len(conversation.server.messages) == 1:
            ended.set()
            act(conversation)
        conversation.reply("250 2.1.0 Fine")

    at_mail = noticed == "at MAIL"
    server = scripted_server({"MAIL": end_at_the_second} if at_mail else {"message": end_after_the_first})
    mail_server(server)
    assert send("First") == 1
    assert at_mail or ended.wait(5)
    assert send("Second") == 1
    assert ended.is_set()
    assert [b"Subject: Second" in content for content in server.messages] == [False, True]
    assert server.connections == 2


@pytest.mark.parametrize("in_one_packet", [True, False])
def test_a_connection_on_which_the_server_spoke_unasked_is_not_used_again(
    scripted_server: ScriptedServerFactory, mail_server: MailServerFactory, in_one_packet: bool
) -> None:
    """Its replies would be taken for those of the next commands."""
    spoken = threading.Event()

    def say_too_much(conversation: scripted.Conversation) -> None:
        conversation.reply("250 2.0.0 Queued" + ("\r\n250 Surprise" if in_one_packet else ""))
        if not in_one_packet:
            conversation.wait(0.05)
            conversation.reply("250 Surprise")
        spoken.set()

    server = scripted_server({"message": say_too_much})
    mail_server(server)
    for _mail in range(2):
        assert send() == 1
        assert spoken.wait(5)
        spoken.clear()
    assert server.connections == 2


@pytest.mark.parametrize(("stage", "good"), [("RCPT", "250 2.1.5 Fine"), ("message", "250 2.0.0 Queued")])
def test_a_kept_connection_that_breaks_in_the_middle_of_a_message_is_an_error(
    scripted_server: ScriptedServerFactory, mail_server: MailServerFactory, stage: str, good: str
) -> None:
    """The server may have taken the message, which must not go out twice."""
    server = scripted_server({stage: [good, scripted.close]})
    mail_server(server)
    send("First")
    with pytest.raises(OSError, match="closed"):
        send("Second")
    assert server.connections == 1


def test_a_server_that_takes_one_message_a_connection_gets_a_whole_batch(
    scripted_server: ScriptedServerFactory, mail_server: MailServerFactory
) -> None:
    server = scripted_server({"MAIL": ["250 2.1.0 Fine", "421 4.7.0 One is enough"]})
    mail_server(server)
    messages = [EmailMessage(f"Number {number}", to=[RECIPIENT]) for number in range(3)]
    assert EmailBackend(alias="default").send_messages(messages) == 3
    assert server.connections == 3


# --- threads ---


def test_eight_threads_at_once_each_have_a_connection_to_themselves(
    smtp_server: SMTPServerFactory, mail_server: MailServerFactory, ca: Authority
) -> None:
    server = smtp_server(security="ssl")
    settings = settings_for(server, ca)
    own = Pool()

    def work(number: int) -> None:
        for _mail in range(20):
            session = own.take(settings) or Session(settings).open()
            session.sendmail(SENDER, [RECIPIENT], b"X-Worker: %d\r\n" % number + MESSAGE)
            own.keep(session, 60)

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(work, range(8)))
    own.close()
    assert len(server.messages) == 160
    assert server.connections <= 8
