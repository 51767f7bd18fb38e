"""What is said in EHLO is always valid there, and the page tells whether others will believe it."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.mail.utils import DNS_NAME
from django.test import override_settings
from django.utils import translation
from hypothesis import example, given
from hypothesis import strategies as st

from mailconfig import ehlo, public_address, reverse_dns
from mailconfig.host_names import ehlo_argument, ip_address, literal_address
from mailconfig.reverse_dns import Resolver
from tests.servers.hostname_service import HostnameService, text

TOO_LONG = ".".join(["a" * 63] * 4)  # 255 characters


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


# --- from the external visible URL ---


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://mail.example.com", "mail.example.com"),
        ("https://mail.example.com:8443/path/", "mail.example.com"),
        ("https://mail.example.com./", "mail.example.com"),
        ("https://bücher.example", "xn--bcher-kva.example"),
        ("http://192.0.2.1:8000", "[192.0.2.1]"),
        ("http://[2001:db8::1]:8000", "[IPv6:2001:db8::1]"),
        ("http://[2001:0DB8:0:0::1]", "[IPv6:2001:db8::1]"),
        ("http://[::ffff:192.0.2.1]", "[192.0.2.1]"),
        ("http://intranet", "intranet"),
    ],
)
def test_the_host_of_the_external_url_is_said(url: str, said: str) -> None:
    assert ehlo.name("external_url", "", url) == said


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://",
        "mail.example.com",
        "https://[half",
        "http://[fe80::1%eth0]",
        "https://my_container",
        "https://1.2.3",
        "https://a..example.com",
        "https://-a.example.com",
        f"https://{TOO_LONG}",
        "https://mail.example.com MAIL",
        "https://mail.example.com\0",
    ],
)
def test_without_a_usable_url_the_fallback_is_said(url: str) -> None:
    assert ehlo.name("external_url", "", url) == ehlo.fallback()


# --- the fall-back: this machine's own name ---


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ("web1.example.com", "web1.example.com"),
        ("web1.example.com.", "web1.example.com"),
        ("localhost", "[127.0.0.1]"),
        ("3f2a1b9c0d4e", "[127.0.0.1]"),  # a container's id: servers want a name with a domain
        ("my_host.example.com", "[127.0.0.1]"),
        ("", "[127.0.0.1]"),
        ("web1 .example.com", "[127.0.0.1]"),
        ("web1.example.com\r\nRSET", "[127.0.0.1]"),
        (f"{TOO_LONG}.example.com", "[127.0.0.1]"),
    ],
)
def test_the_fallback_is_a_valid_argument_whatever_the_machine_is_called(
    own: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DNS_NAME, "_fqdn", own, raising=False)
    assert ehlo.fallback() == said


@pytest.fixture
def unknown_name(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that has not looked for its own name yet."""
    monkeypatch.setattr(DNS_NAME, "_fqdn", "", raising=False)
    monkeypatch.delattr(DNS_NAME, "_fqdn")
    ehlo.find_own_name.cache_clear()
    yield
    ehlo.find_own_name.cache_clear()


@pytest.mark.usefixtures("unknown_name")
def test_the_machine_is_asked_for_its_name_once_and_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getfqdn", lambda: "web1.example.com")
    assert ehlo.fallback() == "web1.example.com"
    monkeypatch.delattr("threading.Thread.start")
    assert ehlo.fallback() == "web1.example.com"


@pytest.mark.usefixtures("unknown_name")
def test_a_name_that_was_not_found_in_time_may_be_found_later(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(ehlo, "LOOK_UP_LIMIT", 0.05)
    monkeypatch.setattr("socket.getfqdn", lambda: ended.wait(10) and "web1.example.com")
    assert ehlo.fallback() == "[127.0.0.1]"
    ended.set()
    monkeypatch.setattr(ehlo, "LOOK_UP_LIMIT", 10)
    assert ehlo.fallback() == "web1.example.com"


# --- custom ---


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("mail.example.com", "mail.example.com"),
        ("  mail.example.com\n", "mail.example.com"),
        ("Mail.Example.com", "Mail.Example.com"),
        ("mail.example.com.", "mail.example.com"),
        ("mail", "mail"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("192.0.2.1", "[192.0.2.1]"),
        ("[192.0.2.1]", "[192.0.2.1]"),
        ("2001:db8::1", "[IPv6:2001:db8::1]"),
        ("[2001:db8::1]", "[IPv6:2001:db8::1]"),
        ("[IPv6:2001:DB8::1]", "[IPv6:2001:db8::1]"),
        ("[ipv6:2001:db8::1]", "[IPv6:2001:db8::1]"),
        ("3com.example", "3com.example"),
    ],
)
def test_a_custom_name_is_accepted_and_said(typed: str, said: str) -> None:
    ehlo.validate_ehlo_name(typed)
    assert ehlo.clean_ehlo_name(typed) == said
    assert ehlo.name("custom", typed, "https://other.example.com") == said


