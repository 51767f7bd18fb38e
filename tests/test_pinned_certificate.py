"""A certificate is pinned by its fingerprint on the settings page (S-15)."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mailconfig.models import MailServer
from tests.conftest import MailServerFactory
from tests.settings_page import saved

PIN = "ab" * 32


@pytest.fixture(autouse=True)
def row(client: Client, alice: User, mail_server: MailServerFactory) -> MailServer:
    client.force_login(alice)
    return mail_server(host="saved.example.com")


@pytest.mark.parametrize(
    "typed", [PIN, PIN.upper(), ":".join(["AB"] * 32), f"SHA256 Fingerprint={':'.join(['AB'] * 32)}"]
)
def test_a_fingerprint_is_taken_as_tools_print_it(client: Client, typed: str) -> None:  # S-15
    assert saved(client, pinned_certificate=typed).errors == {}
    assert MailServer.objects.get().pinned_certificate == PIN


@pytest.mark.parametrize("typed", ["ab" * 20, "ab" * 31, "no fingerprint", "zz" * 32])
def test_anything_else_is_refused(client: Client, typed: str) -> None:
    assert "SHA-256" in saved(client, pinned_certificate=typed).errors["pinned_certificate"]


def test_another_server_forgets_the_pin(client: Client) -> None:  # S-15
    saved(client, pinned_certificate=PIN)
    saved(client, timeout="60")
    assert MailServer.objects.get().pinned_certificate == PIN
    saved(client, host="other.example.com")
    assert MailServer.objects.get().pinned_certificate == ""
