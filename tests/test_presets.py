"""Which server, port and security a connection brings along, and what wins over what."""

from typing import Any

import pytest
from pytest_django import Settings

from mailconfig.models import MailServer
from mailconfig.presets import Preset, preset_of
from oauthconnections.models import OAuthConnection

MICROSOFT = Preset("smtp.office365.com", 587, "starttls")
GOOGLE = Preset("smtp.gmail.com", 587, "starttls")
US = Preset("smtp.office365.us", 587, "starttls")
CHINA = Preset("smtp.partner.outlook.cn", 587, "starttls")


@pytest.mark.parametrize(
    ("provider", "fields", "preset"),
    [
        ("microsoft", {}, MICROSOFT),
        ("microsoft", {"tenant": "contoso.com", "issuer": "https://id.example.com"}, MICROSOFT),
        ("microsoft", {"authority": "https://login.microsoftonline.com"}, MICROSOFT),
        ("microsoft", {"authority": "https://login.microsoftonline.com/contoso.com"}, MICROSOFT),
        ("microsoft", {"authority": "login.microsoftonline.com"}, MICROSOFT),
        ("microsoft", {"authority": " https://LOGIN.microsoftonline.US/ "}, US),
        ("microsoft", {"authority": "https://login.chinacloudapi.cn"}, CHINA),
        ("microsoft", {"authority": "https://login.partner.microsoftonline.cn/common"}, CHINA),
        ("microsoft", {"authority": "https://login.microsoftonline.com.evil.example"}, None),
        ("microsoft", {"authority": "https://evil.example/login.microsoftonline.com"}, None),
        ("microsoft", {"authority": "https://login.microsoftonline.com@evil.example"}, None),
        ("microsoft", {"authority": "https://localhost:8443"}, None),
        ("microsoft", {"authority": "https://[broken"}, None),
        ("microsoft", {"authority": "/"}, None),
        ("microsoft", {"token_url": "https://id.example.com/token"}, None),
        ("microsoft", {"authorize_url": "https://id.example.com/authorize"}, None),
        ("google", {}, GOOGLE),
        ("google", {"authority": "https://accounts.google.com"}, GOOGLE),
        ("google", {"authority": "https://login.microsoftonline.com"}, None),
        ("google", {"token_url": "https://id.example.com/token"}, None),
        ("openid", {"issuer": "https://accounts.google.com"}, None),
        ("other", {}, None),
    ],
    ids=str,
)
def test_a_preset_is_for_the_providers_own_endpoints_only(
    provider: str, fields: dict[str, str], preset: Preset | None
) -> None:
    assert preset_of(OAuthConnection(provider=provider, **fields)) == preset


def test_without_a_connection_there_is_none() -> None:
    assert preset_of(None) is None


# --- what is in force ---


def server(connection: OAuthConnection | None, **fields: Any) -> MailServer:
    own = {"host": "own.example.com", "port": 2525, "security": "ssl"}
    return MailServer(oauth_connection=connection, **{**own, **fields})


def in_force(row: MailServer) -> tuple[str, int, str]:
    return row.effective_host, row.effective_port, row.effective_security


def test_a_preset_wins_over_what_was_entered_and_changes_nothing_of_it() -> None:
    row = server(OAuthConnection(provider="microsoft"))
    assert in_force(row) == ("smtp.office365.com", 587, "starttls")
    assert (row.host, row.port, row.security) == ("own.example.com", 2525, "ssl")
    assert str(row) == "smtp.office365.com:587"
    row.oauth_connection = None
    assert in_force(row) == ("own.example.com", 2525, "ssl")
    assert str(row) == "own.example.com:2525"


@pytest.mark.parametrize("port", [2525, None])
def test_for_openid_what_was_entered_counts(port: int | None) -> None:
    assert in_force(server(OAuthConnection(provider="openid"), port=port)) == ("own.example.com", port or 465, "ssl")


@pytest.mark.parametrize(
    ("locked", "expected"),
    [
        ({"host": "fixed.example.com"}, ("fixed.example.com", 587, "starttls")),
        ({"port": 26}, ("smtp.gmail.com", 26, "starttls")),
        ({"port": "", "security": "ssl"}, ("smtp.gmail.com", 465, "ssl")),
        ({"host": "127.0.0.1", "port": "1025", "security": "none"}, ("127.0.0.1", 1025, "none")),
        ({"timeout": 9}, ("smtp.gmail.com", 587, "starttls")),
    ],
    ids=str,
)
def test_a_fixed_value_wins_over_a_preset(
    db: None, settings: Settings, locked: dict[str, Any], expected: tuple[str, int, str]
) -> None:
    connection = OAuthConnection.objects.create(name="Google", provider="google")
    server(connection).save()
    settings.MAILCONFIG = locked
    assert in_force(MailServer.objects.for_alias("default")) == expected


def test_a_connection_with_a_preset_needs_no_server_to_be_entered(db: None) -> None:
    connection = OAuthConnection.objects.create(name="Google", provider="google")
    server(connection, host="").save()
    assert MailServer.objects.for_alias("default").effective_host == "smtp.gmail.com"
