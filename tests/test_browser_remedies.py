"""What one press does in the browser: from wrong settings to a delivered mail, from an address to settings."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.mail import send_mail
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings

from mailconfig.models import MailServer
from tests.conftest import MailServerFactory, ScriptedServerFactory, SMTPServerFactory
from tests.sender_domain import HOST, SENDER, SERVER
from tests.servers import scripted
from tests.servers.certificates import Authority
from tests.servers.dns import DnsServer
from tests.servers.network import Network
from tests.settings_in_browser import field, open_dialog, open_settings, save
from tests.test_browser_looks import LOOKS, dress, too_wide

pytestmark = pytest.mark.browser

SignIn = Callable[[User], None]
SERVICE = "_submission._tcp.example.test. SRV 5 1 587 mail.example.test.\n"


def in_every_look(site: Page, axe: Callable[[Page], None]) -> None:
    """What is open now."""
    for look in LOOKS:
        dress(site, look)
        assert too_wide(site) == []
        axe(site)


@pytest.fixture
def site(page: Page, sign_in: SignIn, alice: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Page:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    sign_in(alice)
    return page


def test_presses_lead_from_wrong_port_and_encryption_to_a_delivered_mail(
    site: Page,
    network: Network,
    smtp_server: SMTPServerFactory,
    mail_server: MailServerFactory,
    axe: Callable[[Page], None],
    ca: Authority,
) -> None:
    server = smtp_server(security="starttls", names=("mail.example.test",))
    network.connect("mail.example.test", 587, server)
    network.lead("mail.example.test", 465, "127.0.0.1")  # where nothing listens
    mail_server(host="mail.example.test", port=465, security="ssl", ca_bundle=ca.pem)
    open_settings(site)
    dialog = open_dialog(site)
    dialog.get_by_role("button", name="Send test email").click()
    remedy = dialog.get_by_role("button", name="Use STARTTLS on port 587")
    expect(remedy).to_be_visible(timeout=15_000)
    in_every_look(site, axe)
    remedy.click()
    expect(dialog.get_by_role("status")).to_contain_text("Sent to site@example.com")
    assert len(server.messages) == 1
    assert MailServer.objects.get().port == 465
    dialog.get_by_role("button", name="Close").click()
    expect(field(site, "port")).to_have_value("587")
    save(site)
    saved = MailServer.objects.get()
    assert (saved.port, saved.security) == (587, "starttls")


def test_steps_appear_as_they_happen(
    site: Page, scripted_server: ScriptedServerFactory, mail_server: MailServerFactory
) -> None:
    mail_server(scripted_server({"MAIL": scripted.stall}), timeout=6)
    open_settings(site)
    dialog = open_dialog(site)
    dialog.get_by_role("button", name="Send test email").click()
    steps = dialog.get_by_role("listitem")
    expect(steps).to_have_count(5, timeout=4_000)
    expect(dialog.get_by_role("status")).to_contain_text("Sending…")
    expect(dialog.get_by_role("button", name="Send test email")).to_be_disabled()
    expect(steps).to_have_count(6, timeout=15_000)
    expect(dialog.get_by_role("status")).not_to_contain_text("Sending…")
    expect(dialog.locator(".mailconfig-error")).to_be_visible()


def test_an_address_leads_to_settings(
    site: Page,
    network: Network,
    dns_server: Callable[..., DnsServer],
    settings: Settings,
    smtp_server: SMTPServerFactory,
    mail_server: MailServerFactory,
    axe: Callable[[Page], None],
    ca: Authority,
) -> None:
    settings.DNS_RESOLVER = f"127.0.0.1:{dns_server(SERVICE).port}"
    network.connect("mail.example.test", 587, smtp_server(security="starttls", names=("mail.example.test",)))
    mail_server(ca_bundle=ca.pem)
    open_settings(site)
    field(site, "from_email").fill(SENDER)
    site.get_by_role("button", name="Detect settings").click()
    dialog = site.get_by_role("dialog", name="Detect settings")
    expect(dialog.get_by_text("This takes at most 10 seconds.")).to_be_visible()
    expect(dialog).to_contain_text("example.test names this server in DNS", timeout=15_000)
    in_every_look(site, axe)
    dialog.get_by_role("button", name="Use these").first.click()
    expect(dialog).to_be_hidden()
    expect(field(site, "host")).to_have_value("mail.example.test")
    expect(field(site, "host")).to_be_focused()
    expect(field(site, "port")).to_have_value("587")
    expect(field(site, "security")).to_have_value("starttls")
    expect(field(site, "username")).to_have_value(SENDER)
    assert MailServer.objects.get().host == ""


def test_records_to_publish_are_shown_and_copied(
    site: Page,
    network: Network,
    dns_server: Callable[..., DnsServer],
    settings: Settings,
    mail_server: MailServerFactory,
    axe: Callable[[Page], None],
) -> None:
    settings.DNS_RESOLVER = f"127.0.0.1:{dns_server(SERVER).port}"
    mail_server(host=HOST, from_email=SENDER)
    open_settings(site)
    site.get_by_role("button", name="Check sender domain").click()
    dialog = site.get_by_role("dialog", name="Check sender domain")
    copy = dialog.get_by_role("button", name="Copy").first
    expect(copy).to_be_visible(timeout=15_000)
    in_every_look(site, axe)
    copy.click()
    expect(dialog.get_by_role("button", name="Copied").first).to_be_visible()


def test_what_worked_is_brought_back_with_one_press(
    site: Page, smtp_server: SMTPServerFactory, mail_server: MailServerFactory
) -> None:
    server = smtp_server()
    mail_server(server)
    send_mail("Hello", "Hello", None, ["reader@example.com"])
    open_settings(site)
    expect(site.get_by_text("Mail works: last sent")).to_be_visible()
    field(site, "port").fill("1")
    save(site)
    site.get_by_role("button", name="Bring back the settings that worked on").click()
    expect(site.get_by_text("The settings that worked are in force again.")).to_be_visible()
    assert MailServer.objects.get().port == server.port
