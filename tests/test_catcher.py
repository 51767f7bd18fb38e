"""The mail catcher: takes and shows whatever it is given."""

import smtplib
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from mailconfig.catcher import models, reading
from mailconfig.catcher.models import CaughtMessage
from mailconfig.catcher.server import Catcher
from mailconfig.storable import storable
from mailconfig.website.listening import listen, port_of

LIST = "/admin/catcher/caughtmessage/"


@pytest.fixture
def database(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that the catcher's threads write to as well."""

    # Django never closes a connection to SQLite in memory, for the content goes with the last one. That is the main
    # thread's; those of the catcher's threads shall close as they do with any other database.
    def in_memory(wrapper: BaseDatabaseWrapper) -> bool:
        return wrapper is connections["default"] and threading.current_thread() is threading.main_thread()

    if connections["default"].vendor == "sqlite":
        monkeypatch.setattr(type(connections["default"]), "is_in_memory_db", in_memory)


@pytest.fixture
def catcher(database: None) -> Iterator[smtplib.SMTP]:
    """A client of a running catcher."""
    listening = listen("127.0.0.1", 0)
    with Catcher(listening), smtplib.SMTP("127.0.0.1", port_of(listening), "client.example.com") as client:
        yield client


def caught(raw: bytes, sender: str = "a@example.com") -> CaughtMessage:
    return CaughtMessage.objects.keep(
        raw=raw, sender=sender, recipients=["b@example.com"], ehlo_name="c.example.com", peer="127.0.0.1"
    )


@pytest.fixture
def administrator(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("admin", password="x"))
    return client


def test_it_keeps_envelope_ehlo_name_and_the_bytes(catcher: smtplib.SMTP) -> None:
    raw = b"Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n\r\n8-bit \xff and a dot\r\n.\r\n"
    catcher.sendmail("a@example.com", ["b@example.com", "c@example.com"], raw, ["BODY=8BITMIME"])
    message = CaughtMessage.objects.get()
    assert (message.sender, message.recipients) == ("a@example.com", "b@example.com\nc@example.com")
    assert (message.ehlo_name, message.peer, message.subject) == ("client.example.com", "127.0.0.1", "Grüße")
    assert bytes(message.raw) == raw


def test_it_takes_international_addresses_and_the_empty_sender(catcher: smtplib.SMTP) -> None:
    message = EmailMessage(policy=SMTP.clone(utf8=True))
    message["Subject"] = "Grüße"
    catcher.sendmail("jörg@bücher.example", ["用户@例子.example"], message.as_bytes(), ["SMTPUTF8"])
    catcher.sendmail("", ["b@example.com"], b"Subject: Bounce\r\n\r\n")
    bounce, international = CaughtMessage.objects.all()
    assert (bounce.sender, bounce.subject) == ("", "Bounce")
    assert (international.sender, international.recipients) == ("jörg@bücher.example", "用户@例子.example")
    assert international.subject == "Grüße"


@pytest.mark.slow
def test_it_takes_a_message_of_20_mb_and_shows_its_beginning(catcher: smtplib.SMTP, client: Client) -> None:
    raw = b"Subject: Large\r\n\r\n" + b"0123456789" * 7 + b"\r\n" + (b"x" * 70 + b"\r\n") * 290_000
    assert len(raw) > 20_000_000
    catcher.sendmail("a@example.com", ["b@example.com"], raw)
    message = CaughtMessage.objects.get()
    assert bytes(message.raw) == raw
    client.force_login(User.objects.create_superuser("admin", password="x"))
    page = client.get(f"{LIST}{message.pk}/change/")
    assert page.status_code == 200
    assert len(page.content) < 500_000
    assert b"Only the beginning is shown" in page.content


def test_it_refuses_what_is_too_large_before_it_is_sent(catcher: smtplib.SMTP) -> None:
    catcher.ehlo()
    code, _reply = catcher.docmd("MAIL", "FROM:<a@example.com> SIZE=99999999")
    assert code == 552


def test_it_ends_while_a_client_stays_connected(database: None) -> None:
    listening = listen("127.0.0.1", 0)
    with Catcher(listening):
        client = smtplib.SMTP("127.0.0.1", port_of(listening), "client.example.com")
        client.ehlo()
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.noop()
    client.close()


def test_it_keeps_only_the_newest(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "KEPT", 3)
    for number in range(5):
        caught(f"Subject: {number}\n\n".encode())
    assert [message.subject for message in CaughtMessage.objects.all()] == ["4", "3", "2"]


def test_a_message_shows_text_escaped_and_html_only_as_source(administrator: Client) -> None:
    message = EmailMessage(policy=SMTP)
    message["Subject"] = "<script>alert(1)</script>"
    message.set_content("Plain </textarea><script>alert(2)</script>")
    message.add_alternative("<h1>Shouting</h1>", subtype="html")
    page = administrator.get(f"{LIST}{caught(message.as_bytes()).pk}/change/").content.decode()
    assert "<script>alert" not in page
    assert "Plain &lt;/textarea&gt;&lt;script&gt;alert(2)" in page
    assert "&lt;h1&gt;Shouting" in page
    assert "<h1>Shouting" not in page


def test_the_list_is_searched_and_offers_neither_adding_nor_changing(administrator: Client) -> None:
    caught(b"Subject: Apples\n\n")
    pears = caught(b"Subject: Pears\n\n", sender="someone@orchard.example")
    assert b"Apples" in administrator.get(LIST).content
    found = administrator.get(LIST, {"q": "orchard"}).content
    assert b"Pears" in found
    assert b"Apples" not in found
    assert administrator.get(f"{LIST}add/").status_code == 403
    assert administrator.post(f"{LIST}{pears.pk}/change/", {"subject": "Plums"}).status_code == 403
    assert administrator.post(f"{LIST}{pears.pk}/delete/", {"post": "yes"}).status_code == 302
    assert [message.subject for message in CaughtMessage.objects.all()] == ["Apples"]


def test_the_source_is_downloaded_as_it_came_by_those_who_may_view(client: Client, db: None) -> None:
    raw = b"Subject: \xff\r\n\r\n\x00<script>"
    address = f"{LIST}{caught(raw).pk}/source/"
    charlie = User.objects.create_user("charlie", is_staff=True)
    assert client.get(address).status_code == 302
    client.force_login(charlie)
    assert client.get(address).status_code == 403
    charlie.user_permissions.add(Permission.objects.get(codename="view_caughtmessage"))
    response = client.get(address)
    assert b"".join(response.streaming_content) == raw  # type: ignore[attr-defined]
    assert response.headers["Content-Type"] == "message/rfc822"
    assert response.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff\xfe",
        b"no headers at all",
        b"Subject\n: broken\n\n",
        b"Subject: =?nonsense?b?4pyT?= =?utf-8?q?=ff?= =?utf-8?b?!?=\n\n",
        b"Subject: =?utf-8?b?a?=\n\n",
        b"Subject: \xe4\xf6\xfc raw latin-1\n\nb\xf6dy",
        b"Content-Type: text/plain; charset=idna\n\n\xff",
        b'Content-Type: text/plain; charset="\0"\n\n\xff',
        b"Content-Type: multipart/mixed\n\nno boundary",
        b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n!!!!",
        b"Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: text/plain; \xff\n\n" * 3000,
        b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000)),
    ],
    ids=range(13),
)
def test_a_broken_message_is_kept_and_shown(administrator: Client, raw: bytes) -> None:
    message = caught(raw, sender="broken \udcff\0 sender")
    assert administrator.get(LIST).status_code == 200
    assert administrator.get(f"{LIST}{message.pk}/change/").status_code == 200


@given(st.binary() | st.binary().map(lambda body: b"Content-Type: text/plain; charset=" + body))
def test_reading_never_fails_and_gives_what_a_database_takes(raw: bytes) -> None:
    texts = [reading.subject(raw), reading.headers(raw), storable(raw.decode("utf-8", "surrogateescape"))]
    reading.body(raw)
    assert "\0" not in "".join(texts)
    assert "".join(texts).encode().decode() == "".join(texts)


def test_an_attachment_is_not_taken_for_the_text() -> None:
    message = EmailMessage(policy=SMTP)
    message.set_content("<p>Only HTML</p>", subtype="html")
    message.add_attachment("attached text", filename="a.txt")
    assert reading.body(message.as_bytes()) == ""