@pytest.mark.parametrize(
    ("typed", "because"),
    [
        ("", "not a host name"),
        ("   ", "not a host name"),
        ("https://mail.example.com", "Enter only the name"),
        ("mail.example.com/path", "Enter only the name"),
        ("me@example.com", "e-mail address"),
        ("my_host.example.com", "underscore"),
        ("mail.example.com:25", "not a host name"),
        ("mail example.com", "not a host name"),
        ("mail.example.com\r\nDATA", "not a host name"),  # S-19
        ("mail.example.com\0", "not a host name"),
        ("mail.example.com\u2028x", "not a host name"),
        ("-mail.example.com", "not a host name"),
        ("mail..example.com", "not a host name"),
        (".", "not a host name"),
        ("300.1.1.1", "not a host name"),
        ("１２７.0.0.1", "not a host name"),
        ("[mail.example.com]", "not a host name"),
        ("[192.0.2.1", "not a host name"),
        ("[300.1.1.1]", "not a host name"),
        ("fe80::1%eth0", "not a host name"),
        ("::1%\r\nDATA", "not a host name"),
        (f"{'a' * 64}.example.com", "not a host name"),
        (TOO_LONG, "not a host name"),
    ],
)
def test_what_is_no_ehlo_name_is_refused_with_a_reason_and_never_said(typed: str, because: str) -> None:
    with pytest.raises(ValidationError, match=because):
        ehlo.validate_ehlo_name(typed)
    assert ehlo.name("custom", typed, "") == ehlo.fallback()


@given(st.text() | st.ip_addresses().map(str) | st.from_regex(r"[a-z0-9.\[\]:\r\n -]+"))
@example("ß\r\n")
@example("\u3002")
def test_whatever_is_typed_one_valid_word_is_said(typed: str) -> None:  # S-19
    said = ehlo.name("custom", typed, "")
    assert said.isascii()
    assert said.isprintable()
    assert " " not in said
    assert 0 < len(said) <= 253
    assert ehlo_argument(said) == said


@given(st.ip_addresses())
def test_a_literal_leads_back_to_its_address(address: object) -> None:
    assert literal_address(ehlo_argument(str(address))) == ip_address(str(address))


def test_an_unknown_source_is_as_the_external_url() -> None:
    assert ehlo.name("", "", "https://mail.example.com") == "mail.example.com"


# --- the publicly determined address ---


def test_the_publicly_determined_name_is_said() -> None:
    with HostnameService(text("mail.example.com\n")) as service, override_settings(HOSTNAME_SERVICE_URL=service.url):
        assert ehlo.name("public_address", "", "https://other.example.com") == "mail.example.com"


def test_the_fallback_is_said_when_the_service_fails() -> None:
    with HostnameService(text("", 500)) as service, override_settings(HOSTNAME_SERVICE_URL=service.url):
        assert ehlo.name("public_address", "", "https://other.example.com") == ehlo.fallback()


def test_nobody_is_asked_unless_the_public_address_is_chosen() -> None:
    with HostnameService(text("mail.example.com")) as service, override_settings(HOSTNAME_SERVICE_URL=service.url):
        ehlo.name("external_url", "", "")
        ehlo.name("custom", "", "")
        ehlo.check_name("localhost", resolver=resolver())
        assert service.asked == 0


# --- checking a name ---


def resolver(names: dict[str, list[str]] | None = None, addresses: dict[str, list[str]] | None = None) -> Resolver:
    """A name server's answers; a test can't make a real one answer for example.com."""
    return Resolver(lambda address: (names or {}).get(address, []), lambda name: (addresses or {}).get(name, []))


GOOD = resolver({"192.0.2.1": ["mail.example.com"]}, {"mail.example.com": ["192.0.2.1"]})


