"""Providers of mailboxes: data only.

Servers, ports and user names of entries marked ISPDB are as in Mozilla's database of providers
(github.com/thunderbird/autoconfig, of 2026-03-12); everything else is from the providers' own help pages. A host is
probed before anybody is told to use it, and an SPF include is looked up before anybody is told to publish it.
"""

from typing import Final

from django.utils.translation import gettext_lazy as _

from .provider import APP_PASSWORD, OAUTH, SWITCH_ON, Provider, Way, both

_YAHOO: Final = "ca de it fr es se co.in co.uk co.nz com.au com.ar com.br com.mx"
_OUTLOOK: Final = "at be cl cz de dk es fr hu ie in it jp kr lv pt sa sg sk co.id co.il co.th com.ar com.au com.br"
_HOTMAIL: Final = "be ca ch cl cz de dk es fi fr gr hu it lt lv nl no pl rs se sg sk co.id co.il co.in co.uk com.ar"
_GMX: Final = "tm us co.uk es fr ca cn co.in com.br hk ie pt se sg tw com.tr it li"
_POSTEO: Final = "de at be ca ch cl co cz dk ee es eu fi fr gr hr hu ie in is it jp la li lt lu me mx net nl no"
_POSTEO_MORE: Final = "nz org pe pl pm pt ro se sg si tn uk us co.uk com.br com"


def _under(name: str, endings: str) -> tuple[str, ...]:
    return tuple(f"{name}.{ending}" for ending in endings.split())


def _zoho(server: str, mailboxes: str) -> tuple[Provider, Provider]:
    """Addresses of its own (ISPDB), and own domains (https://www.zoho.com/mail/help/zoho-smtp.html)."""
    own = Provider("Zoho Mail", both(f"smtp.{server}"), (server, mailboxes), note=APP_PASSWORD)
    organization = Provider(
        "Zoho Mail",
        both(f"smtppro.{server}"),
        mx=(f"mx*.{server}",),
        spf=mailboxes,
        selectors=("zmail", "zoho"),
        note=APP_PASSWORD,
    )
    return own, organization


def _ionos(tld: str, region: str) -> Provider:
    # https://www.ionos.com/help/email/general-topics/settings-for-your-email-programs-imap-pop3/
    older = ("*.kundenserver.de", "*.1and1.com") if tld in ("de", "com") else ()
    return Provider(
        "IONOS",
        both(f"smtp.ionos.{tld}"),
        mx=(f"mx*.ionos.{tld}", *(pattern for pattern in older if pattern.endswith(tld))),
        hosts=(f"smtp.1und1.{tld}", f"smtp.1and1.{tld}"),
        spf=f"_spf-{region}.ionos.com",
        selectors=("s1-ionos", "s2-ionos"),
        dkim={"s1-ionos": "s1.dkim.ionos.com", "s2-ionos": "s2.dkim.ionos.com"},
    )


