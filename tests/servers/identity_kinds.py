"""In what the identity providers of the big ones differ: paths, who gets a refresh token, and how they say no."""

import datetime
import uuid
from collections.abc import Mapping
from typing import Any, Final

Answer = tuple[int, Any, dict[str, str]]
"""Status, body (a dictionary becomes JSON), headers."""

TENANT: Final = "contoso.onmicrosoft.com"
TENANT_ID: Final = "0f5c1d6e-6e3b-4b43-9d5c-7c2f1b6f0a11"
OUTLOOK: Final = ("https://outlook.office.com/", "https://outlook.office365.com/")


class Refusal(Exception):
    """The provider says no; `reason` is a key of each kind's `refusals`."""

    def __init__(self, reason: str, **values: str) -> None:
        super().__init__(reason, values)
        self.reason, self.values = reason, values


class Kind:
    """Any provider that does as OpenID Connect says."""

    name = "openid"
    prefixes = ("access-", "refresh-")
    sends_issuer = True
    revocation_needs_client = True
    paths: Mapping[str, str] = {
        "discovery": "/.well-known/openid-configuration",
        "jwks": "/jwks",
        "authorize": "/authorize",
        "token": "/token",
        "revoke": "/revoke",
        "introspect": "/introspect",
        "userinfo": "/userinfo",
    }
    refusals: Mapping[str, tuple[str, str]] = {
        "client": ("invalid_client", "There is no such client"),
        "secret": ("invalid_client", "Client authentication failed"),
        "redirect_uri": ("invalid_request", "The redirect URI {uri} is not registered"),
        "response_type": ("unsupported_response_type", "Only the authorization code is supported"),
        "response_mode": ("invalid_request", "Only response_mode=query is supported"),
        "pkce": ("invalid_request", "PKCE with S256 is required"),
        "openid": ("invalid_scope", "The scope openid is missing"),
        "code": ("invalid_grant", "The code is not known"),
        "redeemed": ("invalid_grant", "Code was already redeemed"),
        "other_redirect_uri": ("invalid_grant", "The redirect URI {uri} is not that of the authorization request"),
        "verifier": ("invalid_grant", "The code verifier does not match"),
        "refresh_token": ("invalid_grant", "The refresh token is expired or revoked"),
        "grant_type": ("unsupported_grant_type", "The grant type is not supported"),
        "scope": ("invalid_scope", "The scope {scope} is not valid"),
        "resources": ("invalid_scope", "The scope {scope} is not valid"),
    }

    def issuer(self, url: str) -> str:
        return url

    def path_of(self, path: str) -> str:
        """The path as it stands in `paths`."""
        return path

    def metadata(self, url: str) -> dict[str, Any]:
        """What discovery answers (OpenID Connect Discovery 1.0 section 3)."""
        names = {"authorization": "authorize", "token": "token", "userinfo": "userinfo"}
        names |= {"revocation": "revoke", "introspection": "introspect"}
        return {
            "issuer": self.issuer(url),
            "jwks_uri": url + self.paths["jwks"],
            **{f"{name}_endpoint": url + self.paths[key] for name, key in names.items() if key in self.announced},
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["openid", "email", "profile", "offline_access"],
        }

    announced: tuple[str, ...] = ("authorize", "token", "userinfo", "revoke", "introspect")

    def is_offline(self, params: Mapping[str, str], scopes: list[str]) -> bool:
        """Whether a refresh token is given."""
        return "offline_access" in scopes

    def scope(self, scopes: list[str]) -> str:
        """What the token answer calls the scopes."""
        return " ".join(scopes)

    def claims(self, user: Mapping[str, Any]) -> dict[str, Any]:
        """Of the id token, beside those that every one has."""
        return dict(user)

    def extras(self, params: Mapping[str, str], scopes: list[str]) -> dict[str, str]:
        """What it adds to the callback."""
        return {}

    def check_scopes(self, scopes: list[str]) -> None:
        if "openid" not in scopes:
            raise Refusal("openid")

    def refusal(self, refusal: Refusal) -> Answer:
        error, text = self.refusals[refusal.reason]
        body = {"error": error, "error_description": text.format(**refusal.values)}
        return self._status(error), body, {}

    def _status(self, error: str) -> int:
        return 401 if error == "invalid_client" else 400


