"""The German catalogs: complete, compiled, and what a German-speaking administrator meets."""

import ast
import html
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import django
import polib  # type: ignore[import-untyped]
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils.text import capfirst
from django.utils.translation.template import templatize
from pytest_django import Settings

from oauthconnections.models import WebServer
from tests.conftest import MailServerFactory, ScriptedServerFactory, SMTPServerFactory
from tests.settings_page import Page, sent, url

ROOT: Final = Path(__file__).resolve().parent.parent
APPS: Final = ("mailconfig", "oauthconnections")

Text = tuple[str, str, str]
"""Context, text and plural of it; empty what it does not have."""

TEXTS_OF: Final[dict[str, Callable[..., Text]]] = {
    "gettext": lambda text: ("", text, ""),
    "ngettext": lambda text, plural, *number: ("", text, plural),
    "pgettext": lambda context, text: (context, text, ""),
    "npgettext": lambda context, text, plural, *number: (context, text, plural),
}


def catalog(app: str, kind: str = "po") -> "polib.POFile | polib.MOFile":
    path = ROOT / app / "locale" / "de" / "LC_MESSAGES" / f"django.{kind}"
    return polib.pofile(str(path)) if kind == "po" else polib.mofile(str(path))


def text_of(entry: "polib.POEntry | polib.MOEntry") -> Text:
    return (entry.msgctxt or "", entry.msgid, entry.msgid_plural or "")


def translations(entry: "polib.POEntry | polib.MOEntry") -> list[str]:
    return list(entry.msgstr_plural.values()) or [entry.msgstr]


ENTRIES: Final = [(app, entry) for app in APPS for entry in catalog(app)]


# --- what the sources say ---


def texts_in_code(path: Path) -> Iterator[Text]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            function = node.func.id.removesuffix("_lazy").removesuffix("_noop")
            if texts := TEXTS_OF.get("gettext" if function == "_" else function):
                yield texts(*map(literal, node.args))


def literal(node: ast.expr) -> str:
    """A text as it is written; one put together when the program runs is in no catalog, and is found here."""
    is_number = isinstance(node, ast.Name | ast.Attribute | ast.Subscript | ast.Call | ast.UnaryOp)
    return "" if is_number else str(ast.literal_eval(node))


def texts_in_template(path: Path) -> Iterator[Text]:
    string = r"u?(?:'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")"
    calls = re.finditer(rf"\b(n?p?gettext|_)\(({string}(?:, {string})*)", templatize(path.read_text()))
    for function, arguments in (call.groups() for call in calls):
        yield TEXTS_OF["gettext" if function == "_" else function](*ast.literal_eval(f"({arguments},)"))


def texts_in_sources(app: str) -> set[Text]:
    code = {text for path in (ROOT / app).rglob("*.py") for text in texts_in_code(path)}
    return code | {text for path in (ROOT / "templates" / app).rglob("*.html") for text in texts_in_template(path)}


@pytest.mark.parametrize("app", APPS)
def test_the_catalog_has_the_texts_of_the_sources_and_no_others(app: str) -> None:
    assert {text_of(entry) for entry in catalog(app)} == texts_in_sources(app)


def test_texts_are_found_however_they_are_written(tmp_path: Path) -> None:
    code, template = tmp_path / "code.py", tmp_path / "template.html"
    code.write_text(
        '_("one" " text"); gettext_lazy("lazy"); ngettext("a", "many", n); pgettext_lazy("of", "c"); other("x")'
    )
    assert set(texts_in_code(code)) == {("", "one text", ""), ("", "lazy", ""), ("", "a", "many"), ("of", "c", "")}
    template.write_text(
        """{% translate "it's (one)" %}{{ _('filtered') }}{% translate "c" context "of" %}"""
        "{% blocktranslate count n=n %}a{% plural %}{{ n }}{% endblocktranslate %}"
    )
    found = {("", "it's (one)", ""), ("", "filtered", ""), ("of", "c", ""), ("", "a", "%(n)s")}
    assert set(texts_in_template(template)) == found


@pytest.mark.parametrize("code", ['_(f"{x}")', '_("a" + b)', '_("a %s" % b)'])
def test_a_text_put_together_is_found(tmp_path: Path, code: str) -> None:
    (tmp_path / "code.py").write_text(code)
    with pytest.raises(ValueError, match="malformed"):
        list(texts_in_code(tmp_path / "code.py"))


# --- what the catalogs say ---


@pytest.mark.parametrize("app", APPS)
def test_every_text_is_translated(app: str) -> None:
    po = catalog(app)
    assert [entry.msgid for entry in po if entry.fuzzy or entry.obsolete or not all(translations(entry))] == []
    assert po.metadata["Language"] == "de"