MAILBOXES: Final = (
    # ISPDB; learn.microsoft.com/exchange/mail-flow-best-practices/how-to-set-up-a-multifunction-device-or-application;
    # *.mx.microsoft since inbound DANE
    Provider(
        "Microsoft 365",
        (Way("smtp.office365.com", 587, "starttls"),),
        mx=("*.mail.protection.outlook.com", "*.mx.microsoft"),
        hosts=("outlook.office365.com", "*.mail.protection.outlook.com"),
        oauth="microsoft",
        spf="spf.protection.outlook.com",
        selectors=("selector1", "selector2"),
        note=OAUTH,
    ),
    # ISPDB
    Provider(
        "Outlook.com",
        (Way("smtp-mail.outlook.com", 587, "starttls"),),
        (
            *(
                "outlook.com",
                "hotmail.com",
                "live.com",
                "msn.com",
                "windowslive.com",
                "live.de",
                "live.fr",
                "live.co.uk",
            ),
            *_under("outlook", _OUTLOOK),
            *_under("hotmail", _HOTMAIL),
        ),
        ("*.olc.protection.outlook.com",),
        oauth="microsoft",
        spf="spf.protection.outlook.com",
        note=OAUTH,
    ),
    # ISPDB; https://support.google.com/a/answer/176600
    Provider(
        "Gmail",
        both("smtp.gmail.com"),
        ("gmail.com", "googlemail.com"),
        ("gmail-smtp-in.l.google.com", "*.gmail-smtp-in.l.google.com"),
        oauth="google",
        spf="_spf.google.com",
        note=OAUTH,
    ),
    Provider(
        "Google Workspace",
        (*both("smtp.gmail.com"), Way("smtp-relay.gmail.com", 587, "starttls")),
        (),
        ("aspmx*.l.google.com", "*.aspmx.l.google.com", "aspmx*.googlemail.com", "smtp.google.com"),
        oauth="google",
        spf="_spf.google.com",
        selectors=("google",),
        note=OAUTH,
    ),
    # ISPDB
    Provider(
        "Yahoo",
        both("smtp.mail.yahoo.com"),
        ("yahoo.com", *_under("yahoo", _YAHOO), "ymail.com", "myyahoo.com", "rocketmail.com"),
        ("*.yahoodns.net",),
        note=APP_PASSWORD,
    ),
    # ISPDB
    Provider(
        "AOL",
        both("smtp.aol.com"),
        ("aol.com", "aim.com", "aol.de", "aol.fr", "aol.it", "aol.es", "aol.co.uk", "netscape.net", "compuserve.com"),
        ("*.gm0.yahoodns.net",),
        note=APP_PASSWORD,
    ),
    # ISPDB; https://support.apple.com/102525
    Provider(
        "iCloud Mail",
        (Way("smtp.mail.me.com", 587, "starttls"),),
        ("icloud.com", "me.com", "mac.com"),
        ("mx*.mail.icloud.com",),
        spf="icloud.com",
        selectors=("sig1",),
        note=APP_PASSWORD,
    ),
    # ISPDB
    Provider(
        "GMX",
        both("mail.gmx.net"),
        ("gmx.net", "gmx.de", "gmx.at", "gmx.ch", "gmx.eu", "gmx.biz", "gmx.org", "gmx.info"),
        ("mx*.gmx.net", "mx*.emig.gmx.net"),
        note=SWITCH_ON,
    ),
    Provider("GMX (international)", both("mail.gmx.com"), ("gmx.com", *_under("gmx", _GMX)), note=SWITCH_ON),
    # ISPDB
    Provider("WEB.DE", both("smtp.web.de"), ("web.de",), ("mx*.web.de",), username="local_part", note=SWITCH_ON),
    # ISPDB
    Provider("mail.com", both("smtp.mail.com"), ("mail.com", "email.com", "usa.com", "post.com"), ("mx*.mail.com",)),
    # ISPDB
    Provider("Telekom", both("securesmtp.t-online.de"), ("t-online.de", "magenta.de"), ("mx*.t-online.de",)),
    # ISPDB; CNAMEs: https://www.fastmail.help/hc/en-us/articles/360060591153
    Provider(
        "Fastmail",
        both("smtp.fastmail.com"),
        ("fastmail.com", "fastmail.fm", "fastmail.net", "messagingengine.com"),
        ("in*-smtp.messagingengine.com",),
        ("smtp.messagingengine.com",),
        spf="spf.messagingengine.com",
        selectors=("fm1", "fm2", "fm3"),
        dkim={selector: f"{selector}.{{domain}}.dkim.fmhosted.com" for selector in ("fm1", "fm2", "fm3")},
        note=APP_PASSWORD,
    ),
    *_zoho("zoho.com", "zohomail.com"),
    *_zoho("zoho.eu", "zohomail.eu"),
    *_zoho("zoho.in", "zohomail.in"),
    *_zoho("zoho.com.au", "zohomail.com.au"),
    *_zoho("zoho.jp", "zohomail.jp"),
    *_zoho("zohocloud.ca", "zohomailcloud.ca"),
    # https://www.infomaniak.com/en/support/faq/2199/spf-record
    Provider(
        "Infomaniak",
        both("mail.infomaniak.com"),
        ("ik.me", "ikmail.com", "etik.com"),
        ("mta-gw.infomaniak.ch", "mx*.infomaniak.ch"),
        spf="spf.infomaniak.ch",
    ),
    _ionos("de", "eu"),
    _ionos("com", "us"),
    _ionos("co.uk", "eu"),
    _ionos("fr", "eu"),
    _ionos("es", "eu"),
    _ionos("it", "eu"),
    # ISPDB
    Provider("STRATO", both("smtp.strato.de"), mx=("*.rzone.de",), hosts=("smtp.rzone.de",)),
    # ISPDB; https://help.ovhcloud.com/csm/en-mx-plan-email-configuration
    Provider(
        "OVHcloud",
        (Way("ssl0.ovh.net", 465, "ssl"), *both("smtp.mail.ovh.net")),
        mx=("mx*.ovh.net", "*.mail.ovh.net"),
        hosts=("pro*.mail.ovh.net", "ex*.mail.ovh.net"),
        spf="mx.ovh.com",
    ),
    # ISPDB; https://helpdesk.gandi.net/hc/en-us/articles/14001808469404-What-is-an-SPF-record
    Provider(
        "Gandi",
        both("mail.gandi.net"),
        mx=("spool.mail.gandi.net", "fb.mail.gandi.net"),
        spf="_mailcust.gandi.net",
        selectors=("gm1", "gm2", "gm3"),
        dkim={selector: f"{selector}.gandimail.net" for selector in ("gm1", "gm2", "gm3")},
    ),
    # https://kb.mailbox.org/de/business/e-mail-mit-eigener-domain/ (servers, SPF and CNAMEs)
    Provider(
        "mailbox.org",
        both("smtp.mailbox.org"),
        ("mailbox.org",),
        ("mx*.mailbox.org",),
        spf="mailbox.org",
        selectors=("MBO0001", "MBO0002", "MBO0003", "MBO0004"),
        dkim={f"MBO000{number}": f"MBO000{number}._domainkey.mailbox.org" for number in (1, 2, 3, 4)},
    ),
    # ISPDB
    Provider("Posteo", both("posteo.de"), _under("posteo", f"{_POSTEO} {_POSTEO_MORE}"), ("mx*.posteo.de",)),
    # https://proton.me/support/smtp-submission
    Provider(
        "Proton Mail",
        (Way("smtp.protonmail.ch", 587, "starttls"),),
        ("proton.me", "protonmail.com", "protonmail.ch", "pm.me"),
        ("mail.protonmail.ch", "mailsec.protonmail.ch"),
        spf="_spf.protonmail.ch",
        selectors=("protonmail", "protonmail2", "protonmail3"),
        note=_(
            "%(provider)s sends for programs only from an own domain, with an SMTP token as password (paid plans). "
            "Otherwise run Proton Mail Bridge, and enter the server that it shows."
        ),
    ),
    # ISPDB
    Provider(
        "Yandex",
        both("smtp.yandex.com"),
        ("yandex.ru", "yandex.com", "yandex.by", "yandex.kz", "ya.ru", "narod.ru"),
        ("mx.yandex.ru", "mx.yandex.net"),
        ("smtp.yandex.ru",),
        spf="_spf.yandex.net",
        selectors=("mail",),
        note=APP_PASSWORD,
    ),
    # ISPDB
    Provider(
        "Mail.ru",
        both("smtp.mail.ru"),
        ("mail.ru", "inbox.ru", "list.ru", "bk.ru", "internet.ru"),
        ("emx.mail.ru", "mxs.mail.ru"),
        spf="_spf.mail.ru",
        selectors=("mailru",),
        note=APP_PASSWORD,
    ),
    # https://migadu.com/guides/dns/
    Provider(
        "Migadu",
        both("smtp.migadu.com"),
        mx=("aspmx*.migadu.com",),
        spf="spf.migadu.com",
        selectors=("key1", "key2", "key3"),
        dkim={selector: f"{selector}.{{domain}}._domainkey.migadu.com" for selector in ("key1", "key2", "key3")},
    ),
    # ISPDB
    Provider("Hetzner", both("mail.your-server.de"), mx=("*.your-server.de",), hosts=("*.your-server.de",)),
    # https://support.hostinger.com/en/articles/1575756
    Provider(
        "Hostinger",
        both("smtp.hostinger.com"),
        mx=("mx*.hostinger.com",),
        spf="_spf.mail.hostinger.com",
        selectors=("hostingermail-a", "hostingermail-b", "hostingermail-c"),
    ),
    # https://www.namecheap.com/support/knowledgebase/article.aspx/1179/2175/
    Provider(
        "Namecheap Private Email",
        both("mail.privateemail.com"),
        mx=("mx*.privateemail.com",),
        spf="spf.privateemail.com",
        selectors=("default",),
    ),
    # ISPDB
    Provider("Rackspace Email", both("secure.emailsrvr.com"), mx=("mx*.emailsrvr.com",), spf="emailsrvr.com"),
)
