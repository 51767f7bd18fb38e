"""Somebody who signs in at an identity provider without a browser: fills in forms and presses the button."""

from collections.abc import Mapping
from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

import requests


class _Form(HTMLParser):
    """The first form of a page, with what it has filled in already; of buttons, the last that has a name."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.values: dict[str, str] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and not self.action:
            self.action = given.get("action", "")
        if tag in ("input", "button") and given.get("name"):
            self.values[given["name"]] = given.get("value", "")


def authorize(url: str, answers: Mapping[str, str], pages: int = 12) -> str:
    """Where a person ends who was sent to `url` and fills in `answers`, by the names of fields."""
    back = parse_qs(urlsplit(url).query)["redirect_uri"][0]
    with requests.Session() as session:
        response = session.get(url, allow_redirects=False, timeout=10)
        for _page in range(pages):
            if response.is_redirect:
                url = urljoin(response.url, response.headers["Location"])
                if url.startswith(back):
                    return url
                response = session.get(url, allow_redirects=False, timeout=10)
            else:
                response = _submit(session, response, answers)
    raise AssertionError(f"No way back from {response.url}")


def _submit(session: requests.Session, page: requests.Response, answers: Mapping[str, str]) -> requests.Response:
    form = _Form(page.text)
    assert page.ok, page.text
    assert form.values, page.text
    values = {name: answers.get(name, value) for name, value in form.values.items()}
    target = urljoin(page.url, form.action)
    return session.post(target, values, headers={"Referer": page.url}, allow_redirects=False, timeout=10)
