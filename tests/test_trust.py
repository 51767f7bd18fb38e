"""Certificates and host names are checked, always; an own authority is trusted beside the public ones (S-15)."""

import datetime
import os
import ssl
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pytest_django.fixtures import Settings

from mailconfig.smtp import ServerSettings, Session
from mailconfig.trust import ssl_context
from tests.servers.certificates import Authority
from tests.servers.scripted import ScriptedServer
from tests.sessions import settings_for

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
SECURITY = ["ssl", "starttls"]


def context_of(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def self_signed(folder: Path) -> tuple[ssl.SSLContext, str]:
    """A certificate that vouches for itself, as appliances make them: the server's context, and its PEM."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(NOW - DAY).not_valid_after(NOW + DAY)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    pem = builder.add_extension(names, critical=True).sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    file = folder / "server.pem"
    file.write_bytes(pem + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context, pem.decode()


def connect(server: ScriptedServer, ca_bundle: str = "", host: str = "localhost") -> None:
    Session(settings_for(server, host=host, ca_bundle=ca_bundle)).open().close()


def refusal(server: ScriptedServer, ca_bundle: str = "", host: str = "localhost") -> str:
    before = len(server.lines)
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        connect(server, ca_bundle, host)
    assert {"ehlo site.example.com", "STARTTLS"}.issuperset(server.lines[before:])
    return caught.value.verify_message


# S-15
@pytest.mark.parametrize("security", SECURITY)
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_an_own_authority_is_trusted(ca: Authority, security: str, host: str) -> None:
    with ScriptedServer({}, security, ca.server_context()) as server:
        connect(server, ca.pem, host)


# S-15
@pytest.mark.parametrize("security", SECURITY)
def test_an_unknown_authority_is_refused(ca: Authority, security: str) -> None:
    with ScriptedServer({}, security, ca.server_context()) as server:
        assert refusal(server) == "unable to get local issuer certificate"


# S-15
@pytest.mark.parametrize("security", SECURITY)
def test_a_self_signed_certificate_is_refused(tmp_path: Path, security: str) -> None:
    context, _pem = self_signed(tmp_path)
    with ScriptedServer({}, security, context) as server:
        assert refusal(server) == "self-signed certificate"


# S-15
def test_a_self_signed_certificate_may_be_trusted_by_itself(tmp_path: Path) -> None:
    context, pem = self_signed(tmp_path)
    with ScriptedServer({}, "ssl", context) as server:
        connect(server, pem)
        assert "mismatch" in refusal(server, pem, host="127.0.0.1")


# S-15
@pytest.mark.parametrize("security", SECURITY)
@pytest.mark.parametrize(
    ("names", "host"), [(["other.example"], "localhost"), (["localhost"], "127.0.0.1"), (["127.0.0.1"], "localhost")]
)
def test_a_certificate_of_another_name_is_refused(ca: Authority, security: str, names: list[str], host: str) -> None:
    with ScriptedServer({}, security, ca.server_context(*names)) as server:
        assert "mismatch" in refusal(server, ca.pem, host)


# S-15
@pytest.mark.parametrize(
    ("begin", "end", "text"),
    [
        (NOW - 3 * DAY, NOW - DAY, "certificate has expired"),
        (NOW + DAY, NOW + 3 * DAY, "certificate is not yet valid"),
    ],
)
def test_a_certificate_of_another_time_is_refused(
    ca: Authority, begin: datetime.datetime, end: datetime.datetime, text: str
) -> None:
    certificate = ca.issuer.issue_cert("localhost", not_before=begin, not_after=end)
    with ScriptedServer({}, "ssl", context_of(certificate)) as server:
        assert refusal(server, ca.pem) == text


# S-15
@pytest.mark.parametrize("security", SECURITY)
def test_tls_before_1_2_is_refused(ca: Authority, security: str) -> None:
    context = ca.server_context()
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")  # else the server itself refuses to speak it
    with ScriptedServer({}, security, context) as server, pytest.raises(ssl.SSLError, match=r"(?i)version|protocol"):
        connect(server, ca.pem)


# S-15
def test_tls_1_2_is_enough(ca: Authority) -> None:
    context = ca.server_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with ScriptedServer({}, "ssl", context) as server:
        connect(server, ca.pem)


# --- the setting EMAIL_CA_BUNDLE ---


@pytest.fixture
def bundle(settings: Settings, tmp_path: Path) -> Path:
    settings.EMAIL_CA_BUNDLE = str(tmp_path / "authorities.pem")
    return tmp_path / "authorities.pem"


# S-15
def test_the_authorities_of_email_ca_bundle_are_trusted(ca: Authority, bundle: Path) -> None:
    bundle.write_text(ca.pem)
    with ScriptedServer({}, "ssl", ca.server_context()) as server:
        connect(server)


# S-15
def test_email_ca_bundle_and_an_own_authority_are_both_trusted(ca: Authority, bundle: Path) -> None:
    bundle.write_text(ca.pem)
    other = Authority()
    with (
        ScriptedServer({}, "ssl", ca.server_context()) as one,
        ScriptedServer({}, "ssl", other.server_context()) as two,
    ):
        connect(one, other.pem)
        connect(two, other.pem)


# S-15
def test_a_change_of_the_file_is_seen(ca: Authority, bundle: Path) -> None:
    bundle.write_text(Authority().pem)
    with ScriptedServer({}, "ssl", ca.server_context()) as server:
        assert refusal(server) == "unable to get local issuer certificate"
        bundle.write_text(ca.pem)
        os.utime(bundle, (0, 0))
        connect(server)


# S-15
@pytest.mark.parametrize("break_it", [Path.mkdir, Path.touch, lambda path: None], ids=["folder", "empty", "missing"])
def test_an_unusable_file_is_an_error_not_less_checking(
    ca: Authority, bundle: Path, break_it: Callable[[Path], None]
) -> None:
    break_it(bundle)
    with ScriptedServer({}, "ssl", ca.server_context()) as server:
        session = Session(settings_for(server, ca))
        with pytest.raises(OSError, match=r"."):
            session.open()
        assert session.failed_step == "secure"
        assert server.lines == []


# S-15
@pytest.mark.parametrize("pem", ["garbage", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----", "# für uns\n"])
def test_an_unusable_authority_is_an_error_not_less_checking(ca: Authority, pem: str) -> None:
    """The page refuses it; a value locked by the settings of the site comes without being asked."""
    with ScriptedServer({}, "ssl", ca.server_context()) as server:
        session = Session(settings_for(server, ca_bundle=pem))
        with pytest.raises(OSError, match=r"."):
            session.open()
        assert session.failed_step == "secure"


def test_a_comment_in_any_language_may_stand_beside_a_certificate(ca: Authority) -> None:
    with ScriptedServer({}, "ssl", ca.server_context()) as server:
        connect(server, f"# Zertifikat für uns\n{ca.pem}")


# --- P1 ---


def test_a_context_is_built_once_per_content(ca: Authority) -> None:
    assert ssl_context(ca.pem) is ssl_context(ca.pem)
    assert ssl_context(ca.pem) is not ssl_context(Authority().pem)


def test_the_authorities_of_the_machine_stay_trusted(ca: Authority) -> None:
    count = ssl.create_default_context().cert_store_stats()["x509_ca"]
    assert ssl_context(ca.pem).cert_store_stats()["x509_ca"] == count + 1


def test_no_security_needs_no_certificate() -> None:
    with ScriptedServer() as server:
        Session(ServerSettings(host=server.host, port=server.port, ca_bundle="garbage")).open().close()
