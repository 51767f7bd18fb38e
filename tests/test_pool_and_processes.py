"""Kept connections belong to one process: a fork neither shares nor ends them, the end of the process closes them."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import ScriptedServerFactory, SMTPServerFactory
from tests.servers.certificates import Authority

ROOT: Final = Path(__file__).resolve().parent.parent
SITE: Final = """
import atexit, os, sys, threading
import django
django.setup()
from django.core.mail import send_mail
from django.core.management import call_command
from mailconfig.models import MailServer

host, port, security, ca = sys.argv[1:]
call_command("migrate", verbosity=0)
MailServer.objects.create(
    host=host, port=int(port), security=security, ca_bundle=ca, from_email="site@example.com", auth_method="none",
    ehlo_source="custom", ehlo_name="site.example.com",
)

def send(subject):
    send_mail(subject, "Hello", None, ["reader@example.com"])
"""
"""A site with a mail server in its settings."""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., None]:
    """Run a script in a process with such a site, to an end without a complaint."""
    settings = {"DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": f"sqlite:///{tmp_path / 'db'}"}

    def run(script: str, *, host: str, port: int, security: str = "none", ca: str = "") -> None:
        # Python warns of forks beside threads; ours waits to close connections, and a fork does no harm to it.
        command = [sys.executable, "-W", "ignore:This process", "-c", SITE + script, host, str(port), security, ca]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")

    return run


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.parametrize("security", ["none", "ssl"])
@pytest.mark.parametrize("ending", ["os._exit(0)", "sys.exit()"])
def test_a_fork_shares_no_connection_and_ends_none(
    run: Callable[..., None], smtp_server: SMTPServerFactory, ca: Authority, security: str, ending: str
) -> None:
    server = smtp_server(security=security)
    script = f"""
send("parent before")
pid = os.fork()
if pid == 0:
    send("child")
    {ending}
assert os.waitpid(pid, 0)[1] == 0
send("parent after")
"""
    run(script, host=server.host, port=server.port, security=security, ca=ca.pem)
    assert [(received.message["Subject"], received.connection) for received in server.messages] == [
        ("parent before", 1),
        ("child", 2),
        ("parent after", 1),
    ]


def test_the_end_of_a_process_closes_its_connections(
    run: Callable[..., None], scripted_server: ScriptedServerFactory
) -> None:
    server = scripted_server()
    run('send("Hello")', host=server.host, port=server.port)
    assert len(server.messages) == 1
    assert server.lines[-1] == "QUIT"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize(
    "script",
    [
        'atexit.register(send, "Hello")',
        'threading.Thread(target=lambda: (threading.main_thread().join(), send("Hello"))).start()',
    ],
    ids=["an exit handler", "a thread that outlives the main one"],
)
def test_mail_can_be_sent_while_a_process_ends(
    run: Callable[..., None], scripted_server: ScriptedServerFactory, host: str, script: str
) -> None:
    server = scripted_server()
    run(script, host=host, port=server.port)
    assert len(server.messages) == 1
    assert server.lines[-1] == "QUIT"
