"""Which certificates a connection trusts; a context is built once per content, as that takes longer than a mail."""

import hashlib
import ssl
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from .fingerprint import clean_fingerprint


class OtherCertificate(ssl.SSLError):
    """The server showed another certificate than the pinned one."""


def ssl_context(ca_bundle: str, pinned: str = "") -> ssl.SSLContext:
    """A context that checks certificate and host name, from TLS 1.2 on (S-15).

    It trusts this machine's authorities, those in the file EMAIL_CA_BUNDLE, and the PEM text `ca_bundle`. With the
    fingerprint of a certificate as `pinned` it trusts that one and no other, whoever issued it for which name.
    """
    if pinned:
        return _pinned_context(clean_fingerprint(pinned))
    path: str = getattr(settings, "EMAIL_CA_BUNDLE", None) or ""
    changed = Path(path).stat().st_mtime_ns if path else 0
    return _context(ca_bundle, path, changed)


@lru_cache(maxsize=32)
def _context(ca_bundle: str, path: str, changed: int) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if path:
        context.load_verify_locations(cafile=path)
    if ca_bundle:
        # Comments beside the certificates are in any language, and Python takes only ASCII.
        context.load_verify_locations(cadata=ca_bundle.encode("ascii", "ignore").decode())
    return context


class _PinnedSocket(ssl.SSLSocket):
    """Is no connection before the certificate was found to be the pinned one."""

    def do_handshake(self, block: bool = False) -> None:
        super().do_handshake(block)
        shown = hashlib.sha256(self.getpeercert(binary_form=True) or b"").hexdigest()
        assert isinstance(self.context, _PinnedContext)
        if shown != self.context.pinned:
            raise OtherCertificate(_("The server's certificate is not the one that is pinned."))


class _PinnedContext(ssl.SSLContext):
    pinned: str
    sslsocket_class = _PinnedSocket


@lru_cache(maxsize=32)
def _pinned_context(pinned: str) -> ssl.SSLContext:
    context = _PinnedContext(ssl.PROTOCOL_TLS_CLIENT)
    _trust_nobody_else(context)
    context.pinned = pinned
    return context


def _trust_nobody_else(context: ssl.SSLContext) -> None:
    """What authorities say of a certificate that is known by itself does not count."""
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE


def looking_context() -> ssl.SSLContext:
    """To see a certificate that is not trusted; nothing may be said over such a connection (S-15)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _trust_nobody_else(context)
    return context
