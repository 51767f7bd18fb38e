"""An identity provider like the big ones, for tests: it remembers what it was asked, and fails as it is told to."""

import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Self
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import trustme

from . import identity_pages
from .identity_clients import check_client
from .identity_kinds import KINDS, TENANT, Answer, Refusal, aadsts
from .identity_server import Fault, Request, WebServer
from .identity_tokens import Grant, Issued

__all__ = ["Fault", "IdentityProvider", "Request", "aadsts"]

USER: Final = {
    "sub": "248289761001",
    "email": "jane@example.com",
    "preferred_username": "jane@example.com",
    "name": "Jane Doe",
}


@dataclass
class IdentityProvider:
    """Running inside `with`, at https with `tls`, else at http.

    `faults` by endpoint ("discovery", "authorize", "token", "jwks", "revoke", "introspect", "userinfo"): an answer
    `(status, body)` or `(status, body, headers)`; "close" (without a word), "lost" (does what it is asked, then closes
    without a word), "stall", "drip", "huge"; or what gives one of these for a Request, or None to go on as usual.
    """

    kind_name: str = "openid"
    tls: ssl.SSLContext | None = None
    client_id: str = "11112222-3333-4444-5555-666677778888"
    client_secret: str = field(default="Qx8~the-client-secret.of/tests+", repr=False)
    user: dict[str, Any] = field(default_factory=USER.copy)
    rotate: bool = False
    """Whether a refresh token is good for one time."""
    lifetime: int = 3600
    send_refresh_token: bool = True
    pkce_required: bool = True
    redirect_uris: set[str] | None = None
    """Those that are registered; without, any is."""
    granted: Callable[[list[str]], list[str]] = lambda scopes: scopes
    """Which of the scopes that were asked for somebody allows."""
    send_issuer: bool | None = None
    """Whether the callback has `iss`; without, as the kind does."""
    roles: list[str] = field(default_factory=lambda: ["SMTP.SendAsApp"])
    """What the application itself may do, at Microsoft."""
    id_token_changes: dict[str, Any] = field(default_factory=dict)
    """Claims to put into id tokens in place of the right ones; None leaves one out."""
    forge_id_tokens: bool = False
    """Sign by a key that is not in the JWKS."""
    metadata_changes: dict[str, Any] = field(default_factory=dict)
    """The same for what discovery says."""
    faults: dict[str, Fault] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        self.kind = KINDS[self.kind_name]
        self.issued = Issued(self)
        self.ended = threading.Event()
        self.lock = threading.Lock()
        self._server = WebServer(self, self.tls)
        port = self._server.server_port
        self.url = f"https://localhost:{port}" if self.tls else f"http://127.0.0.1:{port}"
        if self.send_issuer is None:
            self.send_issuer = self.kind.sends_issuer

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.ended.set()
        self._server.stop()

    # --- for the client ---

    @property
    def issuer(self) -> str:
        return self.kind.issuer(self.url)

    def endpoint(self, name: str) -> str:
        return self.url + self.kind.paths[name]

    @property
    def introspection_url(self) -> str:
        """With the client's credentials in it."""
        scheme, _colon, rest = self.endpoint("introspect").partition("://")
        return f"{scheme}://{self.client_id}:{quote(self.client_secret, safe='')}@{rest}"

    def connection_fields(self) -> dict[str, str]:
        """What an OAuthConnection has to have, beside a name, to use this provider."""
        fields = {"provider": self.kind.name, "client_id": self.client_id, "client_secret": self.client_secret}
        if self.kind.name == "openid":
            return fields | {"issuer": self.issuer}
        fields |= {"authorize_url": self.endpoint("authorize"), "token_url": self.endpoint("token")}
        if self.kind.name == "microsoft":
            return fields | {"authority": self.url, "tenant": TENANT}
        return fields | {"issuer": self.issuer}

    @cached_property
    def client_certificate(self) -> str:
        """Private key and certificate, both PEM, that are registered for the client."""
        certificate = trustme.CA().issue_cert("client.example.com", key_type=trustme.KeyType.RSA)
        return certificate.private_key_and_cert_chain_pem.bytes().decode()

    # --- what a person does ---

    def authorize(self, url: str, *, error: str = "", description: str = "") -> str:
        """Sign in as `user` and allow everything, as a browser that was sent to `url`; where it is sent back to."""
        parts = urlsplit(url)
        assert f"{parts.scheme}://{parts.netloc}" == self.url, url
        assert self.kind.path_of(parts.path) == self.kind.paths["authorize"], url
        params = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.requests.append(Request("GET", parts.path, params, {}, "authorize", parts.query))
        with self.lock:
            if error:
                return self.back(params, error=error, error_description=description)
            self.check_authorization(params)
            return self.allow(params, self.user)

    def check_authorization(self, params: Mapping[str, str]) -> None:
        """Refuse what a provider refuses (RFC 6749 section 4.1.2.1)."""
        self.check_redirect(params)
        if params.get("response_type") != "code":
            raise Refusal("response_type")
        if params.get("response_mode", "query") != "query":
            raise Refusal("response_mode")
        has_pkce = params.get("code_challenge_method") == "S256" and len(params.get("code_challenge", "")) == 43
        if self.pkce_required and not has_pkce:
            raise Refusal("pkce")
        self.kind.check_scopes(params.get("scope", "").split())

    def check_redirect(self, params: Mapping[str, str]) -> None:
        """Refuse what must not be told to the redirect URI."""
        if params.get("client_id") != self.client_id:
            raise Refusal("client", client=params.get("client_id", ""))
        uri = params.get("redirect_uri", "")
        if not uri or (self.redirect_uris is not None and uri not in self.redirect_uris):
            raise Refusal("redirect_uri", uri=uri)

    def allow(self, params: Mapping[str, str], user: dict[str, Any]) -> str:
        asked = params["scope"].split()
        grant = Grant(dict(user), self.granted(asked), params.get("nonce", ""), self.kind.is_offline(params, asked))
        code = self.issued.code(grant, params["redirect_uri"], params.get("code_challenge", ""))
        return self.back(params, code=code, **self.kind.extras(params, grant.scopes))

    def back(self, params: Mapping[str, str], **answer: str) -> str:
        """The redirect URI with an answer."""
        answer |= {"state": params["state"]} if "state" in params else {}
        answer |= {"iss": self.issuer} if self.send_issuer else {}
        uri = params["redirect_uri"]
        return f"{uri}{'&' if '?' in uri else '?'}{urlencode(answer)}"

    # --- what happens there ---

    @property
    def refreshes(self) -> int:
        """How often a refresh token came, accepted or not."""
        return sum(request.params.get("grant_type") == "refresh_token" for request in self.requests)

    def is_active(self, token: str) -> dict[str, Any] | None:
        return self.issued.is_active(token)

    def revoke_grants(self) -> None:
        """From now on every refresh token is refused; access tokens live on until they expire."""
        self.issued.refresh.clear()

    def expire_access_tokens(self) -> None:
        """From now on those that were issued so far are not active."""
        self.issued.access.clear()

    def change_key(self) -> None:
        """Sign by another key, and show only that one."""
        self.issued.key_number += 1

    # --- endpoints ---

    def answer(self, request: Request) -> Answer:
        """What an endpoint says when there is no fault."""
        with self.lock:
            try:
                answer: Answer = getattr(self, f"_{request.endpoint}")(request)
            except Refusal as refusal:
                return self.kind.refusal(refusal)
            return answer

    def _discovery(self, request: Request) -> Answer:
        metadata = self.kind.metadata(self.url) | self.metadata_changes
        if self.send_issuer:
            metadata["authorization_response_iss_parameter_supported"] = True
        return 200, {name: value for name, value in metadata.items() if value is not None}, {}

    def _jwks(self, request: Request) -> Answer:
        return 200, self.issued.jwks(), {}

    def _authorize(self, request: Request) -> Answer:
        return identity_pages.answer(self, request)

    def _token(self, request: Request) -> Answer:
        check_client(self, request)
        return 200, self.issued.grant(request.params), {"Cache-Control": "no-store"}

    def _revoke(self, request: Request) -> Answer:
        if self.kind.revocation_needs_client:
            check_client(self, request)
        token = request.params.get("token", "")
        access, refresh = self.issued.access.get(token), self.issued.refresh.get(token)
        grant = refresh or (access.grant if access else None)
        if grant:
            grant.alive = False
        elif self.kind.name == "google":
            return 400, {"error": "invalid_token", "error_description": "Token expired or revoked"}, {}
        return 200, {}, {}

    def _introspect(self, request: Request) -> Answer:
        check_client(self, request)
        return 200, self.is_active(request.params.get("token", "")) or {"active": False}, {}

    def _userinfo(self, request: Request) -> Answer:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        access = self.issued.access.get(token)
        if not access or not access.grant.user or not self.is_active(token):
            return 401, {"error": "invalid_token"}, {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        return 200, self.kind.claims(access.grant.user), {}
