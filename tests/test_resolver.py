"""Names are looked up at name servers of one's own choice, in bounded time, and "nobody knows" is never "no"."""

import contextlib
import ipaddress
import time

import pytest
from django.core.checks import run_checks
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from mailconfig import ehlo, reverse_dns
from mailconfig.host_names import ip_address
from mailconfig.resolver import Exchange, LookUpFailed, NameServers, Server, Service, parse
from tests.servers.dns import DnsServer, Fault

ZONE = r"""
example.test.               MX 20 backup.example.test.
example.test.               MX 10 mail.example.test.
example.test.               TXT "v=spf1 " "-all"
example.test.               TXT "caf\195\169"
mail.example.test.          A 192.0.2.1
mail.example.test.          AAAA 2001:db8::1
www.example.test.           CNAME mail.example.test.
loop.example.test.          CNAME pool.example.test.
pool.example.test.          CNAME loop.example.test.
1.2.0.192.in-addr.arpa.     PTR mail.example.test.
_submission._tcp.example.test. SRV 10 1 587 b.example.test.
_submission._tcp.example.test. SRV 10 9 587 a.example.test.
_submission._tcp.example.test. SRV 0 0 25 c.example.test.
_submissions._tcp.example.test. SRV 0 0 0 .
"""


def test_each_type_is_read() -> None:
    with DnsServer(ZONE) as server:
        dns = server.resolver
        assert dns.addresses("mail.example.test") == ["192.0.2.1", "2001:db8::1"]
        assert dns.names("192.0.2.1") == ["mail.example.test"]
        assert dns.exchanges("example.test") == [Exchange(10, "mail.example.test"), Exchange(20, "backup.example.test")]
        assert sorted(dns.texts("example.test")) == ["café", "v=spf1 -all"]
        assert dns.alias("www.example.test") == "mail.example.test"
        assert dns.addresses("www.example.test") == ["192.0.2.1", "2001:db8::1"]


def test_this_machine_needs_no_name_server() -> None:
    with DnsServer("notlocalhost. A 192.0.2.1") as server:
        for name in ("localhost", "Localhost.", "a.localhost"):
            assert server.resolver.addresses(name) == ["127.0.0.1", "::1"]
        assert server.resolver.addresses("notlocalhost") == ["192.0.2.1"]


def test_services_are_in_the_order_in_which_they_are_to_be_tried() -> None:
    with DnsServer(ZONE) as server:
        targets = [service.target for service in server.resolver.services("_submission._tcp.example.test")]
        assert targets == ["c.example.test", "a.example.test", "b.example.test"]
        assert server.resolver.services("_submissions._tcp.example.test") == [Service(0, 0, 0, "")]


@pytest.mark.parametrize(
    "name", ["nothing.example.test", "mail.example.test", "a" * 64, "a..b", "", ".", "x." * 200, "\\400", "mail\0.test"]
)
def test_what_does_not_exist_is_an_empty_list(name: str) -> None:
    with DnsServer(ZONE) as server:
        assert server.resolver.texts(name) == []


@pytest.mark.parametrize("address", ["", "mail.example.test", "192.0.2.9", "::1", "fe80::1%eth0"])
def test_an_address_without_a_name_has_none(address: str) -> None:
    with DnsServer(ZONE) as server:
        assert server.resolver.names(address) == []


@pytest.mark.parametrize("fault", ["silent", "refused", "servfail", "garbage", 30.0])
def test_no_answer_is_not_the_answer_no(fault: Fault) -> None:  # S-21
    with DnsServer(ZONE, {"example.test": fault}) as server:
        began = time.monotonic()
        with pytest.raises(LookUpFailed):
            server.resolver.within(0.5).texts("example.test")
        assert time.monotonic() - began < 3


def test_a_name_that_leads_in_a_circle_is_no_answer() -> None:
    with DnsServer(ZONE) as server, pytest.raises(LookUpFailed):
        server.resolver.within(1).addresses("loop.example.test")


