"""What an identity provider has issued: codes, access tokens, refresh tokens, and the key that signs."""

import base64
import hashlib
import json
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from .identity_kinds import OUTLOOK, TENANT_ID, Refusal, oid

if TYPE_CHECKING:
    from .identity_provider import IdentityProvider

BEARER_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass
class Grant:
    """What somebody allowed (or, without a user, the application itself may)."""

    user: dict[str, Any] | None
    scopes: list[str]
    nonce: str = ""
    offline: bool = False
    alive: bool = True


@dataclass
class Code:
    grant: Grant
    redirect_uri: str
    challenge: str
    redeemed: bool = False


@dataclass
class Access:
    grant: Grant
    expires: float


@cache
def _keys(number: int) -> rsa.RSAPrivateKey:
    """The same for all providers of a test run: making one takes long."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Issued:
    """The books of a provider."""

    provider: "IdentityProvider" = field(repr=False)
    codes: dict[str, Code] = field(default_factory=dict)
    access: dict[str, Access] = field(default_factory=dict)
    refresh: dict[str, Grant] = field(default_factory=dict)
    key_number: int = 0

    @property
    def key(self) -> rsa.RSAPrivateKey:
        return _keys(self.key_number)

    def jwks(self) -> dict[str, Any]:
        public = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [public | {"kid": f"key-{self.key_number}", "use": "sig", "alg": "RS256"}]}

    def sign(self, claims: Mapping[str, Any], forged: bool = False) -> str:
        key = _keys(-1) if forged else self.key
        return jwt.encode(dict(claims), key, algorithm="RS256", headers={"kid": f"key-{self.key_number}"})

    def code(self, grant: Grant, redirect_uri: str, challenge: str) -> str:
        code = "code-" + secrets.token_urlsafe(24)
        self.codes[code] = Code(grant, redirect_uri, challenge)
        return code

    # --- tokens ---

    def answer(self, grant: Grant, refresh_token: str) -> dict[str, Any]:
        """What the token endpoint says; a new access token is in it."""
        provider = self.provider
        body = {
            "token_type": "Bearer",
            "access_token": self.access_token(grant),
            "expires_in": provider.lifetime,
            "scope": provider.kind.scope(grant.scopes),
        }
        if refresh_token:
            body["refresh_token"] = refresh_token
        if grant.user and "openid" in grant.scopes:
            body["id_token"] = self.id_token(grant)
        return body

    def access_token(self, grant: Grant) -> str:
        prefix = self.provider.kind.prefixes[0]
        expires = time.time() + self.provider.lifetime
        token = prefix + secrets.token_urlsafe(40) if prefix else self.sign(self._access_claims(grant, expires))
        self.access[token] = Access(grant, expires)
        return token

    def _access_claims(self, grant: Grant, expires: float) -> dict[str, Any]:
        """Microsoft's access tokens say whom they are for and what they allow."""
        resource = next((scope for scope in grant.scopes if scope.startswith("https://")), "")
        audience = "/".join(resource.split("/")[:3]) or "00000003-0000-0000-c000-000000000000"
        claims = {
            "aud": audience,
            "iss": f"https://sts.windows.net/{TENANT_ID}/",
            "iat": int(time.time()),
            "exp": int(expires),
            "tid": TENANT_ID,
            "appid": self.provider.client_id,
            "jti": uuid.uuid4().hex,
        }
        if not grant.user:
            is_outlook = resource.startswith(OUTLOOK)
            return claims | {"oid": TENANT_ID, "roles": self.provider.roles if is_outlook else [], "idtyp": "app"}
        prefix = resource[: len(audience) + 1]
        allowed = [scope.removeprefix(prefix) for scope in grant.scopes if prefix and scope.startswith(prefix)]
        user = {"oid": oid(grant.user), "upn": grant.user.get("preferred_username", "")}
        return claims | user | {"scp": " ".join(allowed)}

    def id_token(self, grant: Grant) -> str:
        provider, now = self.provider, int(time.time())
        assert grant.user
        claims = {"iss": provider.issuer, "aud": provider.client_id, "iat": now, "exp": now + 3600}
        claims |= provider.kind.claims(grant.user)
        if grant.nonce:
            claims["nonce"] = grant.nonce
        claims |= provider.id_token_changes
        return self.sign({k: v for k, v in claims.items() if v is not None}, forged=provider.forge_id_tokens)

    def refresh_token(self, grant: Grant) -> str:
        token = self.provider.kind.prefixes[1] + secrets.token_urlsafe(40)
        self.refresh[token] = grant
        return token

    def is_active(self, token: str) -> dict[str, Any] | None:
        """What introspection tells of a token that is good (RFC 7662)."""
        access = self.access.get(token)
        if not access or not access.grant.alive or access.expires <= time.time():
            return None
        user = access.grant.user or {"sub": self.provider.client_id}
        name = user.get("preferred_username") or user.get("email") or user["sub"]
        return {
            "active": True,
            "sub": user["sub"],
            "username": name,
            "email": user.get("email", ""),
            "client_id": self.provider.client_id,
            "scope": " ".join(access.grant.scopes),
            "exp": int(access.expires),
            "token_type": "Bearer",
        }

    # --- the token endpoint ---

    def grant(self, params: Mapping[str, str]) -> dict[str, Any]:
        """The answer to a client that is who it says, or a Refusal."""
        kinds = {
            "authorization_code": self._by_code,
            "refresh_token": self._by_refresh_token,
            "client_credentials": self._by_client,
        }
        handle = kinds.get(params.get("grant_type", ""))
        if not handle:
            raise Refusal("grant_type")
        return handle(params)

    def _by_code(self, params: Mapping[str, str]) -> dict[str, Any]:
        code = self.codes.get(params.get("code", ""))
        if not code:
            raise Refusal("code")
        if code.redeemed:
            raise Refusal("redeemed")
        uri = params.get("redirect_uri", "")
        if uri != code.redirect_uri:
            raise Refusal("other_redirect_uri", uri=uri, registered=code.redirect_uri)
        if code.challenge and code.challenge != challenge_of(params.get("code_verifier", "")):
            raise Refusal("verifier")
        code.redeemed = True
        wanted = code.grant.offline and self.provider.send_refresh_token
        body = self.answer(code.grant, self.refresh_token(code.grant) if wanted else "")
        return body | self._client_info(code.grant, params)

    def _client_info(self, grant: Grant, params: Mapping[str, str]) -> dict[str, str]:
        """Who it is, for Microsoft's own library, which asks for that."""
        if self.provider.kind.name != "microsoft" or not grant.user or "client_info" not in params:
            return {}
        text = json.dumps({"uid": oid(grant.user), "utid": TENANT_ID}).encode()
        return {"client_info": base64.urlsafe_b64encode(text).decode().rstrip("=")}

    def _by_refresh_token(self, params: Mapping[str, str]) -> dict[str, Any]:
        token = params.get("refresh_token", "")
        grant = self.refresh.get(token)
        if not grant or not grant.alive:
            raise Refusal("refresh_token")
        grant.nonce = ""
        return self.answer(grant, self._next_refresh_token(grant, token)) | self._client_info(grant, params)

    def _next_refresh_token(self, grant: Grant, token: str) -> str:
        kind = self.provider.kind.name
        if self.provider.rotate:
            del self.refresh[token]
            return self.refresh_token(grant)
        # Google sends none; Microsoft a new one each time, and the old one stays good for a while.
        return {"google": "", "microsoft": self.refresh_token(grant)}.get(kind, token)

    def _by_client(self, params: Mapping[str, str]) -> dict[str, Any]:
        scopes = params.get("scope", "").split()
        if self.provider.kind.name == "google":
            raise Refusal("grant_type")
        if self.provider.kind.name == "microsoft" and not (len(scopes) == 1 and scopes[0].endswith("/.default")):
            raise Refusal("scope", scope=" ".join(scopes))
        return self.answer(Grant(None, scopes), "")


def challenge_of(verifier: str) -> str:
    """PKCE S256 (RFC 7636 section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
