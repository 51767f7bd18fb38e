"""Microsoft Entra ID, by msal."""

import json
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import msal
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from oauthconnections.certificate import validate_certificate
from oauthconnections.endpoints import host_of, refuse_unsafe
from oauthconnections.http import json_of, session, unavailable
from oauthconnections.id_tokens import claims_received_directly, invalid, unverified_claims
from oauthconnections.quiet_libraries import keep_quiet

from . import answers, configured
from .base import Begun, Grant, Identity, Provider

AUTHORITY: Final = "https://login.microsoftonline.com"
OF_MANY_TENANTS: Final = ("common", "organizations", "consumers")
MSAL_ADDS: Final = frozenset({"openid", "offline_access", "profile"})
"""Scopes that msal asks for by itself, and refuses to be told of."""

_PEM: Final = re.compile(r"-----BEGIN ([A-Z ]+)-----.+?-----END \1-----", re.DOTALL)

keep_quiet()


class Microsoft(Provider):
    identity_scopes = ("offline_access", "openid", "email")
    can_be_application = True

    @property
    def authorize_url(self) -> str:
        return self.connection.authorize_url or f"{self._base}/oauth2/v2.0/authorize"

    @property
    def token_url(self) -> str:
        return self.connection.token_url or f"{self._base}/oauth2/v2.0/token"

    def begin(self, redirect_uri: str, state: str, scopes: Sequence[str], login_hint: str = "") -> Begun:
        with self._asking() as application, warnings.catch_warnings():
            # In form_post the answer would come without the session's cookie, which is SameSite=Lax (S-7).
            warnings.filterwarnings("ignore", message="response_mode='form_post' is recommended")
            flow = application.initiate_auth_code_flow(
                self._for_msal(scopes),
                redirect_uri=redirect_uri,
                state=state,
                prompt="select_account",
                login_hint=login_hint or None,
                response_mode="query",
            )
        return Begun(flow["auth_uri"], flow)

    def finish(self, context: Mapping[str, Any], answer: Mapping[str, str], redirect_uri: str) -> Grant:
        code = answers.code_of(answer)
        with self._asking() as application:
            found = application.acquire_token_by_auth_code_flow(dict(context), dict(answer))
        self._refuse_error(found, code, context["code_verifier"])
        return answers.grant(found, self._host, context["scope"], self._identity(str(found.get("id_token") or "")))

    def refresh(self, refresh_token: str, scopes: Sequence[str]) -> Grant:
        with self._asking() as application:
            found = application.acquire_token_by_refresh_token(refresh_token, self._for_msal(scopes))
        self._refuse_error(found, refresh_token)
        return answers.grant(found, self._host, scopes)

    def application_grant(self, scopes: Sequence[str]) -> Grant:
        if self._tenant in OF_MANY_TENANTS:
            text = _("as an application it needs the ID of one tenant, not “%(tenant)s”.")
            raise configured.misconfigured(self.connection, text % {"tenant": self._tenant})
        with self._asking() as application:
            found = application.acquire_token_for_client(list(scopes))
        self._refuse_error(found)
        claims = unverified_claims(str(found.get("access_token")))
        identity = Identity(
            subject=str(claims.get("oid") or ""), claims=answers.kept(claims, answers.APPLICATION_CLAIMS)
        )
        return answers.grant(found, self._host, scopes, identity)

    # --- addresses ---

    @property
    def _tenant(self) -> str:
        if not (tenant := self.connection.tenant.strip()):
            raise configured.misconfigured(self.connection, _("its tenant is missing."))
        return tenant

    @property
    def _base(self) -> str:
        return f"{(self.connection.authority or AUTHORITY).rstrip('/')}/{self._tenant}"

    @property
    def _host(self) -> str:
        return host_of(self.token_url)

    # --- msal ---

    @contextmanager
    def _asking(self) -> Iterator[msal.ConfidentialClientApplication]:
        """msal's application, whose failures are ours."""
        for url in (self.authorize_url, self.token_url):
            refuse_unsafe(url)
        credential = self._credential()
        client = _HTTPClient(self.authorize_url, self.token_url)
        try:
            yield msal.ConfidentialClientApplication(
                self.connection.client_id,
                client_credential=credential,
                authority=_as_https(self._base),
                instance_discovery=False,
                http_client=client,
                exclude_scopes=[] if "profile" in configured.scopes(self.connection) else ["profile"],
                azure_region=False,
            )
        except (ValueError, TypeError, KeyError, AttributeError, IndexError, RuntimeError):
            # msal's own texts have nonce and claims in them. RuntimeError: the nonce is another.
            raise unavailable(self.token_url, _("Its answer can't be understood.")) from None
        finally:
            client.close()

    def _credential(self) -> str | dict[str, str] | None:
        if not (pem := configured.certificate(self.connection)):
            return configured.client_secret(self.connection) or None
        try:
            validate_certificate(pem)
        except ValidationError as error:
            text = _("its certificate can't be used. %(reason)s") % {"reason": " ".join(error.messages)}
            raise configured.misconfigured(self.connection, text) from None
        # Reversed, as of several certificates the first is the one of the key.
        blocks = {found[1].rpartition("PRIVATE ")[2]: found[0] for found in reversed(list(_PEM.finditer(pem)))}
        return {"private_key": blocks["KEY"], "public_certificate": blocks["CERTIFICATE"]}

    def _for_msal(self, scopes: Sequence[str]) -> list[str]:
        asked = configured.scopes(self.connection, scopes, self.identity_scopes)
        return [scope for scope in asked if scope not in MSAL_ADDS]

    def _refuse_error(self, found: Mapping[str, Any], *secrets: str) -> None:
        if "error" in found:
            raise answers.refused(found, configured.client_secret(self.connection), *secrets)

    def _identity(self, id_token: str) -> Identity:
        claims = claims_received_directly(id_token, self._host, self.connection.client_id)  # msal has seen the nonce
        own = not (self.connection.authority or self.connection.token_url)
        if own and claims["iss"] != f"{AUTHORITY}/{claims.get('tid')}/v2.0":
            raise invalid(self._host, "iss")
        name = str(claims.get("preferred_username") or "")
        return answers.identity({"email": name if "@" in name else "", **claims})


class _HTTPClient:
    """What msal talks through. Where Microsoft's endpoints are is known, so nobody is asked for them."""

    def __init__(self, authorize_url: str, token_url: str) -> None:
        self._session = session()
        self._token_url = token_url
        # msal insists on https, also on loopback while DEBUG.
        self._known = {"authorization_endpoint": authorize_url, "token_endpoint": _as_https(token_url)}

    def get(self, url: str, **kwargs: Any) -> "_Answer":
        return _Answer(json.dumps(self._known))

    def post(self, url: str, **kwargs: Any) -> Any:
        response = self._session.post(self._token_url, **kwargs)
        json_of(response)  # msal would log an answer that is no JSON
        return response

    def close(self) -> None:
        self._session.close()


class _Answer:
    status_code = 200
    headers: Mapping[str, str] = {}

    def __init__(self, text: str) -> None:
        self.text = text


def _as_https(url: str) -> str:
    return f"https{url.removeprefix('https').removeprefix('http')}"
