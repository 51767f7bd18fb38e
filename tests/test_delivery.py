"""What the outbox took is delivered, retried or explained."""

from collections.abc import Callable
from typing import Any

import pytest

from mailconfig.outbox.models import Attempt, MessageContent, QueuedMessage, ServerQueue, State
from mailconfig.outbox.signals import message_failed, queue_paused, queue_resumed
from tests.conftest import MailServerFactory, ScriptedServerFactory, SMTPServerFactory
from tests.queued_mail import Time, message, queue, queue_one
from tests.servers.scripted import Conversation, Hangup, close
from tests.servers.smtp import SMTPServer

PIPELINED = "250-mail.test\r\n250-PIPELINING\r\n250 SIZE 10000000"
ONE_BY_ONE = "250-mail.test\r\n250 SIZE 10000000"


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture(params=[True, False], ids=["pipelined", "one by one"])
def server(
    request: pytest.FixtureRequest, smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> SMTPServer:
    server = smtp_server(pipelining=request.param)
    mail_server(server, auth_method="none")
    return server


@pytest.fixture(params=[PIPELINED, ONE_BY_ONE], ids=["pipelined", "one by one"])
def features(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def states() -> list[str]:
    return list(QueuedMessage.objects.order_by("pk").values_list("state", flat=True))


def outcomes(stored: QueuedMessage) -> list[str]:
    return list(stored.history.values_list("outcome", flat=True))


# --- delivered ---


def test_a_message_arrives_as_it_was_stored(server: SMTPServer, time: Time) -> None:
    stored = queue_one(
        subject="Grüße", body="A dot\r\n.\r\n..two\r\nend\r\n", to=["a@example.com"], bcc=["b@example.com"]
    )
    assert time.deliver().sent == 1
    [received] = server.messages
    assert received.content == bytes(stored.content.data)
    assert (received.sender, received.recipients) == ("me@example.com", ["a@example.com", "b@example.com"])
    assert received.message["Message-ID"] == stored.message_id
    stored.refresh_from_db()
    assert (stored.state, stored.attempts, stored.lease, stored.reason) == (State.SENT, 1, "", "")
    assert stored.finished_at == time.now
    [attempt] = stored.history.all()
    assert attempt.outcome == Attempt.Outcome.SENT
    assert attempt.server == f"127.0.0.1:{server.port}"
    assert "250 2.0.0 Accepted as 1" in attempt.detail
    assert time.deliver().sent == 0


def test_many_go_over_few_connections_each_once(server: SMTPServer, time: Time) -> None:
    ServerQueue.objects.create(alias="default", connections=2)
    queue(*(message(number) for number in range(300)))
    assert time.deliver().sent == 300
    subjects = [received.message["Subject"] for received in server.messages]
    assert sorted(subjects) == sorted(f"Number {number}" for number in range(300))
    assert server.connections <= 2
    assert set(states()) == {State.SENT}


def test_the_urgent_goes_first_and_bulk_last(server: SMTPServer, time: Time) -> None:
    ServerQueue.objects.create(alias="default", connections=1)
    for priority in ("low", "normal", "high"):
        queue(message(subject=priority), priority=priority)
    time.deliver()
    assert [received.message["Subject"] for received in server.messages] == ["high", "normal", "low"]


def test_each_mailer_has_its_own_server(
    server: SMTPServer, smtp_server: SMTPServerFactory, mail_server: MailServerFactory, time: Time
) -> None:
    other = smtp_server()
    mail_server(other, alias="other", auth_method="none")
    queue(message(subject="to the other"), alias="other")
    assert time.deliver().sent == 0
    assert time.deliver("other").sent == 1
    assert len(other.messages) == 1
    assert server.messages == []


def test_a_message_whose_content_was_deleted_fails_and_is_not_sent_empty(server: SMTPServer, time: Time) -> None:
    stored = queue_one()
    queue(message(2))
    MessageContent.objects.filter(message=stored).delete()
    assert time.deliver().sent == 1
    stored.refresh_from_db()
    assert (stored.state, stored.reason) == (State.FAILED, "Its content is no longer there.")
    assert len(server.messages) == 1


# --- recipients ---


def test_one_bad_recipient_among_five_stops_none_of_the_others(server: SMTPServer, time: Time) -> None:  # S-20
    server.replies = {"bad@example.com": "550 5.1.1 No such user"}
    stored = queue_one(to=["a@example.com", "b@example.com", "bad@example.com", "c@example.com", "d@example.com"])
    assert time.deliver().sent == 1
    stored.refresh_from_db()
    assert stored.state == State.SENT
    assert stored.refused == {"bad@example.com": "550 5.1.1 No such user"}
    assert stored.reason == "550 5.1.1 No such user"
    assert server.messages[0].recipients == ["a@example.com", "b@example.com", "c@example.com", "d@example.com"]


def test_who_is_put_off_gets_it_later_and_nobody_twice(server: SMTPServer, time: Time) -> None:  # S-28
    server.replies = {"grey@example.com": "451 4.7.1 Greylisted"}
    stored = queue_one(to=["a@example.com", "grey@example.com"])
    assert time.deliver().deferred == 1
    stored.refresh_from_db()
    assert stored.state == State.QUEUED
    assert 60 <= (stored.due_at - time.now).total_seconds() <= 75
    assert stored.reason == "451 4.7.1 Greylisted"
    assert time.deliver().deferred == 0
    server.replies = {}
    time.passes(minutes=2)
    assert time.deliver().sent == 1
    assert [received.recipients for received in server.messages] == [["a@example.com"], ["grey@example.com"]]
    stored.refresh_from_db()
    assert (stored.state, stored.attempts, stored.refused) == (State.SENT, 2, {})
    assert outcomes(stored) == ["deferred", "sent"]


def test_nobody_wanting_it_ends_it_and_tells(server: SMTPServer, time: Time) -> None:  # S-26
    told: list[Any] = []
    message_failed.connect(lambda **known: told.append(known["reason"]), weak=False, dispatch_uid="test")
    server.replies = {"a@example.com": "550 5.1.1 No such user", "b@example.com": "550 5.1.1 No such user"}
    stored = queue_one(to=["a@example.com", "b@example.com"])
    queue(message(2))
    tally = time.deliver()
    message_failed.disconnect(dispatch_uid="test")
    assert (tally.failed, tally.sent) == (1, 1)
    stored.refresh_from_db()
    assert (stored.state, stored.reason) == (State.FAILED, "550 5.1.1 No such user")
    assert told == ["550 5.1.1 No such user"]
    assert [received.message["Subject"] for received in server.messages] == ["Number 2"]


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "message"])
@pytest.mark.parametrize(("reply", "state"), [("550 5.7.1 No", State.FAILED), ("451 4.3.0 Later", State.QUEUED)])
def test_a_refusal_at_any_stage_is_about_this_message_only(
    scripted_server: ScriptedServerFactory,
    mail_server: MailServerFactory,
    time: Time,
    features: str,
    stage: str,
    reply: str,
    state: State,
) -> None:
    fine = {"MAIL": "250 OK", "RCPT": "250 OK", "DATA": "354 Go ahead", "message": "250 OK"}[stage]
    server = scripted_server({"EHLO": features, stage: [fine, reply, fine]})
    if stage == "DATA":
        server.script = {"EHLO": features, "DATA": data_refused_once(reply)}
    mail_server(server, auth_method="none")
    ServerQueue.objects.create(alias="default", connections=1)
    queue(*(message(number) for number in range(4)))
    tally = time.deliver()
    assert states() == [State.SENT, state, State.SENT, State.SENT]
    assert (tally.sent, tally.failed + tally.deferred) == (3, 1)
    assert QueuedMessage.objects.get(subject="Number 1").reason == reply


