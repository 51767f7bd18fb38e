"""Server certificates that nobody should trust, though trustme would not make them."""

import datetime
import ssl
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from .certificates import Authority

SHA256_BY_RSA, SHA1_BY_RSA = bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105")
"""As certificates name them (RFC 8017 appendix A.2.4); of the same length, so that one can take the other's place."""


def weak_key(authority: Authority, folder: Path) -> ssl.SSLContext:
    """An RSA key of 1024 bits."""
    issuer = x509.load_pem_x509_certificate(authority.issuer.cert_pem.bytes())
    issuer_key = load_pem_private_key(authority.issuer.private_key_pem.bytes(), None)
    key, now, day = rsa.generate_private_key(65537, 1024), datetime.datetime.now(datetime.UTC), datetime.timedelta(1)
    builder = x509.CertificateBuilder(issuer.subject, x509.Name([]), key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - day).not_valid_after(now + day)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    certificate = builder.add_extension(names, critical=True).sign(issuer_key, hashes.SHA256())  # type: ignore[arg-type]
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return _context(folder, certificate.public_bytes(Encoding.PEM) + pem)


def signed_with_sha1(authority: Authority, folder: Path) -> ssl.SSLContext:
    """Signed anew, as libraries of today refuse to sign so; the authority has an RSA key."""
    leaf = authority.issuer.issue_cert("localhost")
    certificate = x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes())
    signed = certificate.tbs_certificate_bytes.replace(SHA256_BY_RSA, SHA1_BY_RSA)
    issuer_key = load_pem_private_key(authority.issuer.private_key_pem.bytes(), None)
    assert isinstance(issuer_key, rsa.RSAPrivateKey)
    signature = issuer_key.sign(signed, padding.PKCS1v15(), hashes.SHA1())
    der = certificate.public_bytes(Encoding.DER).replace(SHA256_BY_RSA, SHA1_BY_RSA)
    pem = ssl.DER_cert_to_PEM_cert(der.replace(certificate.signature, signature)).encode()
    return _context(folder, pem + leaf.private_key_pem.bytes())


def rsa_authority() -> Authority:
    return Authority(trustme.CA(key_type=trustme.KeyType.RSA))


def _context(folder: Path, pem: bytes) -> ssl.SSLContext:
    file = folder / "server.pem"
    file.write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")  # else the server itself refuses to show it
    context.load_cert_chain(file)
    return context
