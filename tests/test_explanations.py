"""What a provider says is explained in words that people understand, each cause in its own."""

import re
from datetime import timedelta
from typing import Final

import pytest
from django.utils import timezone

from oauthconnections.catalogue import BY_CODE, BY_WORDS
from oauthconnections.exceptions import (
    Misconfigured,
    OAuthError,
    ProviderRefused,
    ProviderUnavailable,
    ReauthenticationRequired,
    UnsafeAddress,
)
from oauthconnections.explanations import entry_of, explain
from oauthconnections.models import OAuthAccount, OAuthConnection

CONNECTION: Final = OAuthConnection(name="Example Ltd", provider="google")

TRACE: Final = " Trace ID: 8f4e3b1a-0c1d-4a0e-9b65-6a2d8d4b0100 Correlation ID: 1b2c Timestamp: 2026-11-25 10:00:00Z"

WORDS: Final = [
    ("idle", "invalid_grant: AADSTS700082: The refresh token has expired due to inactivity. The token was issued on"),
    (
        "revoked",
        "invalid_grant: AADSTS50173: The provided grant has expired due to it being revoked, a fresh auth token",
    ),
    (
        "grant-ended",
        "invalid_grant: AADSTS70000: The provided value for the input parameter 'refresh_token' is not valid",
    ),
    ("grant-ended", "invalid_grant: AADSTS70008: The provided authorization code or refresh token has expired"),
    ("sign-in-frequency", "invalid_grant: AADSTS70043: The refresh token has expired or is invalid due to sign-in"),
    ("google-ended", "invalid_grant: Token has been expired or revoked."),
    ("google-ended", "invalid_grant: Bad Request"),
    ("google-session", "invalid_grant: reauth related error (invalid_rapt)"),
    ("account-gone", "invalid_grant: Account has been deleted"),
    ("account-gone", "invalid_grant: AADSTS50057: The user account is disabled."),
    ("account-gone", "invalid_grant: AADSTS50034: The user account does not exist in the contoso.com directory."),
    ("code-used", "invalid_grant: Code was already redeemed."),
    (
        "code-used",
        "invalid_grant: AADSTS54005: OAuth2 Authorization code was already redeemed, please retry with a new",
    ),
    ("verifier", "invalid_grant: AADSTS501481: The Code_Verifier does not match the code_challenge supplied in the"),
    ("verifier", "invalid_grant: Invalid code verifier."),
    ("secret-expired", "invalid_client: AADSTS7000222: The provided client secret keys for app 'x' are expired."),
    ("secret-wrong", "invalid_client: AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in"),
    ("secret-missing", "invalid_client: AADSTS7000218: The request body must contain the following parameter:"),
    ("google-secret", "invalid_client: Unauthorized"),
    ("google-secret", "invalid_client: The provided client secret is invalid."),
    ("certificate-wrong", "invalid_client: AADSTS700027: The certificate with identifier used to sign the client"),
    ("clock", "invalid_client: AADSTS700024: Client assertion is not within its valid time range."),
    ("clock", "invalid_id_token: The token is not yet valid (iat)"),
    ("client-unknown", "unauthorized_client: AADSTS700016: Application with identifier 'x' was not found in the"),
    ("client-unknown", "invalid_client: The OAuth client was not found."),
    ("client-unknown", "deleted_client: The OAuth client was deleted."),
    ("client-disabled", "disabled_client: The OAuth client was disabled."),
    ("client-disabled", "unauthorized_client: AADSTS7000112: Application 'x'(y) is disabled."),
    ("not-web", "invalid_request: AADSTS9002326: Cross-origin token redemption is permitted only for the"),
    ("not-web", "invalid_client: AADSTS700025: Client is public so neither 'client_assertion' nor 'client_secret'"),
    ("redirect-uri", "redirect_uri_mismatch: "),
    ("redirect-uri", "invalid_request: AADSTS50011: The redirect URI 'https://a/' specified in the request does not"),
    ("redirect-uri", "invalid_client: AADSTS500112: The reply address 'http://a/' does not match the reply address"),
    ("redirect-uri", "invalid_request: The redirect URI https://a/ is not registered"),
    (
        "tenant-single",
        "invalid_request: AADSTS50194: Application 'x'(y) is not configured as a multi-tenant application.",
    ),
    ("tenant-unknown", "invalid_request: AADSTS50059: No tenant-identifying information found in either the request"),
    ("tenant-unknown", "invalid_request: AADSTS90002: Tenant 'contoso' not found."),
    (
        "tenant-foreign",
        "invalid_request: AADSTS50020: User account 'a@b.example' from identity provider does not exist",
    ),
    ("tenant-personal", "invalid_request: AADSTS9002331: Application is configured for use by Microsoft Account users"),
    ("not-assigned", "invalid_grant: AADSTS50105: Your administrator has configured the application to block users"),
    ("resource-missing", "invalid_resource: AADSTS500011: The resource principal named https://a was not found in the"),
    ("resource-missing", "access_denied: AADSTS650052: The app is trying to access a service that your organization"),
    (
        "consent-missing",
        "invalid_grant: AADSTS65001: The user or administrator has not consented to use the application",
    ),
    ("consent-administrator", "access_denied: AADSTS90094: The grant requires admin permission."),
    ("consent-declined", "access_denied: AADSTS65004: User declined to consent to access the app."),
    ("google-administrator", "admin_policy_enforced: "),
    ("google-unverified", "access_denied: Example has not completed the Google verification process."),
    ("google-internal", "org_internal: This client is restricted to users within its organization."),
    ("mfa", "interaction_required: AADSTS50076: Due to a configuration change made by your administrator, or because"),
    ("mfa", "interaction_required: AADSTS50158: External security challenge not satisfied."),
    ("conditional-access", "access_denied: AADSTS53003: Access has been blocked by Conditional Access policies."),
    ("password-expired", "invalid_grant: AADSTS50055: The password is expired."),
    ("locked", "invalid_grant: AADSTS50053: The account is locked, you've tried to sign in too many times"),
    ("scope-two", "invalid_request: AADSTS28000: Provided value for the input parameter scope is not valid because it"),
    ("scope-default", "invalid_scope: AADSTS1002012: The provided value for scope x is not valid. Client credential"),
    ("scope-unknown", "invalid_scope: AADSTS70011: The provided request must include a 'scope' input parameter."),
    ("scope-unknown", "invalid_client: AADSTS650053: The application asked for scope 'x' that doesn't exist on the"),
    ("scope-unknown", "invalid_scope: Some requested scopes were invalid. {invalid=[x]}"),
    ("busy", "temporarily_unavailable: AADSTS90033: A transient error has occurred. Please try again."),
]