def data_refused_once(reply: str) -> Callable[[Conversation], None]:
    def act(conversation: Conversation) -> None:
        if conversation.seen["DATA"] == 2:
            conversation.reply(reply)
            return
        conversation.reply("354 Go ahead")
        conversation.server.messages.append(conversation.receive(b"\r\n.\r\n"))
        conversation.reply("250 OK")

    return act


# --- faults ---


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "message"])
def test_a_421_in_the_middle_of_a_batch_delays_nobody(
    scripted_server: ScriptedServerFactory, mail_server: MailServerFactory, time: Time, features: str, stage: str
) -> None:
    def ends_after_three(conversation: Conversation) -> None:
        if conversation.number == 1 and conversation.seen[stage] == 4:
            conversation.reply("421 4.7.0 Enough for one connection")
            raise Hangup
        conversation.reply("250 OK")

    server = scripted_server({"EHLO": features, stage: ends_after_three})
    mail_server(server, auth_method="none")
    ServerQueue.objects.create(alias="default", connections=1)
    queue(*(message(number) for number in range(10)))
    tally = time.deliver()
    time.passes(minutes=2)
    tally += time.deliver()
    assert tally.sent == 10
    assert tally.deferred == (0 if stage == "MAIL" else 1)
    assert server.connections == 2