class Microsoft(Kind):
    """Entra ID, as far as it shows."""

    name = "microsoft"
    prefixes = ("", "0.AXk-")
    sends_issuer = False
    announced = ("authorize", "token", "userinfo")
    paths = {
        "discovery": f"/{TENANT}/v2.0/.well-known/openid-configuration",
        "jwks": f"/{TENANT}/discovery/v2.0/keys",
        "authorize": f"/{TENANT}/oauth2/v2.0/authorize",
        "token": f"/{TENANT}/oauth2/v2.0/token",
        "userinfo": "/oidc/userinfo",
        "introspect": "/introspect",
    }
    refusals = {
        "client": (
            "unauthorized_client",
            "AADSTS700016: Application with identifier '{client}' was not found in the directory 'Contoso'.",
        ),
        "secret": (
            "invalid_client",
            "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client "
            "secret value, not the client secret ID, for a secret added to app '{client}'.",
        ),
        "redirect_uri": (
            "invalid_request",
            "AADSTS50011: The redirect URI '{uri}' specified in the request does not match the redirect URIs "
            "configured for the application.",
        ),
        "response_type": ("unsupported_response_type", "AADSTS700051: The response_type is not enabled."),
        "response_mode": ("invalid_request", "AADSTS700054: Only response_mode=query is supported here."),
        "pkce": ("invalid_request", "AADSTS9002325: Proof Key for Code Exchange is required."),
        "openid": ("invalid_scope", "AADSTS70011: The provided request must include a 'scope' input parameter."),
        "code": ("invalid_grant", "AADSTS9002313: Invalid request. Request is malformed or invalid."),
        "redeemed": (
            "invalid_grant",
            "AADSTS54005: OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an "
            "existing refresh token.",
        ),
        "other_redirect_uri": (
            "invalid_grant",
            "AADSTS500112: The reply address '{uri}' does not match the reply address '{registered}' provided when "
            "requesting Authorization code.",
        ),
        "verifier": (
            "invalid_grant",
            "AADSTS501481: The Code_Verifier does not match the code_challenge supplied in the authorization request.",
        ),
        "refresh_token": (
            "invalid_grant",
            "AADSTS700082: The refresh token has expired due to inactivity. The token was issued on "
            "2026-05-01T08:00:00.0000000Z and was inactive for 90.00:00:00.",
        ),
        "grant_type": ("unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type."),
        "scope": (
            "invalid_scope",
            "AADSTS1002012: The provided value for scope {scope} is not valid. Client credential flows must have a "
            "scope value with /.default suffixed to the resource identifier (application ID URI).",
        ),
        "resources": (
            "invalid_request",
            "AADSTS28000: Provided value for the input parameter scope is not valid because it contains more than one "
            "resource. Scope {scope} is not valid.",
        ),
        "tenant": ("invalid_request", "AADSTS90002: Tenant '{tenant}' not found."),
        "common": (
            "invalid_request",
            "AADSTS50194: Application is not configured as a multi-tenant application. Usage of the /common "
            "endpoint is not supported for such apps created after '10/15/2018'.",
        ),
    }

    def issuer(self, url: str) -> str:
        return f"{url}/{TENANT_ID}/v2.0"

    def path_of(self, path: str) -> str:
        first, _slash, rest = path.removeprefix("/").partition("/")
        if rest.startswith(("oauth2/", "v2.0/", "discovery/")) and first not in (TENANT, TENANT_ID):
            raise Refusal("common" if first in ("common", "organizations") else "tenant", tenant=first)
        return f"/{TENANT}/{rest}" if first == TENANT_ID else path

    def scope(self, scopes: list[str]) -> str:
        of_resource = [scope for scope in scopes if scope.startswith("https://")]
        return " ".join(of_resource or [scope for scope in scopes if scope != "offline_access"])

    def claims(self, user: Mapping[str, Any]) -> dict[str, Any]:
        return {"tid": TENANT_ID, "oid": oid(user), "ver": "2.0", **user}

    def extras(self, params: Mapping[str, str], scopes: list[str]) -> dict[str, str]:
        return {"session_state": str(uuid.uuid4())}

    def check_scopes(self, scopes: list[str]) -> None:
        super().check_scopes(scopes)
        resources = {scope.split("/")[2] for scope in scopes if scope.startswith("https://")}
        if len(resources) > 1:
            raise Refusal("resources", scope=" ".join(scopes))

    def refusal(self, refusal: Refusal) -> Answer:
        error, text = self.refusals[refusal.reason]
        return aadsts(error, text.format(**refusal.values), self._status(error))


