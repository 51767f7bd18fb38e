"""What a new site needs before it can serve: tables, an administrator, a first mail server. Each is made once."""

from typing import Final

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db.models import Q
from django.utils.crypto import get_random_string

from mailconfig.locks import locked_values
from mailconfig.models import AuthMethod, MailServer, Security

ADMINISTRATOR: Final = "admin"
CATCHER_HOST: Final = "127.0.0.1"
# A valid address that no real server would take for somebody's: it shall not outlive the mail catcher unnoticed.
EXAMPLE_SENDER: Final = "mailconfig@localhost.localdomain"


def create_tables() -> None:
    call_command("migrate", interactive=False, verbosity=0)


def create_administrator() -> str | None:
    """The password of the new administrator; None if the site already has one."""
    users = get_user_model()._default_manager
    if users.filter(Q(is_superuser=True) | Q(username=ADMINISTRATOR)).exists():
        return None
    password = get_random_string(20)
    users.create_superuser(username=ADMINISTRATOR, email="", password=password)
    return password


def propose_catcher(port: int) -> bool:
    """Enter the mail catcher as mail server where none is entered; whether it was."""
    server = MailServer.objects.filter(alias="default").first() or MailServer(alias="default")
    if server.host or "host" in locked_values("default"):
        return False
    server.host = CATCHER_HOST
    server.port = port
    server.security = Security.NONE
    server.auth_method = AuthMethod.NONE
    server.from_email = server.from_email or EXAMPLE_SENDER
    server.save()
    return True


def uses_catcher(port: int) -> bool:
    return MailServer.objects.filter(host=CATCHER_HOST, port=port).exists()
