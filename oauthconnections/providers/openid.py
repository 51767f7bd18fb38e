"""Any provider of OpenID Connect, by discovery and requests-oauthlib."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus

from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from oauthlib.oauth2 import WebApplicationClient

from oauthconnections.discovery import metadata_of
from oauthconnections.exceptions import ProviderUnavailable
from oauthconnections.http import get_json, json_of
from oauthconnections.id_tokens import invalid, verified_claims

from . import answers, configured
from .base import Begun, Grant, Identity
from .by_oauthlib import ByOAuthlib, new_nonce


class OpenID(ByOAuthlib):
    identity_scopes = ("openid", "email", "offline_access")

    @cached_property
    def metadata(self) -> dict[str, Any]:
        if not self.connection.issuer.strip():
            raise configured.misconfigured(self.connection, _("its issuer is missing."))
        return metadata_of(self.connection)

    @property
    def authorize_url(self) -> str:
        return self.connection.authorize_url or str(self.metadata["authorization_endpoint"])

    @property
    def token_url(self) -> str:
        return self.connection.token_url or str(self.metadata["token_endpoint"])

    def issuer(self) -> str:
        return str(self.metadata["issuer"])

    def requires_issuer(self) -> bool:
        return self.metadata.get("authorization_response_iss_parameter_supported") is True

    def begin(self, redirect_uri: str, state: str, scopes: Sequence[str], login_hint: str = "") -> Begun:
        asked = configured.scopes(self.connection, scopes, self._known_scopes())
        client = WebApplicationClient(self.connection.client_id)
        verifier, nonce = client.create_code_verifier(64), new_nonce()
        with self.session(redirect_uri, asked) as session:
            url, _state = session.authorization_url(
                self.authorize_url,
                state=state,
                nonce=nonce,
                code_challenge=client.create_code_challenge(verifier, "S256"),
                code_challenge_method="S256",
                login_hint=login_hint,
                prompt="consent",  # without it a provider ignores offline_access (OpenID Connect Core section 11)
            )
        return Begun(url, {"code_verifier": verifier, "nonce": nonce, "scopes": asked})

    def _known_scopes(self) -> list[str]:
        """Those that the issuer lists, if it lists any: some refuse who asks for another one."""
        supported = self.metadata.get("scopes_supported")
        return [name for name in self.identity_scopes if not isinstance(supported, list) or name in supported]

    def finish(self, context: Mapping[str, Any], answer: Mapping[str, str], redirect_uri: str) -> Grant:
        tokens = self.exchange(answer, redirect_uri, context["code_verifier"])
        return answers.grant(tokens, self.host, context["scopes"], self._identity(tokens, context["nonce"]))

    def can_revoke(self) -> bool:
        return bool(self.connection.metadata.get("revocation_endpoint"))  # what is stored: a page asks (S-12)

    def revoke(self, token: str) -> None:
        user, parameters = self.authentication()
        with self.asking(token) as session:
            url = str(self.metadata["revocation_endpoint"])
            response = session.post(url, data={"token": token, **parameters}, auth=user)
        if not response.ok:
            raise answers.refused(json_of(response), token)

    def authentication(self) -> tuple[tuple[str, str] | None, dict[str, Any]]:
        client_id, secret = self.connection.client_id, configured.client_secret(self.connection)
        if not secret:
            return None, {"client_id": client_id}
        # In its absence it is basic (OpenID Connect Discovery section 3).
        supported = self.metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if "client_secret_basic" in supported or "client_secret_post" not in supported:
            return (quote_plus(client_id), quote_plus(secret)), {}  # RFC 6749 section 2.3.1
        return None, {"client_id": client_id, "client_secret": secret}

    def _identity(self, tokens: Mapping[str, Any], nonce: str) -> Identity | None:
        """Whom the ID token names; what it leaves out, the userinfo endpoint may know (Core section 5.3)."""
        claims: dict[str, Any] = {}
        if id_token := tokens.get("id_token"):
            claims = verified_claims(str(id_token), self.metadata, self.connection.client_id, nonce)
        if not claims.get("email"):
            claims = {**self._userinfo(tokens, claims), **claims}
        return answers.identity(claims) if claims.get("sub") else None

    def _userinfo(self, tokens: Mapping[str, Any], claims: Mapping[str, Any]) -> dict[str, Any]:
        url = str(self.metadata.get("userinfo_endpoint") or "")
        if not url or not tokens.get("access_token"):
            return {}
        try:
            found = get_json(url, {"Authorization": f"Bearer {tokens['access_token']}"})
        except ProviderUnavailable:
            if claims:
                return {}  # who it is, is known; only the address is not
            raise
        if claims and found.get("sub") != claims["sub"]:
            raise invalid(self.issuer(), "sub")  # section 5.3.2: it may have been exchanged
        return found
