"""The help inside the site: each page of ours leads to it, and each link within it leads somewhere."""

import re
import sys
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

import pypdf
import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone, translation
from pytest_django import Settings

from mailconfig.advice import STEP_TITLES
from mailconfig.catcher.models import CaughtMessage
from mailconfig.helping import pdf
from mailconfig.helping.pages import pages
from mailconfig.helping.searching import search
from mailconfig.helping.topics import PAGES, PROVIDERS, STEPS
from mailconfig.models import MailServer
from mailconfig.notifications.models import Happening, Notifications
from mailconfig.outbox.models import QueuedMessage, ServerQueue
from mailconfig.scheduling import running
from oauthconnections.models import OAuthAccount, OAuthConnection, WebServer
from tests.conftest import MailServerFactory, SMTPServerFactory
from tests.settings_page import url

ROOT: Final = Path(__file__).resolve().parent.parent
CONTENTS: Final = "/admin/mailconfig/mailserver/help/"
HELP_LINK: Final = re.compile(r'<p class="help-link"><a href="([^"]+)">')
LANGUAGES: Final = ["en", "de"]


def address(page: str) -> str:
    return reverse("admin:mailconfig_help_page", args=[page])


@pytest.fixture
def somebody(client: Client, charlie: User) -> Client:
    """Staff without any permission."""
    client.force_login(charlie)
    return client


# --- from the pages of the admin to the help ---


def saved_rows() -> Iterator[Model]:
    yield MailServer.objects.get()
    yield WebServer.objects.create(external_url="https://saved.example")
    for provider in PROVIDERS:
        yield OAuthConnection.objects.create(name=provider, provider=provider, tenant="contoso.com")
    yield OAuthAccount.objects.create(connection=OAuthConnection.objects.all()[0], subject="1")
    yield QueuedMessage.objects.create(sender="a@example.com", recipients="b@example.com", subject="Hello", size=1)
    yield ServerQueue.objects.create(alias="default")
    yield CaughtMessage.objects.create(sender="a@example.com", subject="Hello", peer="127.0.0.1", raw=b"")
    yield running.rows()[0]
    yield Notifications.objects.in_force()
    now = timezone.now()
    yield Happening.objects.create(occasion="server_error", subject="Hello", first_at=now, last_at=now)


def pages_of_admin(row: Model) -> Iterator[str]:
    """Those that can be opened; a list of one row may lead to the row."""
    model_admin = admin.site.get_model_admin(type(row))
    request = RequestFactory().get("/")
    request.user = User.objects.get(username="admin")
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}"
    yield reverse(f"{name}_changelist")
    yield reverse(f"{name}_change", args=[row.pk])
    yield reverse(f"{name}_history", args=[row.pk])
    if model_admin.has_delete_permission(request):
        yield reverse(f"{name}_delete", args=[row.pk])
    if model_admin.has_add_permission(request):
        yield reverse(f"{name}_add")


def test_every_page_of_ours_leads_to_its_help(admin_client: Client, mail_server: MailServerFactory) -> None:
    mail_server()
    rows = list(saved_rows())
    ours = {model for model in admin.site._registry if model.__module__.startswith(("mailconfig", "oauthconnections"))}
    assert {type(row) for row in rows} == ours
    found = {page: help_of(admin_client, page) for row in rows for page in pages_of_admin(row)}
    more = {
        reverse("admin:mailconfig_mailserver_test", args=[rows[0].pk]): "send-test-email/",
        reverse("admin:oauthconnections_oauthaccount_disconnect", args=[rows[5].pk]): "oauth-connections/#accounts",
        f"{reverse('admin:oauthconnections_oauthconnection_add')}?provider=google": "google-workspace/",
    }
    found |= {page: help_of(admin_client, page) for page in more}
    assert [page for page, links in found.items() if len(links) != 1] == []
    assert [page for page, end in more.items() if not found[page][0].endswith(end)] == []
    assert [link for [link] in found.values() if not leads_somewhere(admin_client, link)] == []
    assert {link.partition("#")[0] for [link] in found.values()} <= {address(name) for name in pages()}


def help_of(client: Client, page: str) -> list[str]:
    response = client.get(page, follow=True)
    assert response.status_code == 200, page
    return HELP_LINK.findall(response.content.decode())


def leads_somewhere(client: Client, link: str) -> bool:
    place, _separator, anchor = link.partition("#")
    response = client.get(place)
    return response.status_code == 200 and (not anchor or f'id="{anchor}"' in response.content.decode())


