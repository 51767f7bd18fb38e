"""What is known of providers is usable, and found by domain, mail exchanger, server and SPF record."""

import pytest
from django.core.exceptions import ValidationError

from mailconfig.host_names import host_name
from mailconfig.known_providers import PROVIDERS, by_domain, by_exchanger, by_host, by_includes
from mailconfig.probing import PORTS
from mailconfig.provider import Provider
from mailconfig.validators import validate_host


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_an_entry_is_usable(provider: Provider) -> None:
    for way in provider.ways:
        try:
            validate_host(way.host)
        except ValidationError as error:
            pytest.fail(f"{way.host}: {error}")
        assert way.port in PORTS
        assert (way.security == "ssl") == (way.port == 465), "the usual ports"
        assert way.security != "none"
        assert by_host(way.host.upper()) is not None
    assert all(host_name(domain) == domain for domain in provider.domains)
    assert host_name(provider.spf.replace("_", "")) == provider.spf.replace("_", "")
    assert set(provider.dkim) <= set(provider.selectors)
    assert all(host_name(target.format(domain="example.test").replace("_", "")) for target in provider.dkim.values())
    assert not provider.note or "%" not in str(provider.note) % {"provider": provider.name}


def test_a_domain_belongs_to_one_provider() -> None:
    domains = [domain for provider in PROVIDERS for domain in provider.domains]
    assert sorted(set(domains)) == sorted(domains)


@pytest.mark.parametrize(
    ("domain", "name", "oauth", "username"),
    [
        ("gmail.com", "Gmail", "google", "address"),
        ("GoogleMail.com", "Gmail", "google", "address"),
        ("outlook.com", "Outlook.com", "microsoft", "address"),
        ("hotmail.co.uk", "Outlook.com", "microsoft", "address"),
        ("yahoo.de", "Yahoo", "", "address"),
        ("icloud.com", "iCloud Mail", "", "address"),
        ("gmx.de", "GMX", "", "address"),
        ("web.de", "WEB.DE", "", "local_part"),
        ("fastmail.com", "Fastmail", "", "address"),
        ("mailbox.org", "mailbox.org", "", "address"),
        ("posteo.net", "Posteo", "", "address"),
        ("proton.me", "Proton Mail", "", "address"),
        ("ya.ru", "Yandex", "", "address"),
    ],
)
def test_addresses_of_a_provider_are_known(domain: str, name: str, oauth: str, username: str) -> None:
    provider = by_domain(domain)
    assert provider
    assert (provider.name, provider.oauth, provider.username) == (name, oauth, username)


@pytest.mark.parametrize(
    ("host", "name", "server"),
    [
        ("contoso-com.mail.protection.outlook.com", "Microsoft 365", "smtp.office365.com"),
        ("contoso-com.a-v1.mx.microsoft", "Microsoft 365", "smtp.office365.com"),
        ("outlook-com.olc.protection.outlook.com", "Outlook.com", "smtp-mail.outlook.com"),
        ("aspmx.l.google.com", "Google Workspace", "smtp.gmail.com"),
        ("ALT1.ASPMX.L.GOOGLE.COM", "Google Workspace", "smtp.gmail.com"),
        ("smtp.google.com", "Google Workspace", "smtp.gmail.com"),
        ("mx01.mail.icloud.com", "iCloud Mail", "smtp.mail.me.com"),
        ("in1-smtp.messagingengine.com", "Fastmail", "smtp.fastmail.com"),
        ("mx2.zoho.eu", "Zoho Mail", "smtppro.zoho.eu"),
        ("mta-gw.infomaniak.ch", "Infomaniak", "mail.infomaniak.com"),
        ("mx00.ionos.de", "IONOS", "smtp.ionos.de"),
        ("mx01.kundenserver.de", "IONOS", "smtp.ionos.de"),
        ("mx00.ionos.co.uk", "IONOS", "smtp.ionos.co.uk"),
        ("smtpin.rzone.de", "STRATO", "smtp.strato.de"),
        ("mx1.mail.ovh.net", "OVHcloud", "ssl0.ovh.net"),
        ("spool.mail.gandi.net", "Gandi", "mail.gandi.net"),
        ("mxext1.mailbox.org", "mailbox.org", "smtp.mailbox.org"),
        ("mail.protonmail.ch", "Proton Mail", "smtp.protonmail.ch"),
        ("mx.yandex.net", "Yandex", "smtp.yandex.com"),
        ("aspmx1.migadu.com", "Migadu", "smtp.migadu.com"),
        ("mx-eu.mail.am0.yahoodns.net", "Yahoo", "smtp.mail.yahoo.com"),
        ("mx-aol.mail.gm0.yahoodns.net", "AOL", "smtp.aol.com"),
    ],
)
def test_a_mail_exchanger_leads_to_the_provider(host: str, name: str, server: str) -> None:
    provider = by_exchanger(host)
    assert provider
    assert (provider.name, provider.ways[0].host) == (name, server)


@pytest.mark.parametrize("host", ["mx.example.test", "outlook.com.example.test", "mx.microsoft.example.test", ""])
def test_a_strange_mail_exchanger_leads_nowhere(host: str) -> None:
    assert by_exchanger(host) is None
    assert by_host(host) is None


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("email-smtp.eu-central-1.amazonaws.com", "Amazon SES"),
        ("smtp.sendgrid.net", "SendGrid"),
        ("in-v3.mailjet.com", "Mailjet"),
        ("smtp.postmarkapp.com", "Postmark"),
        ("smtp-relay.sendinblue.com", "Brevo"),
        ("smtp.eu.mailgun.org", "Mailgun"),
        ("smtp-relay.gmail.com", "Google Workspace"),
    ],
)
def test_a_server_leads_to_the_provider(host: str, name: str) -> None:
    provider = by_host(host)
    assert provider
    assert provider.name == name


def test_a_cloud_machine_is_no_mail_provider() -> None:
    assert by_host("ec2-192-0-2-1.compute-1.amazonaws.com") is None


def test_an_spf_record_leads_to_the_providers() -> None:
    found = by_includes(["SendGrid.net.", "spf.mailjet.com", "spf.example.test"])
    assert [provider.name for provider in found] == ["SendGrid", "Mailjet"]