def test_a_name_that_leads_to_its_address_and_back_is_good() -> None:
    check = ehlo.check_name("mail.example.com", resolver=GOOD)
    assert check.ok
    assert [str(finding) for finding in check.findings] == [
        "mail.example.com is a full name with a domain.",
        "mail.example.com is found in DNS: 192.0.2.1.",
        "The reverse name of 192.0.2.1 is mail.example.com, as it should be.",
    ]


def test_upper_and_lower_case_are_the_same_name() -> None:
    names = resolver({"192.0.2.1": ["MAIL.example.com."]}, {"Mail.Example.com": ["192.0.2.1"]})
    assert ehlo.check_name("Mail.Example.com", resolver=names).ok


@pytest.mark.parametrize(
    ("name", "names", "problem"),
    [
        ("mail", resolver({"192.0.2.1": ["mail"]}, {"mail": ["192.0.2.1"]}), "mail has no domain"),
        ("mail.example.com", resolver(), "is not found in DNS"),
        (
            "mail.example.com",
            resolver({"192.0.2.1": ["dsl-1.provider.example"]}, {"mail.example.com": ["192.0.2.1"]}),
            "The reverse name of 192.0.2.1 is not mail.example.com",
        ),
        (
            "[8.8.8.8]",
            resolver({"8.8.8.8": ["dns.example.com"]}, {"dns.example.com": ["8.8.8.8"]}),
            "8.8.8.8 has the name dns.example.com. Choose it",
        ),
        ("[8.8.8.8]", resolver({"8.8.8.8": ["lies.example.com"]}), "8.8.8.8 has no name that leads back to it"),
    ],
)
def test_each_problem_of_a_name_is_a_sentence(name: str, names: Resolver, problem: str) -> None:
    check = ehlo.check_name(name, resolver=names)
    assert not check.ok
    assert any(problem in str(finding) and not finding.ok for finding in check.findings)


@pytest.mark.parametrize("name", ["[10.0.0.1]", "[127.0.0.1]", "[IPv6:fd00::1]"])
def test_an_address_inside_the_network_is_no_problem_there(name: str) -> None:
    check = ehlo.check_name(name, resolver=resolver())
    assert check.ok
    assert "inside your network" in str(check.findings[-1])


def test_the_name_is_compared_with_the_public_address_where_that_is_known() -> None:
    with HostnameService(text("192.0.2.9")) as service, override_settings(HOSTNAME_SERVICE_URL=service.url):
        public_address.determine(resolver=GOOD)
    check = ehlo.check_name("mail.example.com", resolver=GOOD)
    problems = [str(finding) for finding in check.findings if not finding.ok]
    assert "belongs to 192.0.2.1, but this site is seen from outside as 192.0.2.9" in problems[0]
    assert "The reverse name of 192.0.2.9 is not mail.example.com" in problems[1]


def test_slow_name_servers_cost_a_bounded_time() -> None:  # S-21
    def after_a_second(name: str) -> list[str]:
        time.sleep(1)
        return ["192.0.2.1"]

    began = time.monotonic()
    check = ehlo.check_name("mail.example.com", seconds=0.1, resolver=GOOD._replace(addresses=after_a_second))
    assert time.monotonic() - began < 0.9
    assert not check.ok
    assert "did not answer in time" in str(check.findings[-1])


def test_a_finding_is_in_the_language_of_its_reader() -> None:
    finding = ehlo.check_name("mail.example.com", resolver=GOOD).findings[0]
    with translation.override("de"):
        assert "mail.example.com" in str(finding)
    assert str(finding) == "mail.example.com is a full name with a domain."


# --- the machine's own resolver ---


def test_the_system_knows_the_addresses_of_this_machine() -> None:
    loopback = {ip_address("127.0.0.1"), ip_address("::1")}
    assert set(reverse_dns.addresses_of("localhost")) & loopback


@pytest.mark.parametrize("name", ["", "a" * 64, "a..b", "mail.example.com\0", "nothing.invalid"])
def test_the_system_finds_no_address_for_what_is_no_name(name: str) -> None:
    assert reverse_dns.addresses_of(name) == []


def test_the_system_finds_no_name_for_what_is_no_address() -> None:
    assert reverse_dns.SYSTEM.names("not an address") == []
