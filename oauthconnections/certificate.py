"""A certificate with its private key, which an application can use instead of a secret."""

from datetime import date

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


def validate_certificate(pem: str) -> None:
    """A private key and its certificate, in any order."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # on first use: takes long
    from cryptography.x509 import load_pem_x509_certificate

    _refuse_half(pem)
    try:
        key, certificate = load_pem_private_key(pem.encode(), None), load_pem_x509_certificate(pem.encode())
        fits = key.public_key() == certificate.public_key()
    except (ValueError, TypeError) as error:
        raise ValidationError(_("The key or the certificate can't be read. Copy both again."), "unreadable") from error
    if not fits:
        raise ValidationError(_("The private key does not belong to this certificate."), "mismatch")


def _refuse_half(pem: str) -> None:
    if "ENCRYPTED" in pem:
        raise ValidationError(_("The private key is protected by a passphrase. Remove the passphrase first."), "locked")
    if "PRIVATE KEY-----" not in pem:
        raise ValidationError(_("The private key is missing. Paste both, the key and the certificate."), "no_key")
    if "BEGIN CERTIFICATE-----" not in pem:
        raise ValidationError(
            _("The certificate is missing. Paste both, the key and the certificate."), "no_certificate"
        )


def last_day(pem: str) -> date:
    """The end of a certificate that `validate_certificate` has accepted."""
    from cryptography.x509 import load_pem_x509_certificate  # on first use: takes long

    return load_pem_x509_certificate(pem.encode()).not_valid_after_utc.date()
