"""Which certificates a connection trusts; a context is built once per content, as that takes longer than a mail."""

import ssl
from functools import lru_cache
from pathlib import Path

from django.conf import settings


def ssl_context(ca_bundle: str) -> ssl.SSLContext:
    """A context that checks certificate and host name, from TLS 1.2 on (S-15).

    It trusts this machine's authorities, those in the file EMAIL_CA_BUNDLE, and the PEM text `ca_bundle`.
    """
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
