"""django-oauth-toolkit as an OpenID provider, in a process of its own."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

import trustme

from . import person
from .certificates import Authority
from .own_process import port_of

CALLBACK: Final = "/oauth/callback/"


@dataclass
class ToolkitProvider:
    """A running site with one user, whose name is the address, and one client.

    The client may come back to the callback at localhost, whatever the port, and at https://site.example.com.
    """

    client_id: str = "toolkit-client"
    client_secret: str = field(default="the-secret-of-the-toolkit-client", repr=False)
    username: str = "jane@example.com"
    password: str = field(default="a pass word", repr=False)
    scopes: tuple[str, ...] = ("openid", "email", "offline_access")
    """As it comes, the toolkit knows no offline_access: without it here, asking for that is an error."""
    lifetime: int = 3600
    rotate: bool = True
    redirect_uris: tuple[str, ...] = (
        f"http://localhost{CALLBACK}",
        f"http://127.0.0.1{CALLBACK}",
        f"https://site.example.com{CALLBACK}",
    )
    url: str = ""

    @property
    def issuer(self) -> str:
        return f"{self.url}/o"

    @property
    def introspection_url(self) -> str:
        """With the client's credentials in it."""
        scheme, _colon, rest = self.issuer.partition("://")
        return f"{scheme}://{self.client_id}:{self.client_secret}@{rest}/introspect/"

    def connection_fields(self) -> dict[str, str]:
        """What an OAuthConnection has to have, beside a name, to use this provider."""
        client = {"client_id": self.client_id, "client_secret": self.client_secret}
        return {"provider": "openid", "issuer": self.issuer, **client}

    def authorize(self, url: str) -> str:
        """Sign in and allow everything, as a browser that was sent to `url`; where it is sent back to."""
        return person.authorize(url, {"username": self.username, "password": self.password})


@cache
def _signing_key() -> bytes:
    return trustme.CA().issue_cert("signing.test", key_type=trustme.KeyType.RSA).private_key_pem.bytes()


@contextmanager
def toolkit_provider(folder: Path, authority: Authority | None = None, **options: object) -> Iterator[ToolkitProvider]:
    """At https with a certificate of `authority`, else at http; all its files are in `folder`, its log too."""
    provider = ToolkitProvider(**options)  # type: ignore[arg-type]
    (folder / "options.json").write_text(json.dumps(asdict(provider)))
    (folder / "signing.pem").write_bytes(_signing_key())
    if authority:
        authority.issue().private_key_and_cert_chain_pem.write_to_path(folder / "certificate.pem")
    environment = {"DJANGO_SETTINGS_MODULE": "tests.servers.toolkit.settings", "TOOLKIT_FOLDER": str(folder)}
    with port_of([sys.executable, "-m", "django", "serve"], folder, **environment) as port:
        provider.url = f"{'https' if authority else 'http'}://localhost:{port}"
        yield provider