@pytest.mark.parametrize("app", APPS)
def test_the_compiled_catalog_is_the_written_one(app: str) -> None:
    written, compiled = ({text_of(entry): translations(entry) for entry in catalog(app, kind)} for kind in ("po", "mo"))
    assert compiled == written


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)[a-z]|%[a-z]|\{\w*\}", text))


def originals(entry: "polib.POEntry | polib.MOEntry") -> list[list[str]]:
    """The placeholders of the text, and those of its plural: “every minute” needs no number."""
    return [placeholders(text) for text in (entry.msgid, entry.msgid_plural) if text]


def frame(text: str) -> tuple[str, str]:
    """White space before and after."""
    return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]


def test_translations_have_the_values_of_the_text() -> None:
    different = [
        entry.msgid
        for _app, entry in ENTRIES
        for translation in translations(entry)
        if placeholders(translation) not in originals(entry) or frame(translation) != frame(entry.msgid)
    ]
    assert different == []


def test_one_text_has_one_translation() -> None:
    # Which app's catalog wins, Django's included, depends on the order of INSTALLED_APPS.
    folder = Path(django.__file__).parent
    paths = [folder / "conf", *(folder / "contrib" / app for app in ("admin", "auth", "contenttypes", "sessions"))]
    found: dict[Text, set[str]] = {text_of(entry): set() for _app, entry in ENTRIES}
    for entry in [*(entry for _app, entry in ENTRIES), *(entry for path in paths for entry in _of_django(path))]:
        if text_of(entry) in found:
            found[text_of(entry)] |= {" | ".join(translations(entry))}
    assert {text: several for text, several in found.items() if len(several) > 1} == {}


def _of_django(folder: Path) -> "polib.MOFile":
    return polib.mofile(str(folder / "locale" / "de" / "LC_MESSAGES" / "django.mo"))


# --- what an administrator sees ---


def english_left(page: Page) -> list[str]:
    """Texts of ours that are on a page, though there is a German one: sentences anywhere, single words on their own."""
    whole = " ".join(html.unescape(page.html).split())
    words = {text.strip(": \n") for text in page.texts}
    german = {form for _app, entry in ENTRIES for text in translations(entry) for form in (text, capfirst(text))}
    return [
        entry.msgid
        for _app, entry in ENTRIES
        if entry.msgid not in translations(entry)
        and (part := re.sub(r"\s+", " ", max(re.split(r"%\(\w+\)[sd]|%d", entry.msgid), key=len)))
        and (part in whole or capfirst(part) in whole if " " in part else words & {part, capfirst(part)} - german)
    ]


@pytest.fixture(autouse=True)
def chosen_by_the_browser(settings: Settings) -> None:
    at = settings.MIDDLEWARE.index("django.middleware.common.CommonMiddleware")
    middleware = settings.MIDDLEWARE
    settings.MIDDLEWARE = [*middleware[:at], "django.middleware.locale.LocaleMiddleware", *middleware[at:]]


@pytest.fixture
def alice_client(client: Client, alice: User) -> Client:
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    client.force_login(alice)
    return client


def test_the_search_for_english_finds_it(client: Client, alice: User, mail_server: MailServerFactory) -> None:
    mail_server(host="smtp.example.com")
    client.force_login(alice)
    left = english_left(Page.of(client.get(url())))
    assert {"user name", "Send test email", "Not tested yet. Send a test email.", "time-out", "Check name"} <= set(left)


def test_the_settings_page_is_german(alice_client: Client, mail_server: MailServerFactory) -> None:
    mail_server(host="smtp.example.com", username="me", password="secret")
    page = Page.of(alice_client.get(url()))
    assert '<html lang="de"' in page.html
    for words in (
        "Postausgangsserver (SMTP)",
        "Noch nicht getestet. Senden Sie eine Testmail.",
        "Sicherheit und Anmeldung",
        "Absenderadresse:",
        "Keine STARTTLS SSL/TLS",
        "Keines Automatisch PLAIN LOGIN CRAM-MD5",
        "Gespeichert; leer lassen, um es zu behalten.",
        "Testmail senden",
    ):
        assert words in page.text
    assert english_left(page) == []


def test_an_error_is_german(alice_client: Client, mail_server: MailServerFactory) -> None:
    mail_server(host="smtp.example.com")
    page = Page.of(
        alice_client.post(url(), sent(None, {"host": "smtp://x", "security": "none", "auth_method": "plain"}))
    )
    assert "Geben Sie nur den Namen des Servers ein, ohne „smtp://“." in page.errors["host"]
    assert "Geben Sie den Benutzernamen ein oder wählen Sie als Anmeldeverfahren „Keines“." in page.errors["username"]
    assert english_left(page) == []


