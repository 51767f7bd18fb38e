"""What the ready site and a project without the outbox say of their mail, each in a process of its own (S-30)."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent


def python(program: str, **environment: str) -> str:
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


ASK = """
import django, json
django.setup()
from django.test import Client
client = Client(SERVER_NAME="10.1.2.3", REMOTE_ADDR="10.9.9.9")
for path in ("/healthz/live", "/healthz", "/metrics", "/admin/"):
    answer = client.get(path)
    print(json.dumps([answer.status_code, answer.text]))
"""


def test_the_ready_site_answers_a_probe_by_address_also_without_its_database(tmp_path: Path) -> None:
    environment = {
        "DJANGO_SETTINGS_MODULE": "mailconfig.website.settings",
        "DATA_DIR": str(tmp_path),
        "SECRET_KEY": "k" * 60,
        "DATABASE_URL": f"sqlite:///{tmp_path}/no/such/folder/db.sqlite3",
        "EXTERNAL_URL": "https://mail.example.com",
        "METRICS_ADDRESSES": "10.0.0.0/8",
    }
    live, ready, metrics, page = [json.loads(line) for line in python(ASK, **environment).splitlines()]
    assert live == [200, '{"status": "ok"}']
    assert ready[0] == 503
    assert json.loads(ready[1])["problems"] == ["database"]
    assert metrics[0] == 200
    assert "mailconfig_database_up 0.0" in metrics[1]
    assert page[0] == 400


WITHOUT_OUTBOX = """
from django.conf import settings
settings.INSTALLED_APPS.remove("mailconfig.outbox")
settings.MAILCONFIG_METRICS = {"token": "t"}
import django, json
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
call_command("migrate", verbosity=0)
call_command("check", databases=["default"])
client = Client()
client.force_login(User.objects.create_superuser("root"))
answers = [client.get(path, headers={"Authorization": "Bearer t"}) for path in ("/healthz", "/metrics", "/admin/")]
print(json.dumps([answer.text for answer in answers]))
"""


def test_a_project_without_the_outbox_is_told_of_its_server() -> None:
    environment = {"DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": "sqlite://:memory:"}
    ended = python(WITHOUT_OUTBOX, **environment)
    healthz, metrics, page = json.loads(ended.splitlines()[-1])
    assert json.loads(healthz)["problems"] == ["not_configured"]
    assert 'mailconfig_sending_ok{mailer="default"} 0.0' in metrics
    assert "queue" not in healthz + metrics
    assert "Open outgoing mail server" in page