def test_an_answer_that_was_cut_short_is_asked_again_over_tcp() -> None:
    with DnsServer(ZONE, {"example.test": "truncated"}) as server:
        assert "v=spf1 -all" in server.resolver.texts("example.test")
        assert server.over_tcp == [("example.test", "TXT")]


def test_a_long_answer_arrives_whole() -> None:
    texts = [f"number {number} " + "x" * 200 for number in range(40)]
    with DnsServer("\n".join(f'long.test. TXT "{text}"' for text in texts)) as server:
        assert sorted(server.resolver.texts("long.test")) == sorted(texts)


def test_the_next_server_answers_when_one_does_not() -> None:
    with DnsServer(ZONE, {"example.test": "refused"}) as bad, DnsServer(ZONE) as good:
        both = NameServers(bad.resolver.servers + good.resolver.servers)
        assert len(both.texts("example.test")) == 2


def test_the_limit_is_for_all_questions_together() -> None:  # S-21
    with DnsServer(ZONE, {"example.test": 0.3}) as server:
        dns = server.resolver.within(0.5)
        began = time.monotonic()
        assert dns.exchanges("example.test")
        with pytest.raises(LookUpFailed):
            dns.texts("example.test")
        with pytest.raises(LookUpFailed):
            dns.addresses("mail.example.test")
        assert time.monotonic() - began < 2


def test_a_question_is_asked_once() -> None:
    with DnsServer(ZONE, {"bad.test": "refused"}) as server:
        dns = server.resolver.within(5)
        assert dns.texts("example.test") == dns.texts("Example.Test.")
        for _again in range(2):
            with pytest.raises(LookUpFailed):
                dns.texts("bad.test")
        assert server.asked == [("example.test", "TXT"), ("bad.test", "TXT")]
        dns.within(5).texts("example.test")
        assert len(server.asked) == 3


# --- the setting ---


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("", ()),
        (" , ", ()),
        ("192.0.2.53", (Server("192.0.2.53", 53),)),
        ("127.0.0.1:5353", (Server("127.0.0.1", 5353),)),
        ("2001:db8::53", (Server("2001:db8::53", 53),)),
        ("[2001:db8::53]", (Server("2001:db8::53", 53),)),
        ("[::1]:5353, 192.0.2.53", (Server("::1", 5353), Server("192.0.2.53", 53))),
    ],
)
def test_the_setting_names_servers(text: str, servers: tuple[Server, ...]) -> None:
    assert parse(text) == servers


@pytest.mark.django_db  # to check a JSONField, Django asks the database
@pytest.mark.parametrize("text", ["ns.example.test", "192.0.2.53:0", "192.0.2.53:65536", "[::1", "300.1.1.1", "::1%x"])
def test_what_is_no_server_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an IP address"):
        parse(text)
    with override_settings(DNS_RESOLVER=text):
        with pytest.raises(LookUpFailed, match="DNS_RESOLVER"):
            NameServers.from_settings().texts("example.test")
        assert "mailconfig.E003" in [problem.id for problem in run_checks()]


@given(st.text(alphabet="0123456789.:[],abc "))
def test_the_setting_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert all(ip_address(server.address) and 0 < server.port < 65536 for server in parse(text))


def test_an_ehlo_name_is_looked_up_at_the_chosen_servers() -> None:
    with DnsServer(ZONE) as server, override_settings(DNS_RESOLVER=server.setting):
        assert ehlo.check_name("mail.example.test").ok
        assert reverse_dns.confirmed_names(ipaddress.IPv4Address("192.0.2.1")) == ["mail.example.test"]


def test_an_ehlo_name_that_nobody_answers_for_is_not_called_missing() -> None:
    with DnsServer(ZONE, {"mail.example.test": "servfail"}) as server, override_settings(DNS_RESOLVER=server.setting):
        findings = ehlo.check_name("mail.example.test").findings
    assert "did not answer in time" in str(findings[-1])
