"""What Google and OpenID providers have in common: sessions of requests-oauthlib, and what they answer."""

import os
import secrets
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.utils.translation import gettext as _
from oauthlib.oauth2 import MissingTokenError, OAuth2Error, WebApplicationClient
from requests_oauthlib import OAuth2Session

from oauthconnections.endpoints import host_of, refuse_unsafe
from oauthconnections.http import guarded, unavailable
from oauthconnections.quiet_libraries import keep_quiet

from . import answers
from .base import Grant, Provider

keep_quiet()


def new_nonce() -> str:
    return secrets.token_urlsafe(32)


class ByOAuthlib(Provider):
    @property
    @abstractmethod
    def authorize_url(self) -> str: ...

    @property
    @abstractmethod
    def token_url(self) -> str: ...

    @property
    def host(self) -> str:
        return host_of(self.token_url)

    @abstractmethod
    def authentication(self) -> tuple[tuple[str, str] | None, dict[str, Any]]:
        """How the site proves to be the client (RFC 6749 section 2.3): user and password, or parameters."""

    def session(self, redirect_uri: str = "", scopes: Sequence[str] | None = None) -> OAuth2Session:
        """Scopes are for the first leg only: later oauthlib would refuse an answer that names them differently."""
        for url in (self.authorize_url, self.token_url):
            refuse_unsafe(url)
            _let_oauthlib_talk_to(url)
        client = WebApplicationClient(self.connection.client_id)
        return guarded(OAuth2Session(client=client, redirect_uri=redirect_uri, scope=scopes))

    @contextmanager
    def asking(self, *secrets: str) -> Iterator[OAuth2Session]:
        """A session whose failures are ours, without what was sent."""
        try:
            with self.session() as session:
                yield session
        except MissingTokenError:
            raise unavailable(self.token_url, _("Its answer has no access token.")) from None
        except OAuth2Error as error:
            raise answers.refused({"error": error.error, "error_description": error.description}, *secrets) from None
        except (ValueError, TypeError, AttributeError, KeyError):
            raise unavailable(self.token_url, _("Its answer can't be understood.")) from None

    def refresh(self, refresh_token: str, scopes: Sequence[str]) -> Grant:
        user, parameters = self.authentication()
        with self.asking(refresh_token, parameters.get("client_secret", "")) as session:
            # A copy, as requests-oauthlib puts the old refresh token in where there is no new one.
            answer = dict(session.refresh_token(self.token_url, refresh_token, auth=user, **parameters))
        if answer.get("refresh_token") == refresh_token:
            del answer["refresh_token"]
        return answers.grant(answer, self.host, scopes)

    def exchange(self, answer: Mapping[str, str], redirect_uri: str, verifier: str) -> dict[str, Any]:
        """The tokens for the code of a callback (RFC 6749 section 4.1.3)."""
        user, parameters = self.authentication()
        code = answers.code_of(answer)
        with self.asking(code, verifier, parameters.get("client_secret", "")) as session:
            session.redirect_uri = redirect_uri
            return dict(
                session.fetch_token(
                    self.token_url,
                    code=code,
                    code_verifier=verifier,
                    auth=user,
                    include_client_id=user is None,
                    client_secret=parameters.get("client_secret"),
                )
            )


def _let_oauthlib_talk_to(url: str) -> None:
    """oauthlib refuses http, for which it has only this switch; where http may be spoken to has been decided before."""
    if url.startswith("http://"):
        os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
