"""The states of the pages of connections and accounts, for the tests that look at every page."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from oauthconnections.models import OAuthAccount, OAuthConnection
from tests.long_texts import LONG


def connection(**fields: Any) -> OAuthConnection:
    values = {"tenant": "contoso.com", "client_id": "1" * 36, "client_secret": "s3cr3t", "name": "Contoso " * 10}
    row = OAuthConnection.objects.create(**{"provider": "microsoft", **values, **fields})
    old = timezone.now() - timedelta(days=70)
    for state in ({"last_refreshed_at": old}, {"needs_authentication": True}, {"last_error": "invalid_grant: AADSTS1"}):
        OAuthAccount.objects.create(connection=row, email=LONG, scopes=f"https://{LONG}", subject=str(state), **state)
    OAuthAccount.objects.create(connection=row, kind="application", claims={"oid": "2" * 36, "roles": ["Some.Role"]})
    return row


def choice_of_provider(page: Page) -> None:
    page.goto(reverse("admin:oauthconnections_oauthconnection_add"))
    expect(page.get_by_role("link", name="Microsoft")).to_be_visible()


def new_connection(page: Page) -> None:
    choice_of_provider(page)
    page.get_by_role("link", name="Google").click()
    expect(page.get_by_label("Redirect URI")).to_have_value(re.compile("^http.*/oauth/callback/$"))
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name=re.compile("Copied|Press"))).to_be_visible()


def connection_with_errors(page: Page) -> None:
    choice_of_provider(page)
    page.get_by_role("link", name="Microsoft").click()
    page.get_by_text("Advanced").click()
    page.get_by_label("Authority").fill(f"http://{LONG}")
    page.get_by_label("Application (client) ID").fill(LONG)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("This is an email address.")).to_be_visible()


def connection_with_accounts(page: Page) -> None:
    row = connection(secret_expires_on=timezone.localdate() + timedelta(days=3))
    page.goto(reverse("admin:oauthconnections_oauthconnection_change", args=[row.pk]))
    page.get_by_text("What to do at the provider").click()
    expect(page.get_by_role("button", name="Add application account")).to_be_visible()


def connections(page: Page) -> None:
    connection()
    page.goto(reverse("admin:oauthconnections_oauthconnection_changelist"))
    expect(page.get_by_text("Needs authentication")).to_be_visible()


def accounts(page: Page) -> None:
    connection()
    page.goto(reverse("admin:oauthconnections_oauthaccount_changelist"))
    expect(page.get_by_text("Needs authentication")).to_be_visible()


def account(page: Page) -> None:
    row = connection().accounts.get(needs_authentication=True)
    OAuthAccount.objects.update(last_error=f"invalid_grant: AADSTS700082: {LONG}")
    page.goto(reverse("admin:oauthconnections_oauthaccount_change", args=[row.pk]))
    expect(page.get_by_role("button", name="Authenticate again")).to_be_visible()


def account_of_application(page: Page) -> None:
    row = connection().accounts.get(kind="application")
    page.goto(reverse("admin:oauthconnections_oauthaccount_change", args=[row.pk]))
    expect(page.get_by_text("New-ServicePrincipal")).to_be_visible()


def disconnecting(page: Page) -> None:
    account(page)
    page.get_by_role("link", name="Disconnect").click()
    expect(page.get_by_text("all settings stay")).to_be_visible()


def on_the_way_to_a_provider(page: Page) -> None:
    page.route("https://accounts.google.com/**", lambda route: route.fulfill(status=204))  # the page stays
    row = connection(provider="google")
    page.goto(reverse("admin:oauthconnections_oauthconnection_change", args=[row.pk]), wait_until="commit")
    with page.expect_response("https://accounts.google.com/**"):  # else it cuts short where a test goes next
        page.get_by_role("button", name="Authenticate account").click(no_wait_after=True)
    expect(page.get_by_role("link", name="Continue")).to_be_visible()


def failed_callback(page: Page) -> None:
    words = f"AADSTS50011: The redirect URI {LONG} does not match"
    on_the_way_to_a_provider(page)
    state = re.search(r"state=([^&]+)", page.get_by_role("link", name="Continue").get_attribute("href") or "")
    assert state
    query = urlencode({"error": "invalid_request", "error_description": words, "state": state[1]})
    page.goto(f"{reverse('oauthconnections:callback')}?{query}")
    page.get_by_text("Details").click()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
