"""How tests use the settings page as a browser would: open it, take what it shows, change something, press a button."""

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, Self

from django.test import Client
from django.urls import reverse

from mailconfig.forms import MailServerForm
from mailconfig.models import MailServer

Attributes = dict[str, str | None]


@dataclass
class Page(HTMLParser):
    """An HTML page: what its form of a row would send, which field has the focus, the messages at fields."""

    html: str
    values: dict[str, str] = field(default_factory=dict)
    focus: str | None = None
    errors: dict[str, str] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._row = self._textarea = self._select = ""
        self._in_errors = self._in_form = False
        self.feed(self.html)

    @classmethod
    def of(cls, response: Any) -> Self:
        """Also of one that is told line by line, put together as the script does it."""
        if response.streaming:
            lines = [json.loads(line) for line in response.getvalue().splitlines()]
            return cls("".join(html for line in lines for html in line.values()))
        return cls(response.content.decode())

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        classes = (found.get("class") or "").split()
        self._in_form |= tag == "form" and (found.get("id") or "").endswith("_form")  # as the admin calls each model's
        self._row = next((name.removeprefix("field-") for name in classes if name.startswith("field-")), self._row)
        if tag == "fieldset" and "module" in classes:
            self._row = ""
        self._in_errors |= tag == "ul" and "errorlist" in classes
        if self._in_form and "name" in found:
            self._take(tag, str(found["name"]), found)
        if tag == "option" and self._select and "selected" in found:
            self.values[self._select] = found.get("value") or ""

    def _take(self, tag: str, name: str, found: Attributes) -> None:
        if "autofocus" in found:
            self.focus = self.focus or name
        if tag == "select":
            self._select = name
        elif tag == "textarea":
            self._textarea, self.values[name] = name, ""
        elif found.get("type") in ("checkbox", "radio"):
            if "checked" in found:
                self.values[name] = found.get("value") or "on"
        elif tag == "input" and found.get("type") not in ("submit", "file"):
            self.values[name] = found.get("value") or ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.values[self._textarea] += data
        if self._in_errors:
            self.errors[self._row] = self.errors.get(self._row, "") + data
        self.texts.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            # The line end after the tag is no part of the text, and a browser sends CRLF.
            self.values[self._textarea] = self.values[self._textarea].removeprefix("\n").replace("\n", "\r\n")
            self._textarea = ""
        elif tag == "select":
            self._select = ""
        elif tag == "ul":
            self._in_errors = False
        elif tag == "form":
            self._in_form = False


def url(name: str = "change", row: MailServer | None = None) -> str:
    """The address of a page of the row, by default of the only one."""
    return reverse(f"admin:mailconfig_mailserver_{name}", args=[(row or MailServer.objects.get()).pk])


def opened(client: Client, row: MailServer | None = None) -> Page:
    response = client.get(url(row=row))
    assert response.status_code == 200
    return Page.of(response)


def sent(page: Page | None, typed: dict[str, Any]) -> dict[str, Any]:
    """What a browser sends when something was typed into a page; None empties a box."""
    values = page.values if page else _as_opened()
    return {name: value for name, value in {**values, **typed}.items() if value is not None and value is not False}


def _as_opened() -> dict[str, Any]:
    """What the page would show, without the time that it takes to make one."""
    form = MailServerForm(instance=MailServer.objects.get())
    return {name: form.initial.get(name) for name in form.fields}


def saved(client: Client, page: Page | None = None, **typed: Any) -> Page:
    """The page that follows when something was typed into the page and saved."""
    response = client.post(url(), sent(page, typed), follow=True)
    assert response.status_code == 200
    return Page.of(response)
