"""SPF records are read and evaluated as receivers do it (RFC 7208)."""

import contextlib
import ipaddress
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailconfig.spf import SpfError, is_spf, merged, parse, with_mechanism
from mailconfig.spf_evaluation import Evaluation, PermanentError, walk
from mailconfig.spf_macros import expand
from tests.servers.dns import DnsServer

Zone = Callable[..., DnsServer]

# --- the text ---


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("v=spf1", True),
        ("v=spf1 -all", True),
        ("V=SPF1 -all", True),
        ("v=spf10 -all", False),
        ("v=spf2.0/pra -all", False),
        (" v=spf1 -all", False),
        ("google-site-verification=x", False),
        ("", False),
    ],
)
def test_an_spf_record_is_known_by_its_version(text: str, is_one: bool) -> None:
    assert is_spf(text) is is_one


@pytest.mark.parametrize(
    ("term", "read"),
    [
        ("all", ("all", "+", "", (32, 128))),
        ("-ALL", ("all", "-", "", (32, 128))),
        ("?a", ("a", "?", "", (32, 128))),
        ("a/24", ("a", "+", "", (24, 128))),
        ("a//64", ("a", "+", "", (32, 64))),
        ("mx/24//64", ("mx", "+", "", (24, 64))),
        ("a:mail.example.test/30", ("a", "+", "mail.example.test", (30, 128))),
        ("ip4:192.0.2.1", ("ip4", "+", "192.0.2.1/32", (32, 128))),
        ("~ip4:192.0.2.99/24", ("ip4", "~", "192.0.2.0/24", (32, 128))),
        ("ip6:2001:db8::1", ("ip6", "+", "2001:db8::1/128", (32, 128))),
        ("ip6:2001:DB8::/32", ("ip6", "+", "2001:db8::/32", (32, 128))),
        ("include:_spf.example.test", ("include", "+", "_spf.example.test", (32, 128))),
        ("exists:%{ir}.%{l1r-}.example.test", ("exists", "+", "%{ir}.%{l1r-}.example.test", (32, 128))),
        ("redirect=_spf.example.test", ("redirect", "+", "_spf.example.test", (32, 128))),
        ("exp=explain.%{d}", ("exp", "+", "explain.%{d}", (32, 128))),
        ("new-modifier=any/24", ("new-modifier", "+", "any/24", (32, 128))),
        ("ptr", ("ptr", "+", "", (32, 128))),
    ],
)
def test_a_term_is_read(term: str, read: tuple[object, ...]) -> None:
    assert [tuple(found)[1:] for found in parse(f"v=spf1  {term} ")] == [read]


@pytest.mark.parametrize(
    "term",
    [
        "ip4:192.0.2", "ip4:300.1.1.1", "ip4:192.0.2.1/33", "ip4:192.0.2.0/255.255.255.0", "ip4:2001:db8::1", "ip4",
        "ip6:192.0.2.1", "ip6:2001:db8::/129", "ip6:", "all:example.test", "all/24", "include", "include:", "exists",
        "a:", "a/33", "mx//129", "a:%{x}", "include:%", "include:example.test/24", "redirect=",
        "-redirect=example.test", "unknown", "unknown:value", "-", "+-all", "a=b", "ïnclude:x",
        "redirect=a.test redirect=b.test",
    ],
)  # fmt: skip
def test_a_term_that_receivers_stumble_over_is_named(term: str) -> None:
    with pytest.raises(SpfError, match=r"^\S+$"):
        parse(f"v=spf1 a {term} -all")


@given(
    st.text() | st.from_regex(r"v=spf1( [+?~-]?(a|mx|ip4|ip6|include|all|exists|redirect)[:=/.a-z0-9%{}]{0,12}){0,5}")
)
def test_any_text_is_read_or_refused_by_a_word_of_it(text: str) -> None:
    with contextlib.suppress(SpfError):
        for term in parse(text):
            assert term.text in text
            if term.name in ("ip4", "ip6"):
                ipaddress.ip_network(term.value)


@given(st.from_regex(r"(ip4:[0-9]{1,3}\.0\.2\.1|a|mx|include:[a-z]{1,5}\.test|-all)", fullmatch=True))
def test_a_changed_record_can_be_read_where_the_old_one_could(term: str) -> None:
    with contextlib.suppress(SpfError):
        parse(f"v=spf1 {term}")
        assert len(parse(with_mechanism(f"v=spf1 {term}", "include:new.test"))) == 2


@pytest.mark.parametrize(
    ("records", "joined"),
    [
        (["v=spf1 a -all", "v=spf1 mx ~all"], "v=spf1 a mx ~all"),
        (["v=spf1 include:a.test ~all", "v=spf1 include:a.test include:b.test -all"],
         "v=spf1 include:a.test include:b.test -all"),
        (["v=spf1 redirect=a.test", "v=spf1 mx"], "v=spf1 mx include:a.test ~all"),
        (["v=spf1", "v=spf1"], "v=spf1 ~all"),
    ],
)  # fmt: skip
def test_several_records_are_joined(records: list[str], joined: str) -> None:
    assert merged(records) == joined
    parse(joined)


# --- macros: the examples of section 7.4, with another local part ---

V4, V6 = ipaddress.ip_address("192.0.2.3"), ipaddress.ip_address("2001:db8::cb01")


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("%{s}", "postmaster@email.example.com"),
        ("%{o}", "email.example.com"),
        ("%{d}", "email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{d1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l}", "postmaster"),
        ("%{lr-}", "postmaster"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{S}", "postmaster%40email.example.com"),
        ("a%%b%_c%-d", "a%b c%20d"),
        ("plain.example.com", "plain.example.com"),
    ],
)
def test_macros_are_expanded(text: str, expanded: str) -> None:
    assert expand(text, "email.example.com", "email.example.com", V4) == expanded