def test_a_poison_message_stops_none_of_the_others(
    scripted_server: ScriptedServerFactory, mail_server: MailServerFactory, time: Time, features: str
) -> None:
    def dies_of_poison(conversation: Conversation) -> None:
        if b"poison" in conversation.server.messages[-1]:
            raise Hangup
        conversation.reply("250 OK")

    mail_server(scripted_server({"EHLO": features, "message": dies_of_poison}), auth_method="none")
    queue(*(message(number, body="poison" if number in (2, 7) else "food") for number in range(10)))
    tally = time.deliver()
    assert (tally.sent, tally.deferred) == (8, 2)
    poisoned = QueuedMessage.objects.filter(state=State.QUEUED)
    assert sorted(one.subject for one in poisoned) == ["Number 2", "Number 7"]
    assert {one.uncertain for one in poisoned} == {1}
    for _day in range(60):
        time.passes(hours=4.1)
        time.deliver()
    assert sorted(one.subject for one in QueuedMessage.objects.filter(state=State.FAILED)) == ["Number 2", "Number 7"]


def test_a_server_that_always_hangs_up_holds_the_queue_instead_of_burning_it(
    scripted_server: ScriptedServerFactory, mail_server: MailServerFactory, time: Time, features: str
) -> None:
    server = scripted_server({"EHLO": features, "MAIL": close})
    mail_server(server, auth_method="none")
    queue(*(message(number) for number in range(50)))
    assert time.deliver().deferred < 10
    assert ServerQueue.objects.get().trouble == ServerQueue.Trouble.CONNECTION
    assert server.connections < 12


def test_a_server_that_is_down_for_three_days_gets_all_in_the_end(  # S-26
    smtp_server: SMTPServerFactory, mail_server: MailServerFactory, time: Time
) -> None:
    server = smtp_server()
    mail_server(server, auth_method="none")
    server.stop()
    queue(*(message(number) for number in range(20)))
    for _quarter in range(3 * 24 * 4):
        time.passes(minutes=15)
        assert time.deliver().sent == 0
    assert set(states()) == {State.QUEUED}
    held = ServerQueue.objects.get()
    assert held.trouble == ServerQueue.Trouble.CONNECTION
    assert "refused" in held.problem
    server.start()
    time.passes(minutes=15)
    assert time.deliver().sent == 20
    assert ServerQueue.objects.get().trouble == ServerQueue.Trouble.NONE
    assert set(QueuedMessage.objects.values_list("attempts", flat=True)) == {1}


def test_what_waited_for_five_days_fails_and_says_why(mail_server: MailServerFactory, time: Time) -> None:  # S-26
    mail_server(host="127.0.0.1", port=1, auth_method="none", security="none")
    stored = queue_one()
    time.deliver()
    time.passes(days=5)
    queue(message(2))
    QueuedMessage.objects.filter(subject="Number 2").update(created_at=time.now, due_at=time.now)
    assert time.deliver().failed == 1
    stored.refresh_from_db()
    assert stored.state == State.FAILED
    assert "refused" in stored.reason
    assert outcomes(stored) == ["refused"]
    assert states() == [State.FAILED, State.QUEUED]