def aadsts(error: str, text: str, status: int = 400) -> Answer:
    """An answer as Microsoft words it: `aadsts("invalid_grant", "AADSTS50173: The provided grant has expired")`."""
    trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
    now = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M:%SZ}"
    number = text.partition(":")[0].removeprefix("AADSTS")
    body = {
        "error": error,
        "error_description": f"{text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {now}",
        "error_codes": [int(number)] if number.isdigit() else [],
        "timestamp": now,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={number}",
    }
    return status, body, {}


def oid(user: Mapping[str, Any]) -> str:
    """What Microsoft calls somebody in the whole tenant (`sub` is another for each application)."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, str(user["sub"])))


class Google(Kind):
    """Google, as far as it shows."""

    name = "google"
    prefixes = ("ya29.", "1//")
    sends_issuer = False
    revocation_needs_client = False
    announced = ("authorize", "token", "userinfo", "revoke")
    paths = {
        "discovery": "/.well-known/openid-configuration",
        "jwks": "/oauth2/v3/certs",
        "authorize": "/o/oauth2/v2/auth",
        "token": "/token",
        "revoke": "/revoke",
        "userinfo": "/v1/userinfo",
        "introspect": "/introspect",
    }
    refusals = {
        **Kind.refusals,
        "client": ("invalid_client", "The OAuth client was not found."),
        "secret": ("invalid_client", "The provided client secret is invalid."),
        "redirect_uri": ("redirect_uri_mismatch", "Bad Request"),
        "other_redirect_uri": ("redirect_uri_mismatch", "Bad Request"),
        "code": ("invalid_grant", "Malformed auth code."),
        "redeemed": ("invalid_grant", "Code was already redeemed."),
        "verifier": ("invalid_grant", "Invalid code verifier."),
        "refresh_token": ("invalid_grant", "Token has been expired or revoked."),
        "scope": ("invalid_scope", "Some requested scopes were invalid. {{invalid=[{scope}]}}"),
    }
    _spelling: Mapping[str, str] = {
        "email": "https://www.googleapis.com/auth/userinfo.email",
        "profile": "https://www.googleapis.com/auth/userinfo.profile",
    }

    def is_offline(self, params: Mapping[str, str], scopes: list[str]) -> bool:
        return params.get("access_type") == "offline" and "consent" in params.get("prompt", "").split()

    def scope(self, scopes: list[str]) -> str:
        return " ".join(sorted(self._spelling.get(scope, scope) for scope in scopes))

    def claims(self, user: Mapping[str, Any]) -> dict[str, Any]:
        # There is no preferred_username at Google.
        return {"email_verified": True} | {name: user[name] for name in user if name != "preferred_username"}

    def extras(self, params: Mapping[str, str], scopes: list[str]) -> dict[str, str]:
        return {"scope": self.scope(scopes), "authuser": "0", "prompt": params.get("prompt", "none")}

    def check_scopes(self, scopes: list[str]) -> None:
        super().check_scopes(scopes)
        if "offline_access" in scopes:  # Google knows no such scope and says so
            raise Refusal("scope", scope="offline_access")


KINDS: Final[Mapping[str, Kind]] = {kind.name: kind() for kind in (Kind, Microsoft, Google)}
