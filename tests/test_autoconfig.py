"""What a domain says in its own file is read safely, and only the domain is asked, without the sender's address."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailconfig import autoconfig
from mailconfig.autoconfig import Offer, ask, parse
from mailconfig.provider import Way
from oauthconnections.http import MOST_BYTES
from tests.servers import hostname_service as says
from tests.servers.autoconfig import BILLION_LAUGHS, EXTERNAL_ENTITY, AutoconfigServer, file, server
from tests.servers.certificates import Authority
from tests.servers.hostname_service import Answer
from tests.servers.network import Network

NAMES = ("autoconfig.example.test", "example.test", "elsewhere.example")
Publish = Callable[..., AutoconfigServer]


@pytest.fixture
def publish(network: Network, ca: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publish]:
    """`publish(file(server()))` at autoconfig.example.test."""
    bundle = tmp_path / "ca.pem"
    bundle.write_text(ca.pem)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with ExitStack() as running:

        def start(answer: Answer | str, name: str = NAMES[0], names: tuple[str, ...] = NAMES) -> AutoconfigServer:
            started = running.enter_context(AutoconfigServer(answer, ca.server_context(*names)))
            network.connect(name, 443, started)
            return started

        yield start


GOOD = Offer(Way("smtp.example.test", 587, "starttls"), "address", False)


# --- the file ---


@pytest.mark.parametrize(
    ("servers", "offers"),
    [
        ([server()], [GOOD]),
        ([server(security="SSL", port="465")], [Offer(Way("smtp.example.test", 465, "ssl"), "address", False)]),
        ([server(security="plain", port="25")], [Offer(Way("smtp.example.test", 25, "none"), "address", False)]),
        ([server(host="mail.%EMAILDOMAIN%")], [Offer(Way("mail.example.test", 587, "starttls"), "address", False)]),
        ([server(host=" SMTP.example.test. ")], [GOOD]),
        ([server(username="%EMAILLOCALPART%")], [GOOD._replace(username="local_part")]),
        ([server(username="%EMAILLOCALPART%@%EMAILDOMAIN%")], [GOOD]),
        ([server(username="postmaster@example.test")], [GOOD]),
        ([server(username="postmaster")], [GOOD._replace(username="local_part")]),
        ([server(username="customer")], [GOOD._replace(username="other")]),
        ([server(username="")], [GOOD._replace(username="")]),
        ([server(authentication="OAuth2")], [GOOD._replace(oauth=True)]),
        ([server(kind="other"), server()], [GOOD]),
        ([server(host=""), server(host="a b"), server(host="192.0.2.1"), server(host="evil.test/x"), server()], [GOOD]),
        ([server(port=""), server(port="x"), server(port="-1"), server(port="٤٦٥"), server(port="1" * 9)], []),
        ([server(security="rot13")], []),
        ([], []),
    ],
)
def test_servers_that_can_be_used_are_read(servers: list[str], offers: list[Offer]) -> None:
    assert parse(file(*servers).encode(), "example.test") == offers


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html><body>Not found</body></html>",
        b"{}",
        b"\xff\xfe\0",
        file(server()).encode()[:-20],
        b"<?xml version='1.0' encoding='klingon'?><a/>",
        b"<clientConfig><emailProvider><outgoingServer type='smtp'/></emailProvider></clientConfig>",
        b"<a>" * 20_000,
        b"<a>" * 10_000 + b"</a>" * 10_000,
        BILLION_LAUGHS.encode(),
        EXTERNAL_ENTITY.encode(),
        b"<!DOCTYPE clientConfig>" + file(server()).partition("?>")[2].encode(),
    ],
    ids=range(12),
)
def test_what_is_no_such_file_has_no_servers(content: bytes) -> None:
    began = time.monotonic()
    assert parse(content, "example.test") == []
    assert time.monotonic() - began < 1


@given(
    st.binary() | st.text().map(str.encode) | st.from_regex(r"<clientConfig>(<[a-z]+>|[&;!\[<>a]){0,9}").map(str.encode)
)
def test_any_content_is_read_or_passed_over(content: bytes) -> None:
    assert parse(content, "example.test") == []


@given(st.text(), st.text(), st.text(), st.text())
def test_whatever_a_server_is_called_a_host_and_a_port_come_out(host: str, port: str, kind: str, user: str) -> None:
    escaped = [part.replace("&", "&amp;").replace("<", "&lt;") for part in (host, port, kind, user)]
    for offer in parse(file(server(*escaped)).encode(errors="replace"), "example.test"):
        assert offer.way.host.isascii()
        assert " " not in offer.way.host
        assert 0 <= offer.way.port < 100_000


# --- the wire ---


def test_the_domain_is_asked_at_both_places_without_the_senders_address(publish: Publish, network: Network) -> None:
    first, second = publish(says.text("", 404)), publish(file(server()), "example.test")
    assert ask("example.test", 5) == [GOOD]
    assert first.paths == ["/mail/config-v1.1.xml?emailaddress=postmaster%40example.test"]
    assert second.paths == ["/.well-known/autoconfig/mail/config-v1.1.xml"]
    assert {host for host, _port in network.asked} == {"autoconfig.example.test", "example.test"}


def test_the_first_place_wins(publish: Publish) -> None:
    publish(file(server(host="second.example.test")), "example.test")
    publish(says.after(0.2, says.text(file(server()))))
    assert ask("example.test", 5) == [GOOD]


def test_a_redirect_to_another_https_address_is_followed(publish: Publish) -> None:
    publish(says.redirect("https://elsewhere.example/config.xml"))
    target = publish(file(server()), "elsewhere.example")
    assert ask("example.test", 5) == [GOOD]
    assert target.paths == ["/config.xml"]


@pytest.mark.parametrize(
    "target",
    ["http://elsewhere.example/", "https://elsewhere.example:8443/", "file:///etc/hostname", "https://[", "//"],
)
def test_a_redirect_elsewhere_is_not(publish: Publish, network: Network, target: str) -> None:  # S-13
    publish(says.redirect(target))
    elsewhere = publish(file(server()), "elsewhere.example")
    for port in (80, 8443):
        network.connect("elsewhere.example", port, elsewhere)
    assert ask("example.test", 5) == []
    assert elsewhere.paths == []


def test_redirects_without_an_end_end(publish: Publish) -> None:
    circle = publish(says.redirect("https://autoconfig.example.test/again"))
    assert ask("example.test", 5) == []
    assert len(circle.paths) == autoconfig.MOST_REDIRECTS + 1


def test_a_certificate_of_another_name_is_not_believed(publish: Publish) -> None:
    stranger = publish(file(server()), names=("other.test",))
    assert ask("example.test", 5) == []
    assert stranger.paths == []


@pytest.mark.parametrize("address", ["169.254.169.254", "fd00:ec2::254"])
def test_link_local_addresses_are_not_asked(network: Network, address: str) -> None:  # S-13
    network.lead("autoconfig.example.test", 443, address)
    with pytest.raises(OSError, match="leads to"):
        autoconfig.fetch("https://autoconfig.example.test/")


@pytest.mark.parametrize("answer", [says.black_hole, says.drip, says.drip_headers])
def test_a_server_that_does_not_come_to_an_end_costs_a_bounded_time(publish: Publish, answer: Answer) -> None:  # S-21
    publish(answer)
    began = time.monotonic()
    assert ask("example.test", 0.5) == []
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("answer", [says.hang_up, says.hang_up_halfway, says.text("", 500)])
def test_a_broken_answer_is_none(publish: Publish, answer: Answer) -> None:
    publish(answer)
    assert ask("example.test", 5) == []


def test_a_file_that_is_too_long_is_not_read(publish: Publish) -> None:
    publish(file(server()) + " " * MOST_BYTES)
    assert ask("example.test", 5) == []


def test_no_password_of_this_user_goes_along(publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".netrc").write_text("default login me password secret")
    monkeypatch.setenv("HOME", str(tmp_path))
    seen: list[str | None] = []

    def note(service: says.HostnameService, handler: BaseHTTPRequestHandler) -> None:
        seen.append(handler.headers["Authorization"])
        says.text(file(server()))(service, handler)

    publish(note)
    assert ask("example.test", 5) == [GOOD]
    assert seen == [None]
