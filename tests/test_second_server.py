"""The second server of a queue: it takes the mail while the first can't, and gives it back."""

from datetime import datetime

import pytest
from django.core.exceptions import ValidationError

from mailconfig.outbox.models import QueuedMessage, ServerQueue
from mailconfig.outbox.warnings import warnings
from tests.conftest import MailServerFactory, SMTPServerFactory
from tests.queued_mail import Time, message, queue
from tests.servers.smtp import SMTPServer

Servers = tuple[SMTPServer, SMTPServer]
Trouble = ServerQueue.Trouble


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def servers(smtp_server: SMTPServerFactory, mail_server: MailServerFactory) -> Servers:
    """The first, which is down, and the second."""
    first, second = smtp_server(), smtp_server(pipelining=True)
    first.stop()
    mail_server(first, auth_method="none")
    mail_server(second, alias="backup", auth_method="none")
    ServerQueue.objects.create(alias="default", second="backup")
    return first, second


def queue_some(count: int = 5) -> None:
    queue(*(message(number) for number in range(count)))


def first_queue() -> ServerQueue:
    return ServerQueue.objects.get(alias="default")


def test_mail_goes_through_the_second_server_until_the_first_works_again(servers: Servers, time: Time) -> None:
    first, second = servers
    queue_some()
    assert time.deliver().sent == 5
    assert len(second.messages) == 5
    assert first_queue().trouble == Trouble.CONNECTION
    queue_some(1)
    assert time.deliver().sent == 1  # not tried before its time
    first.start()
    queue_some()
    time.passes(minutes=2)
    assert time.deliver().sent == 5
    assert (len(first.messages), len(second.messages)) == (5, 6)
    assert first_queue().trouble == Trouble.NONE
    queue_some()
    assert time.deliver().sent == 5
    assert len(first.messages) == 10


def test_a_long_run_through_the_second_server_ends_when_the_first_is_to_be_tried_again(servers: Servers) -> None:
    first, second = servers
    queue_some(240)

    class MinutesAfterTheFirstMessage(Time):
        def __call__(self) -> datetime:
            if second.messages and not first_is_back:
                first_is_back.append(True)
                first.start()
                self.passes(minutes=2)
            return self.now

    first_is_back: list[bool] = []
    time = MinutesAfterTheFirstMessage()
    by_second = time.deliver().sent
    assert 0 < by_second < 240
    assert time.deliver().sent == 240 - by_second == len(first.messages)
    assert len(second.messages) == by_second


def test_the_attempts_say_which_server_it_was(servers: Servers, time: Time) -> None:
    queue_some(1)
    time.deliver()
    [attempt] = QueuedMessage.objects.get().history.all()
    assert attempt.server == f"127.0.0.1:{servers[1].port}"


@pytest.mark.parametrize(
    ("fields", "trouble"),
    [
        ({"auth_method": "plain", "username": "me", "password": "wrong"}, Trouble.LOGIN),
        ({"auth_method": "none", "host": ""}, Trouble.SETTINGS),
    ],
)
def test_a_first_server_that_refuses_us_or_is_not_configured_is_stood_in_for(
    servers: Servers,
    smtp_server: SMTPServerFactory,
    mail_server: MailServerFactory,
    time: Time,
    fields: dict[str, str],
    trouble: str,
) -> None:
    refuses = smtp_server(security="starttls", users={"me": "secret"})
    mail_server(refuses, **fields)
    queue_some()
    assert time.deliver().sent == 5
    assert len(servers[1].messages) == 5
    assert first_queue().trouble == trouble
    assert len(refuses.logins) <= 1


def test_what_was_on_its_way_when_the_first_server_went_goes_through_the_second(
    servers: Servers, smtp_server: SMTPServerFactory, mail_server: MailServerFactory, time: Time
) -> None:
    first = smtp_server(users={"me": "secret"})  # it wants a login as soon as a message comes
    mail_server(first, auth_method="none")
    queue_some(30)
    assert time.deliver().sent == 30
    assert len(servers[1].messages) == 30
    assert first_queue().trouble == Trouble.LOGIN


def test_mail_paused_by_a_person_waits_also_where_there_is_a_second_server(servers: Servers, time: Time) -> None:
    ServerQueue.objects.update(trouble=Trouble.BY_HAND)
    queue_some()
    time.passes(days=1)
    assert time.deliver().sent == 0


def test_a_second_server_that_a_person_paused_stands_in_for_nobody(servers: Servers, time: Time) -> None:
    ServerQueue.objects.create(alias="backup", trouble=Trouble.BY_HAND)
    queue_some()
    assert time.deliver().sent == 0
    assert servers[1].connections == 0


def test_a_person_who_pauses_stops_mail_in_the_middle(
    smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> None:
    server = smtp_server(pipelining=True)
    mail_server(server, auth_method="none")
    queue_some(240)

    class PausedInTheMiddle(Time):
        def __call__(self) -> datetime:
            if server.messages:
                ServerQueue.objects.update(trouble=Trouble.BY_HAND)
            return self.now

    time = PausedInTheMiddle()
    assert 0 < time.deliver().sent < 240
    assert set(QueuedMessage.objects.values_list("state", flat=True)) == {"sent", "queued"}
    assert not QueuedMessage.objects.filter(state="queued").exclude(lease="").exists()


def test_the_limits_of_the_second_server_are_kept(servers: Servers, time: Time) -> None:  # S-29
    ServerQueue.objects.create(alias="backup", per_minute=3, connections=1)
    queue_some(5)
    queue(message(9), alias="backup")
    assert time.deliver("backup").sent == 1
    assert time.deliver().sent == 2
    assert time.deliver().sent == 0
    time.passes(seconds=61)
    assert time.deliver().sent == 3
    assert servers[1].connections <= 2


def test_two_servers_that_are_down_lose_nothing_and_are_both_asked_in_their_time(servers: Servers, time: Time) -> None:
    second = servers[1]
    second.stop()
    queue_some()
    for _quarter in range(8):
        assert time.deliver().sent == 0
        time.passes(minutes=15)
    assert set(ServerQueue.objects.values_list("trouble", flat=True)) == {Trouble.CONNECTION}
    second.start()
    assert time.deliver().sent == 5
    assert set(QueuedMessage.objects.values_list("attempts", flat=True)) == {1}


def test_what_is_five_days_old_still_goes_through_the_second_server(servers: Servers, time: Time) -> None:
    queue_some(2)
    time.passes(days=6)
    tally = time.deliver()
    assert (tally.sent, tally.failed) == (2, 0)


def test_the_warning_says_that_the_mail_goes_through_the_second_server(servers: Servers, time: Time) -> None:  # S-30
    queue_some(1)
    time.deliver()
    [warning] = warnings()
    assert warning.startswith("Mail of “default” goes through “backup”")
    ServerQueue.objects.filter(alias="backup").update(trouble=Trouble.BY_HAND)
    assert "Mail of “default” waits" in " ".join(warnings())


@pytest.mark.parametrize(
    ("second", "complaint"),
    [("default", "This is the first server itself."), ("backup", "“backup” has no server yet."), ("", "")],
)
def test_a_second_server_is_another_one_that_is_configured(db: None, second: str, complaint: str) -> None:
    queue = ServerQueue(alias="default", second=second)
    if not complaint:
        queue.full_clean()
        return
    with pytest.raises(ValidationError, match=complaint):
        queue.full_clean()