def test_every_topic_has_its_page_and_anchor(somebody: Client) -> None:
    named = [*PAGES.values(), *PROVIDERS.values(), "history"]
    targets = [(page, anchor) for page, _separator, anchor in (name.partition("#") for name in named)]
    assert [page for page, anchor in targets if anchor and anchor not in pages()[page].anchors] == []
    assert {page for page, _anchor in targets} <= set(pages())


def test_a_failed_test_leads_to_the_chapter_on_its_step(
    client: Client, alice: User, mail_server: MailServerFactory, smtp_server: SMTPServerFactory
) -> None:
    mail_server(smtp_server(replies={"x@example.com": "550 5.1.1 No such user"}))
    client.force_login(alice)
    html = client.post(url("test"), {"recipient": "x@example.com"}).content.decode()
    [link] = re.findall(r'href="([^"]+when-mail-fails[^"]+)"', html)
    assert link.endswith("#recipient")
    assert leads_somewhere(client, link)


def test_each_step_has_its_chapter() -> None:
    titles = {section.anchor: section.title for section in pages()["when-mail-fails"].sections}
    assert {step: titles[anchor] for step, anchor in STEPS.items()} == {
        s: str(title) for s, title in STEP_TITLES.items()
    }


def test_a_pop_up_has_no_link_that_would_lead_out_of_it(admin_client: Client, mail_server: MailServerFactory) -> None:
    page = reverse("admin:oauthconnections_oauthconnection_add")
    assert help_of(admin_client, f"{page}?provider=google&_popup=1") == []
    assert len(help_of(admin_client, f"{page}?provider=google")) == 1


def test_who_is_no_staff_is_not_led_into_the_admin(client: Client, db: None) -> None:
    response = client.get(reverse("oauthconnections:callback"), {"state": "nobody's"})
    assert response.status_code == 400
    assert HELP_LINK.findall(response.content.decode()) == []


# --- the pages ---


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_link_within_the_help_leads_somewhere(somebody: Client, settings: Settings, language: str) -> None:
    settings.LANGUAGE_CODE = language
    with translation.override(language):
        bodies = {address(name): page.html() for name, page in pages().items()}
        whole = "".join(page.part_of_all() for page in pages().values())
    for here, body in bodies.items():
        response = somebody.get(here)
        assert response.status_code == 200
        assert response["Content-Language"] == language
        for link in re.findall(r'href="([^"]+)"', body):
            assert re.match(r"https://|\.\./|#", link), link
            if not link.startswith("https://"):
                place, _separator, anchor = link.partition("#")
                name = place.strip("./") or here.rstrip("/").rpartition("/")[2]
                assert not anchor or f'id="{anchor}"' in bodies[address(name)], link
    ids = re.findall(r'id="([^"]+)"', whole)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', whole)) <= set(ids)


def test_the_contents_lead_to_every_page(somebody: Client) -> None:
    html = somebody.get(CONTENTS).content.decode()
    assert [name for name in pages() if f'href="{address(name)}"' not in html] == []
    assert somebody.get(reverse("admin:mailconfig_help_all")).status_code == 200


def test_a_page_has_breadcrumbs_to_the_contents(somebody: Client) -> None:
    html = somebody.get(address("outbox")).content.decode()
    crumbs = html[html.index("breadcrumbs") : html.index("<h1>")]
    assert f'href="{CONTENTS}"' in crumbs
    assert "Outbox" in crumbs
    assert 'href="#queues-of-mail-servers"' in html  # its own contents


def test_a_page_that_is_not_there_is_not_found(somebody: Client) -> None:
    assert somebody.get(f"{CONTENTS}nothing/").status_code == 404
    assert somebody.post(CONTENTS).status_code == 405


def test_the_help_is_for_staff_only(client: Client, db: None) -> None:
    for page in (CONTENTS, address("outbox"), reverse("admin:mailconfig_help_pdf")):
        assert client.get(page)["Location"].startswith(reverse("admin:login"))


@pytest.mark.parametrize("name", sorted(file.name for file in (ROOT / "docs/help/en").glob("*.md")))
def test_a_page_is_the_same_in_every_language(name: str) -> None:
    english, german = ((ROOT / "docs/help" / language / name).read_text(encoding="utf-8") for language in LANGUAGES)
    for pattern in (r"^#+ ", r"^ *\|", r"^ *(?:\d+\.|-) ", r"^ *```", r"\]\([^)]*\)|<https[^>]+>"):
        counted = [re.findall(pattern, text, re.MULTILINE) for text in (english, german)]
        assert counted[0] == counted[1]


