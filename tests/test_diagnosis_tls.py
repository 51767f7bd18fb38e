"""Certificates and versions of TLS as they come over the wire, and the advice for each (S-15)."""

import datetime
import ssl
import warnings
from pathlib import Path
from typing import Any, Final

import pytest

from mailconfig import diagnosis
from tests.servers import bad_certificates
from tests.servers.certificates import Authority
from tests.servers.scripted import ScriptedServer
from tests.sessions import RECIPIENT, settings_for
from tests.situations import FROM, check
from tests.test_trust import DAY, NOW, SECURITY, context_of, self_signed

LOCALHOST: Final[dict[str, Any]] = {**FROM, "host": "localhost"}

both = pytest.mark.parametrize("security", SECURITY)


@both
def test_a_self_signed_certificate_is_shown_and_can_be_pinned(tmp_path: Path, security: str) -> None:  # S-15
    context, _pem = self_signed(tmp_path)
    with ScriptedServer({}, security, context) as server:
        outcome = check(settings_for(server, **LOCALHOST), "secure", "certificate-self-signed")
        assert outcome.advice
        assert outcome.advice.remedy
        assert outcome.advice.remedy_label == "Trust this certificate"
        assert diagnosis.run(settings_for(server, **LOCALHOST, **outcome.advice.remedy), RECIPIENT).ok
        other = {**LOCALHOST, "pinned_certificate": "ab" * 32}
        check(settings_for(server, **other), "secure", "certificate-not-pinned")


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        (NOW - 3 * DAY, NOW - DAY, "certificate-expired"),
        (NOW + DAY, NOW + 3 * DAY, "certificate-not-yet-valid"),
    ],
)
@both
def test_a_certificate_of_another_time(
    ca: Authority, security: str, begin: datetime.datetime, end: datetime.datetime, expected: str
) -> None:
    certificate = ca.issuer.issue_cert("localhost", not_before=begin, not_after=end)
    with ScriptedServer({}, security, context_of(certificate)) as server:
        outcome = check(settings_for(server, ca, **LOCALHOST), "secure", expected)
    assert outcome.advice
    shown = outcome.advice.meaning + outcome.advice.action
    assert (end if end < NOW else begin).strftime("%Y-%m-%d") in shown


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", "certificate-of-other-name"), ("127.0.0.1", "certificate-of-other-address")],
)
@both
def test_a_certificate_of_another_name_tells_its_names(ca: Authority, security: str, host: str, expected: str) -> None:
    with ScriptedServer({}, security, ca.server_context("other.example")) as server:
        outcome = check(settings_for(server, ca, **{**FROM, "host": host}), "secure", expected)
    assert outcome.advice
    assert "other.example" in outcome.advice.meaning


@both
def test_an_authority_that_nobody_told_of(ca: Authority, security: str) -> None:
    with ScriptedServer({}, security, ca.server_context()) as server:
        check(settings_for(server, **LOCALHOST), "secure", "certificate-of-unknown-authority")


def test_a_private_authority_that_comes_along(ca: Authority, tmp_path: Path) -> None:
    leaf, file = ca.issue(), tmp_path / "chain.pem"
    file.write_bytes(leaf.private_key_and_cert_chain_pem.bytes() + ca.pem.encode())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with ScriptedServer({}, "ssl", context) as server:
        check(settings_for(server, **LOCALHOST), "secure", "certificate-private-authority")


def test_a_key_that_is_too_weak(ca: Authority, tmp_path: Path) -> None:
    with ScriptedServer({}, "ssl", bad_certificates.weak_key(ca, tmp_path)) as server:
        check(settings_for(server, ca, **LOCALHOST), "secure", "certificate-too-weak")


def test_a_signature_that_is_too_weak(tmp_path: Path) -> None:
    authority = bad_certificates.rsa_authority()
    with ScriptedServer({}, "ssl", bad_certificates.signed_with_sha1(authority, tmp_path)) as server:
        check(settings_for(server, authority, **LOCALHOST), "secure", "certificate-too-weak")


def _only_old(context: ssl.SSLContext) -> None:
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")  # else the server itself refuses to speak it


def _nothing_in_common(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES128-SHA:@SECLEVEL=0")


@pytest.mark.parametrize(
    ("change", "expected"), [(_only_old, "tls-too-old"), (_nothing_in_common, "tls-nothing-in-common")]
)
@both
def test_a_server_that_speaks_another_tls(ca: Authority, security: str, change: Any, expected: str) -> None:
    context = ca.server_context()
    change(context)
    with ScriptedServer({}, security, context) as server:
        check(settings_for(server, ca, **LOCALHOST), "secure", expected)


def test_a_server_that_wants_to_see_a_certificate(ca: Authority) -> None:
    context = ca.server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    with ScriptedServer({}, "ssl", context) as server:  # in TLS 1.3 it tells when the handshake is over
        check(settings_for(server, ca, **LOCALHOST), "greet", "client-certificate-wanted")