def refusal(words: str) -> ProviderRefused:
    code, _colon, details = words.partition(": ")
    return ProviderRefused(code=code, details=details)


@pytest.mark.parametrize("end", ["", TRACE])
@pytest.mark.parametrize(("known", "words"), WORDS)
def test_known_words_have_one_explanation(known: str, words: str, end: str) -> None:
    if end and "AADSTS" not in words:
        end = ""
    matching = [entry.id for entry in BY_WORDS if re.search(entry.pattern, words + end)]
    assert matching == [known]
    entry = entry_of(refusal(words + end))
    assert entry
    assert entry.id == known


def test_each_explanation_has_words_that_bring_it() -> None:
    assert {entry.id for entry in BY_WORDS} == {known for known, _words in WORDS}
    assert len(BY_WORDS) >= 25


@pytest.mark.parametrize("code", BY_CODE)
def test_a_known_code_with_unknown_words_is_explained_in_general(code: str) -> None:
    entry = entry_of(ProviderRefused(code=code, details="Words that nobody has heard before."))
    assert entry
    assert entry.id == code


@pytest.mark.parametrize("entry", [*BY_WORDS, *BY_CODE.values()], ids=lambda entry: entry.id)
def test_an_explanation_says_what_happened_and_what_to_do(entry: object) -> None:
    code = getattr(entry, "id", "")
    words = next((words for known, words in WORDS if known == code), f"{code}: ")
    found = explain(refusal(words), CONNECTION)
    for text in (found.meaning, found.action):
        assert re.fullmatch(r"[A-Z“].+[.]", text)
        assert "%" not in text
        assert "AADSTS" not in text


def test_the_connection_is_named() -> None:
    assert (
        "“Example Ltd” has expired" in explain(refusal("invalid_client: AADSTS7000222: Expired."), CONNECTION).meaning
    )


def test_what_is_not_known_is_not_explained_away() -> None:
    found = explain(ProviderRefused(code="new_error", details="AADSTS999999999: Something new."), CONNECTION)
    assert "“new_error”" in found.meaning
    assert "has no explanation for" in found.meaning
    assert "Details" in found.action


@pytest.mark.parametrize(
    ("error", "meaning", "action"),
    [
        (ProviderUnavailable(host="sso.example", reason="It is silent."), "sso.example does not answer", "a firewall"),
        (
            ProviderUnavailable(
                host="sso.example", reason="Bad.", details="[SSL: CERTIFICATE_VERIFY_FAILED] self-signed"
            ),
            "sso.example does not answer",
            "REQUESTS_CA_BUNDLE",
        ),
        (UnsafeAddress(url="http://sso.example", reason="No https."), "does not talk to http://sso.example", "Correct"),
        (Misconfigured(connection="Example Ltd", reason="it is empty."), "“Example Ltd” can't be used", "Correct"),
        (ReauthenticationRequired(account="jane"), "jane has to be authenticated again", ""),
    ],
)
def test_our_own_errors_say_what_they_are(error: OAuthError, meaning: str, action: str) -> None:
    found = explain(error, CONNECTION)
    assert meaning in found.meaning
    assert action in found.action


# --- Google's seven days ---


def ended_after(days: float, provider: str = "google") -> OAuthAccount:
    began = timezone.now() - timedelta(days=100)
    connection = OAuthConnection(name="Example Ltd", provider=provider)
    ended = began + timedelta(days=days)
    return OAuthAccount(connection=connection, authenticated_at=began, last_refreshed_at=ended)


@pytest.mark.parametrize(("days", "suspected"), [(5.9, False), (6.1, True), (7, True), (7.9, True), (8.1, False)])
def test_an_end_after_a_week_is_google_s_testing(days: float, suspected: bool) -> None:
    found = explain(refusal("invalid_grant: Token has been expired or revoked."), CONNECTION, ended_after(days))
    assert ("Publish the application" in found.action) is suspected


def test_others_end_for_other_reasons_after_a_week() -> None:
    account = ended_after(7, "microsoft")
    found = explain(refusal("invalid_grant: AADSTS700082: Inactive."), account.connection, account)
    assert "Testing" not in found.meaning + found.action
