"""What the certificate of a mail server says, whether it is trusted or not."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, Name


@dataclass(frozen=True)
class ServerCertificate:
    """Where it can't be read, only the fingerprint is known (SHA-256, as hexadecimal digits)."""

    fingerprint: str
    subject: str = ""
    names: tuple[str, ...] = ()
    issuer: str = ""
    begins: datetime | None = None
    ends: datetime | None = None

    @property
    def shown_fingerprint(self) -> str:
        """As other tools print it."""
        digits = self.fingerprint.upper()
        return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))

    def described(self) -> list[tuple[str, str]]:
        """Label and value of all that is known."""
        dates = [(_("Valid from"), self.begins), (_("Valid until"), self.ends)]
        known = [
            (_("Certificate of"), self.subject),
            (_("Valid for"), ", ".join(self.names)),
            (_("Issued by"), self.issuer),
            *((label, date.strftime("%Y-%m-%d %H:%M UTC")) for label, date in dates if date),
            (_("SHA-256 fingerprint"), self.shown_fingerprint),
        ]
        return [(label, value) for label, value in known if value]


def read(der: bytes) -> ServerCertificate:
    """Never fails: what a server shows as certificate may be anything."""
    from cryptography import x509  # takes long to load

    fingerprint = hashlib.sha256(der).hexdigest()
    try:
        certificate = x509.load_der_x509_certificate(der)
        return ServerCertificate(
            fingerprint,
            _named(certificate.subject),
            tuple(_names(certificate)),
            _named(certificate.issuer),
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
        )
    except Exception:  # the parser has errors of its own for each way to be broken
        return ServerCertificate(fingerprint)


def _named(name: "Name") -> str:
    return name.rfc4514_string()


def _names(certificate: "Certificate") -> list[str]:
    from cryptography import x509

    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    addresses = found.get_values_for_type(x509.IPAddress)
    return [*found.get_values_for_type(x509.DNSName), *(str(address) for address in addresses)]
