"""Fills the database, prints the port, and serves until the standard input ends."""

import ssl
import sys
import threading
from pathlib import Path

from django.contrib.auth.models import User
from django.core.management import BaseCommand, call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from oauth2_provider.models import get_application_model

from tests.servers.toolkit.settings import FOLDER, OPTIONS


class Command(BaseCommand):
    def handle(self, *_arguments: object, **_options: object) -> None:
        _fill(OPTIONS)
        server = _server(FOLDER / "certificate.pem")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.stdout.write(str(server.server_port))
        self.stdout.flush()
        sys.stdin.read()


def _fill(options: dict[str, str]) -> None:
    """One user, one client."""
    call_command("migrate", run_syncdb=True, verbosity=0)
    User.objects.create_user(options["username"], options["username"], options["password"])
    get_application_model().objects.create(
        name="A site",
        client_id=options["client_id"],
        client_secret=options["client_secret"],
        client_type="confidential",
        authorization_grant_type="authorization-code",
        redirect_uris=" ".join(options["redirect_uris"]),
        algorithm="RS256",
    )


def _server(certificate: Path) -> ThreadedWSGIServer:
    """On a free port; with TLS, if there is a certificate."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler)
    if certificate.exists():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.base_environ["HTTPS"] = "on"
    server.set_app(get_wsgi_application())
    return server