def test_a_language_without_a_page_shows_it_in_english(somebody: Client, settings: Settings) -> None:
    settings.LANGUAGE_CODE = "fr"
    response = somebody.get(address("outbox"))
    assert response["Content-Language"] == "en"
    assert '<article class="help-text" lang="en">' in response.content.decode()


def test_raw_html_in_a_page_is_text() -> None:
    page = pages()["outbox"]
    html = type(page)(
        "outbox", "en", "# Title\n\n<script>alert(1)</script> [x](javascript:alert(1))", ("title",)
    ).html()
    assert "<script" not in html
    assert "href" not in html


DOCUMENTS: Final = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_of_the_documentation_leads_to_a_file(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text(encoding="utf-8"))
    assert [link for link in links if not (document.parent / link).exists()] == []


# --- search ---


def test_words_find_the_section_that_is_about_them(somebody: Client) -> None:
    html = somebody.get(CONTENTS, {"q": "shared mailbox"}).content.decode()
    first = html[html.index("help-found") :]
    assert first.index(f'href="{address("microsoft-365")}#shared-mailbox"') < first.index("</li>")
    assert "<mark>Shared</mark> <mark>mailbox</mark>" in first


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("SmtpClientAuthentication", "microsoft-365"),
        ("550 5.7.60", "microsoft-365"),
        ("WRONG_VERSION_NUMBER", "when-mail-fails"),
        ("app password", "personal-gmail"),
        ("greylisting", "glossary"),
        ("REDIRECT uri", "oauth-connections"),
    ],
)
def test_what_somebody_would_look_for_is_found(words: str, page: str) -> None:
    assert page in [found.section.page.name for found in search(words)[:3]]


def test_what_was_typed_is_no_html_and_no_pattern(somebody: Client) -> None:
    html = somebody.get(CONTENTS, {"q": "<b>(.*"}).content.decode()
    assert "<b>" not in html
    assert "&lt;b&gt;(.*" in html
    assert [found for found in search("(.*") if "<mark></mark>" in found.excerpt] == []


@pytest.mark.parametrize("words", ["qwertzuiop", "...", "\x00"])
def test_nothing_found_says_what_to_do(somebody: Client, words: str) -> None:
    html = somebody.get(CONTENTS, {"q": words}).content.decode()
    assert "Nothing was found" in html


# --- the PDF ---


@pytest.mark.pango
@pytest.mark.slow
def test_the_pdf_has_each_heading_as_text_and_as_bookmark(somebody: Client, settings: Settings) -> None:
    settings.LANGUAGE_CODE = "de"
    response = somebody.get(reverse("admin:mailconfig_help_pdf"))
    assert response["Content-Type"] == "application/pdf"
    document = pypdf.PdfReader(BytesIO(response.content))
    text = squeezed("".join(page.extract_text() for page in document.pages))
    bookmarks = {squeezed(title) for title in titles(document.outline)}
    with translation.override("de"):
        headings = [section.title for page in pages().values() for section in page.sections]
    assert [heading for heading in headings if squeezed(heading) not in text] == []
    assert [heading for heading in headings if squeezed(heading) not in bookmarks] == []
    assert f"{len(document.pages)}/{len(document.pages)}" in text  # the number of the last page


def squeezed(text: str) -> str:
    return "".join(text.split())


def titles(outline: Sequence[object]) -> Iterator[str]:
    for entry in outline:
        if isinstance(entry, list):
            yield from titles(entry)
        else:
            yield entry.title  # type: ignore[attr-defined]


@pytest.mark.pango
def test_the_pdf_asks_nobody_for_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("urllib.request.OpenerDirector.open", lambda self, request, *rest: asked.append(str(request)))
    pdf._made.__wrapped__(
        '<title>x</title><h2>y</h2><img src="https://localhost:1/x.png"><img src="file:///etc/passwd">'
    )
    assert asked == []


def test_without_weasyprint_there_is_no_link_and_the_address_says_why(
    somebody: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    monkeypatch.setattr(pdf, "is_offered", lambda: False)
    pdf._made.cache_clear()
    where = reverse("admin:mailconfig_help_pdf")
    assert where not in somebody.get(CONTENTS).content.decode()
    assert somebody.get(where).status_code == 404
