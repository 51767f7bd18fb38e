"""Google, by google-auth-oauthlib."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urljoin

from google_auth_oauthlib.flow import Flow

from oauthconnections.http import json_of
from oauthconnections.id_tokens import claims_received_directly, invalid

from . import answers, configured
from .base import Begun, Grant
from .by_oauthlib import ByOAuthlib, new_nonce

AUTHORIZE_URL: Final = "https://accounts.google.com/o/oauth2/v2/auth"
TOKEN_URL: Final = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
ISSUERS: Final = ("https://accounts.google.com", "accounts.google.com")


class Google(ByOAuthlib):
    @property
    def authorize_url(self) -> str:
        return self.connection.authorize_url or AUTHORIZE_URL

    @property
    def token_url(self) -> str:
        return self.connection.token_url or TOKEN_URL

    def issuer(self) -> str:
        return "" if self.connection.authorize_url else ISSUERS[0]

    def begin(self, redirect_uri: str, state: str, scopes: Sequence[str], login_hint: str = "") -> Begun:
        asked, nonce = configured.scopes(self.connection, scopes, self.identity_scopes), new_nonce()
        with self.session(redirect_uri, asked) as session:
            flow = self._flow(session)
            url, _state = flow.authorization_url(
                access_type="offline",
                prompt="consent",  # else Google gives a refresh token at the first sign-in only
                state=state,
                nonce=nonce,
                login_hint=login_hint,
            )
        return Begun(url, {"code_verifier": flow.code_verifier, "nonce": nonce, "scopes": asked})

    def finish(self, context: Mapping[str, Any], answer: Mapping[str, str], redirect_uri: str) -> Grant:
        tokens = self.exchange(answer, redirect_uri, context["code_verifier"])
        identity = answers.identity(self._claims(str(tokens.get("id_token") or ""), context["nonce"]))
        return answers.grant(tokens, self.host, context["scopes"], identity)

    def can_revoke(self) -> bool:
        return True

    def revoke(self, token: str) -> None:
        with self.asking(token) as session:
            response = session.post(urljoin(self.token_url, "revoke"), data={"token": token})
        if not response.ok:
            raise answers.refused(json_of(response), token)

    def authentication(self) -> tuple[tuple[str, str] | None, dict[str, Any]]:
        secret = configured.client_secret(self.connection)
        return None, {"client_id": self.connection.client_id, "client_secret": secret}

    def _flow(self, session: Any) -> Flow:
        client = {"auth_uri": self.authorize_url, "token_uri": self.token_url, "client_id": self.connection.client_id}
        return Flow(session, "web", {"web": client}, redirect_uri=session.redirect_uri)

    def _claims(self, id_token: str, nonce: str) -> dict[str, Any]:
        claims = claims_received_directly(id_token, self.host, self.connection.client_id, nonce)
        if not self.connection.token_url and claims["iss"] not in ISSUERS:
            raise invalid(self.host, "iss")
        return claims