def test_what_saving_says_is_german(alice_client: Client, mail_server: MailServerFactory) -> None:
    mail_server(host="smtp.example.com")
    page = Page.of(alice_client.post(url(), sent(None, {"timeout": "60", "port": "465"}), follow=True))
    assert "Gespeichert und ab sofort gültig. Geändert: Port, Zeitlimit." in page.text
    assert english_left(page) == []
    history = Page.of(alice_client.get(url("history")))
    assert "Zeitlimit: 5 → 60" in history.text
    assert english_left(history) == []


def test_what_the_settings_fix_is_german(
    alice_client: Client, mail_server: MailServerFactory, settings: Settings
) -> None:
    mail_server(host="smtp.example.com")
    settings.MAILCONFIG = {"port": "x", "security": "smime", "hots": "x", "password": "fixed"}
    page = Page.of(alice_client.get(url()))
    assert "Festgelegt durch MAILCONFIG in den Einstellungen dieser Website." in page.text
    assert "Der Wert von „security“ ist ungültig. Möglich sind: none, starttls, ssl." in page.text
    assert english_left(page) == []


@pytest.mark.parametrize("script", [True, False])
def test_the_test_email_is_german(
    alice_client: Client, mail_server: MailServerFactory, smtp_server: SMTPServerFactory, script: bool
) -> None:
    server = smtp_server()
    mail_server(server)
    asked = Page.of(alice_client.get(url("test")))
    assert "Empfänger:" in asked.text
    headers = {"X-Requested-With": "fetch"} if script else {}
    page = Page.of(alice_client.post(url("test"), sent(None, {"recipient": "me@example.com"}), headers=headers))
    assert "An me@example.com gesendet. Sehen Sie im Posteingang und im Spamordner nach." in page.text
    assert english_left(asked) == english_left(page) == []
    (received,) = server.messages
    assert received.message["Subject"] == "Testmail"
    assert "Testmail angenommen (0 Minuten her)." in Page.of(alice_client.get(url())).text


@pytest.mark.parametrize("stage", ["banner", "EHLO", "MAIL", "RCPT", "DATA"])
def test_a_failed_test_email_is_german(
    alice_client: Client, mail_server: MailServerFactory, scripted_server: ScriptedServerFactory, stage: str
) -> None:
    refusal = {stage: "550 5.1.1 Nein", **({"HELO": "550 Nein"} if stage == "EHLO" else {})}
    mail_server(scripted_server(refusal))
    page = Page.of(alice_client.post(url("test"), {"recipient": "me@example.com"}))
    assert "fehlgeschlagen" in page.text
    assert "Antwort:" in page.text
    assert "Nein" in page.text
    assert english_left(page) == []
    assert english_left(Page.of(alice_client.get(url()))) == []


def test_the_ehlo_tools_are_german(alice_client: Client, mail_server: MailServerFactory) -> None:
    mail_server(ehlo_source="custom", ehlo_name="192.0.2.1")
    page = Page.of(alice_client.post(url("ehlo"), {"action": "check"}, headers={"X-Requested-With": "fetch"}))
    assert "ist eine Adresse, kein Name." in page.text
    assert english_left(page) == []


def test_the_web_server_page_is_german(alice_client: Client) -> None:
    WebServer.objects.create(external_url="https://www.example.com")
    page = Page.of(alice_client.get("/admin/oauthconnections/webserver/", follow=True))
    assert "Von außen sichtbare URL:" in page.text
    assert "Webserver" in page.text
    assert english_left(page) == []
    refused = Page.of(alice_client.post(_web_server(), {"external_url": "ftp://x"}))
    assert "Die Adresse muss mit https://" in refused.errors["external_url"]
    assert english_left(refused) == []


def _web_server() -> str:
    return f"/admin/oauthconnections/webserver/{WebServer.objects.get().pk}/change/"


def test_the_index_and_the_login_are_german(alice_client: Client, mail_server: MailServerFactory) -> None:
    index = Page.of(alice_client.get("/admin/"))
    assert "Verbindungen" in index.text
    assert "Postausgangsserver (SMTP)" in index.text
    alice_client.logout()
    login = Page.of(alice_client.get("/admin/login/"))
    assert "Benutzername:" in login.text
    assert english_left(index) == english_left(login) == []


LOGIN: Final = """
import django
django.setup()
from django.test import Client
print(Client().get("/admin/login/", headers={"Accept-Language": "de", "Host": "localhost"}).content.decode())
"""


def test_the_ready_site_takes_the_language_of_the_browser(tmp_path: Path) -> None:
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        **{"DJANGO_SETTINGS_MODULE": "mailconfig.website.settings", "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        **{"SECRET_KEY": "k" * 60, "DATA_DIR": str(tmp_path)},
    }
    command = [sys.executable, "-c", LOGIN]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert '<html lang="de"' in ended.stdout, ended.stderr
    assert "Benutzername" in ended.stdout