# --- the login (S-28) ---


@pytest.fixture
def told() -> Any:
    heard: list[str] = []

    def note_pause(queue: ServerQueue, **_known: Any) -> None:
        heard.append(f"paused: {queue.trouble}")

    def note_resume(**_known: Any) -> None:
        heard.append("resumed")

    queue_paused.connect(note_pause)
    queue_resumed.connect(note_resume)
    yield heard
    queue_paused.disconnect(note_pause)
    queue_resumed.disconnect(note_resume)


def test_a_refused_login_pauses_the_queue_until_the_settings_change(  # S-28
    smtp_server: SMTPServerFactory, mail_server: MailServerFactory, time: Time, told: list[str]
) -> None:
    server = smtp_server(security="starttls", users={"me": "secret"})
    row = mail_server(server, auth_method="plain", username="me", password="wrong")
    queue(*(message(number) for number in range(20)))
    for _minute in range(14):
        assert time.deliver().sent == 0
        time.passes(minutes=1)
    assert len(server.logins) == 1
    assert told == ["paused: login"]
    assert set(QueuedMessage.objects.values_list("attempts", flat=True)) == {0}
    held = ServerQueue.objects.get()
    assert held.problem.startswith("535")
    assert "wrong" not in held.problem  # S-2
    row.password, row.revision = "secret", row.revision + 1
    row.save()
    assert time.deliver().sent == 20
    assert told == ["paused: login", "resumed"]


def test_after_some_time_a_refused_login_is_tried_once_more(
    smtp_server: SMTPServerFactory, mail_server: MailServerFactory, time: Time, told: list[str]
) -> None:
    server = smtp_server(security="starttls", users={"me": "secret"})
    mail_server(server, auth_method="plain", username="me", password="wrong")
    queue(message())
    time.deliver()
    time.passes(minutes=20)
    time.deliver()
    assert len(server.logins) == 2
    server.users = {"me": "wrong"}  # now it is right
    time.passes(hours=1)
    assert time.deliver().sent == 1
    assert told == ["paused: login", "resumed"]


def test_a_server_that_wants_a_login_before_it_takes_mail_pauses_the_queue_too(
    smtp_server: SMTPServerFactory, mail_server: MailServerFactory, time: Time, told: list[str]
) -> None:
    mail_server(smtp_server(security="starttls", users={"me": "secret"}, pipelining=True), auth_method="none")
    queue(*(message(number) for number in range(20)))
    time.deliver()
    assert told == ["paused: login"]
    assert ServerQueue.objects.get().problem.startswith("530")
    assert set(states()) == {State.QUEUED}
    assert set(QueuedMessage.objects.values_list("attempts", flat=True)) == {0}


def test_a_site_without_server_keeps_its_mail_until_there_is_one(
    db: None, mail_server: MailServerFactory, smtp_server: SMTPServerFactory, time: Time, told: list[str]
) -> None:
    queue(message())
    assert time.deliver().sent == 0
    assert told == ["paused: settings"]
    mail_server(smtp_server(), auth_method="none")
    assert time.deliver().sent == 1


# --- limits (S-29) ---


def test_no_more_go_out_in_a_minute_than_the_server_takes(server: SMTPServer, time: Time) -> None:  # S-29
    ServerQueue.objects.create(alias="default", per_minute=30)
    queue(*(message(number) for number in range(70)))
    assert [time.deliver().sent, time.deliver().sent] == [30, 0]
    time.passes(seconds=61)
    assert time.deliver().sent == 30
    time.passes(seconds=61)
    assert time.deliver().sent == 10


def test_a_queue_paused_by_hand_stays_so(server: SMTPServer, time: Time) -> None:
    ServerQueue.objects.create(alias="default", trouble=ServerQueue.Trouble.BY_HAND)
    queue(message())
    time.passes(days=1)
    assert time.deliver().sent == 0
