"""Server certificates of an authority that exists only during a test run."""

import ssl
from dataclasses import dataclass, field

import trustme

NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Authority:
    """A certificate authority; `pem` is what an administrator would paste as the CA of the server."""

    issuer: trustme.CA = field(default_factory=trustme.CA)

    @property
    def pem(self) -> str:
        return self.issuer.cert_pem.bytes().decode()

    def issue(self, *names: str) -> trustme.LeafCert:
        return self.issuer.issue_cert(*(names or NAMES))

    def server_context(self, *names: str) -> ssl.SSLContext:
        """What a server needs to speak TLS under these names (without any: those of this machine)."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.issue(*names).configure_cert(context)
        return context
