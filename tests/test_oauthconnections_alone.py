"""oauthconnections without anything else of ours: a flow succeeds, the pages work, nobody has asked for a scope."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from tests.servers.identity_provider import IdentityProvider

ROOT: Final = Path(__file__).resolve().parent.parent

PROGRAM: Final = """
import json, sys
import django
django.setup()
from django.core.management import call_command
from django.test.utils import setup_test_environment
from django.urls import reverse
setup_test_environment()
call_command("migrate", verbosity=0)
from oauthconnections.consumers import consumers
from oauthconnections.models import OAuthAccount, OAuthConnection
from tests.oauth_flow import begun, keeper, signed_in

client = signed_in(keeper("kate"))
connection = OAuthConnection.objects.create(name="Alone", **json.loads(sys.argv[1]))
print(json.dumps({"url": begun(client, connection), "consumers": len(consumers())}), flush=True)
response = client.get(sys.stdin.readline().strip().removeprefix("http://testserver"))
account = OAuthAccount.objects.get()
pages = [
    reverse("admin:index"),
    response["Location"],
    reverse("admin:oauthconnections_oauthaccount_change", args=[account.pk]),
    *(reverse(f"admin:oauthconnections_{name}_changelist") for name in ("oauthaccount", "oauthconnection")),
    *(reverse("admin:oauthconnections_oauthconnection_add") + f"?provider={name}" for name in ("google", "microsoft")),
]
print(json.dumps({
    "status": response.status_code,
    "account": str(account),
    "scopes": account.scopes,
    "pages": [client.get(page).status_code for page in pages],
    "buttons": client.get(response["Location"]).content.decode().count("Authenticate account"),
    "others": sorted(name for name in sys.modules if name.partition(".")[0] == "mailconfig"),
}))
"""


WITHOUT_PROVIDER: Final = """
import json, sys
import django
django.setup()
from django.core.management import call_command
from django.test.utils import setup_test_environment
from django.urls import reverse
setup_test_environment()
call_command("migrate", verbosity=0)
call_command("check", "--database", "default")
from django.contrib.auth.models import Permission, User
from django.test import Client
from oauthconnections.models import OAuthAccount, OAuthConnection

client = Client()
client.force_login(User.objects.create_superuser("root"))
pages = [reverse("admin:oauthconnections_oauthaccount_changelist"), "/oauth/callback/?state=x&code=y"]
pages += [reverse("admin:oauthconnections_oauthconnection_changelist")]
for kind in ("microsoft", "google", "openid"):
    row = OAuthConnection.objects.create(name=kind, provider=kind, client_id="x", client_secret="y")
    last_error = "invalid_grant: it ended"
    account = OAuthAccount.objects.create(connection=row, subject="1", access_token="z", last_error=last_error)
    pages.append(reverse("admin:oauthconnections_oauthconnection_add") + f"?provider={kind}")
    pages.append(reverse("admin:oauthconnections_oauthconnection_change", args=[row.pk]))
    pages.append(reverse("admin:oauthconnections_oauthaccount_change", args=[account.pk]))
    pages.append(reverse("admin:oauthconnections_oauthaccount_disconnect", args=[account.pk]))
heavy = {"msal", "google_auth_oauthlib", "requests_oauthlib", "oauthlib", "requests", "urllib3", "jwt"}
print(json.dumps([sorted({client.get(page).status_code for page in pages}), sorted(heavy & set(sys.modules))]))
"""


def run_alone(provider: IdentityProvider) -> list[dict[str, Any]]:
    """What the program has printed: before the person signs in at the provider, and after."""
    command = [sys.executable, "-c", PROGRAM, json.dumps(provider.connection_fields())]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings_alone", "PYTHONPATH": str(ROOT)}
    environment.pop("DATABASE_URL", None)
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env=environment, cwd=ROOT, text=True, stdin=pipe, stdout=pipe, stderr=pipe
    ) as running:
        assert running.stdout
        first = running.stdout.readline()
        assert first, running.communicate()[1]
        output, errors = running.communicate(provider.authorize(json.loads(first)["url"]), timeout=60)
    assert running.returncode == 0, errors
    return [json.loads(first), json.loads(output)]


def test_pages_that_need_no_provider_load_no_library_for_one() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings_alone", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", WITHOUT_PROVIDER]
    result = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout.splitlines()[-1]) == [[200, 400], []]


def test_it_works_alone(provider: IdentityProvider) -> None:
    before, after = run_alone(provider)
    assert before["consumers"] == 0
    assert after["status"] == 302
    assert after["account"] == "jane@example.com"
    assert sorted(after["scopes"].split()) == ["email", "offline_access", "openid"]
    assert set(after["pages"]) == {200}
    assert after["buttons"] >= 1
    assert after["others"] == []