def test_macros_of_an_ipv6_address() -> None:
    digits = "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"
    assert expand("%{ir}.%{v}._spf.%{d2}", "email.example.com", "x", V6) == f"{digits}.ip6._spf.example.com"


@given(st.text(alphabet="%{}slodip12r.-+/_ax"), st.ip_addresses())
def test_any_macro_gives_a_name_of_bounded_length(
    text: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address
) -> None:
    expanded = expand(text, "example.com", "example.com", address)
    assert len(expanded) <= 253 or "." not in expanded


# --- what receivers find ---

ZONE = """
one.test.     TXT "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all"
a.test.       TXT "v=spf1 a ~all"
a.test.       A 192.0.2.3
a.test.       AAAA 2001:db8::cb01
net.test.     TXT "v=spf1 a:a.test/24 -all"
mx.test.      TXT "v=spf1 mx -all"
mx.test.      MX 10 a.test.
in.test.      TXT "v=spf1 include:one.test ?all"
not.test.     TXT "v=spf1 -include:one.test +all"
redirect.test. TXT "v=spf1 redirect=one.test"
exists.test.  TXT "v=spf1 exists:%{ir}.allowed.test -all"
3.2.0.192.allowed.test. A 127.0.0.2
ptr.test.     TXT "v=spf1 ptr:a.test -all"
3.2.0.192.in-addr.arpa. PTR a.test.
neutral.test. TXT "v=spf1 ip4:203.0.113.1"
circle.test.  TXT "v=spf1 include:circle.test -all"
gone.test.    TXT "v=spf1 include:nowhere.test -all"
two.test.     TXT "v=spf1 -all"
two.test.     TXT "v=spf1 +all"
typo.test.    TXT "v=spf1 ipv4:192.0.2.3 -all"
inner.test.   TXT "v=spf1 include:typo.test -all"
empty.test.   TXT "v=spf1 a:e1.test a:e2.test a:e3.test -all"
many.test.    TXT "v=spf1 mx -all"
""" + "".join(f"many.test. MX 10 m{number}.test.\n" for number in range(11))


def evaluate(dns: DnsServer, domain: str, address: str = "192.0.2.3") -> str:
    return Evaluation(ipaddress.ip_address(address), domain, dns.resolver.within(5)).result()


@pytest.mark.parametrize(
    ("domain", "address", "result"),
    [
        ("one.test", "192.0.2.3", "pass"),
        ("one.test", "2001:db8::1", "pass"),
        ("one.test", "198.51.100.1", "fail"),
        ("a.test", "192.0.2.3", "pass"),
        ("a.test", "2001:db8::cb01", "pass"),
        ("a.test", "192.0.2.4", "softfail"),
        ("net.test", "192.0.2.4", "pass"),
        ("mx.test", "192.0.2.3", "pass"),
        ("mx.test", "192.0.2.4", "fail"),
        ("in.test", "192.0.2.3", "pass"),
        ("in.test", "198.51.100.1", "neutral"),
        ("not.test", "192.0.2.3", "fail"),
        ("not.test", "198.51.100.1", "pass"),
        ("redirect.test", "192.0.2.3", "pass"),
        ("redirect.test", "198.51.100.1", "fail"),
        ("exists.test", "192.0.2.3", "pass"),
        ("exists.test", "192.0.2.4", "fail"),
        ("ptr.test", "192.0.2.3", "pass"),
        ("ptr.test", "192.0.2.4", "fail"),
        ("neutral.test", "192.0.2.3", "neutral"),
    ],
)
def test_an_address_is_judged_as_by_receivers(dns_server: Zone, domain: str, address: str, result: str) -> None:
    assert evaluate(dns_server(ZONE), domain, address) == result


@pytest.mark.parametrize(
    ("domain", "problem"),
    [
        ("circle.test", "look-ups"),
        ("gone.test", "missing"),
        ("nowhere.test", "missing"),
        ("two.test", "records"),
        ("typo.test", "syntax"),
        ("inner.test", "syntax"),
        ("empty.test", "empty"),
        ("many.test", "names"),
    ],
)
def test_a_record_that_receivers_give_up_on_is_told_why(dns_server: Zone, domain: str, problem: str) -> None:
    with pytest.raises(PermanentError) as raised:
        evaluate(dns_server(ZONE), domain)
    assert raised.value.problem == problem


def test_look_ups_are_counted_through_all_includes(dns_server: Zone) -> None:
    zone = (
        'top.test. TXT "v=spf1 a mx include:mid.test -all"\nmid.test. TXT "v=spf1 ptr exists:x.test a ip4:1.2.3.4 ?all"'
    )
    found = walk("top.test", dns_server(zone).resolver)
    assert (found.look_ups, found.included) == (6, {"mid.test"})


def test_includes_that_multiply_cost_a_bounded_number_of_questions(dns_server: Zone) -> None:
    """Each record includes the next ten times: 10 to the power of 10, were they all followed."""
    zone = "".join(
        f'l{level}.test. TXT "v=spf1' + "".join(f" include:l{level + 1}.test" for _again in range(10)) + '"\n'
        for level in range(12)
    )
    dns = dns_server(zone)
    began = time.monotonic()
    with pytest.raises(PermanentError):
        walk("l0.test", dns.resolver.within(5))
    assert time.monotonic() - began < 3
    assert len(dns.asked) < 20
