"""The rules that keep the code small and its parts apart; CONTRIBUTING.md says why."""

import ast
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import chain
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
OWN: Final = ("mailconfig", "oauthconnections")
PACKAGES: Final = [ROOT / name for name in OWN]
Function = ast.FunctionDef | ast.AsyncFunctionDef

BELONGS_TO: Final = {
    "smtplib": {
        "mailconfig/smtp.py",  # the session
        "mailconfig/steps.py",  # how its errors are put into words
        "mailconfig/situation.py",  # what they hold
        "mailconfig/wire.py",  # its deadline
        "mailconfig/sasl.py",  # its login
        "mailconfig/pipelining.py",  # many messages behind each other
        "mailconfig/backends.py",  # which of its errors are tried again
        "mailconfig/probing.py",  # what a server lacks
        "mailconfig/exceptions.py",  # ours are caught where Django's are
    },
    "requests": {"mailconfig/hostname_service.py", "oauthconnections/http.py"},
    "urllib3": {"mailconfig/hostname_service.py", "oauthconnections/http.py"},
    "msal": {"oauthconnections/providers/microsoft.py"},
    "google_auth_oauthlib": {"oauthconnections/providers/google.py"},
    "requests_oauthlib": {"oauthconnections/providers/by_oauthlib.py"},
    "jwt": {"oauthconnections/id_tokens.py"},
    "dns": {"mailconfig/resolver.py"},
    "aiosmtpd": {"mailconfig/catcher/server.py"},
    "markdown_it": {"mailconfig/helping/markdown.py"},
    "weasyprint": {"mailconfig/helping/pdf.py"},
    "prometheus_client": {"mailconfig/monitoring/metrics.py"},
}
"""The seams: what speaks to the outside, and the only files that may use it."""

HEAVY: Final = (
    *("aiosmtpd", "cryptography", "dns", "markdown_it", "prometheus_client", "requests", "urllib3", "weasyprint"),
    *("msal", "google_auth_oauthlib", "requests_oauthlib", "oauthlib", "jwt"),
)
"""Imported on first use, so that `manage.py` of a project does not become slower with us."""


def _sources(*folders: Path) -> list[Path]:
    files = chain.from_iterable(folder.rglob("*.py") for folder in folders)
    return sorted(path for path in files if path.stat().st_size and "migrations" not in path.parts)


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text()))


def _functions(path: Path) -> list[Function]:
    return [node for node in _nodes(path) if isinstance(node, Function)]


def _imported(node: ast.AST) -> list[str]:
    """Dotted names that an import statement reads; a relative one begins with a dot."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return ["." * node.level + (node.module or "")]
    return []


def _lines(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


# --- the arrow ---


def test_oauthconnections_knows_nothing_of_mail() -> None:
    files = [*_sources(ROOT / "oauthconnections"), *(ROOT / "templates" / "oauthconnections").rglob("*.html")]
    words = re.compile(r"mailconfig|smtp|django\.core\.mail", re.IGNORECASE)
    assert files
    assert [_name(path) for path in files if words.search(path.read_text())] == []


def test_own_imports_stand_at_the_top_of_files() -> None:
    hidden = [
        f"{_name(path)}:{node.lineno}"
        for path in _sources(*PACKAGES)
        for function in _functions(path)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
        and any(name.startswith((".", *OWN)) for name in _imported(node))
        and (path.name, function.name) != ("apps.py", "ready")
    ]
    assert hidden == []


@pytest.mark.parametrize("module", BELONGS_TO)
def test_each_wire_has_one_seam(module: str) -> None:
    users = {
        _name(path)
        for path in _sources(*PACKAGES)
        for node in _nodes(path)
        for name in _imported(node)
        if name.split(".")[0] == module
    }
    assert users <= BELONGS_TO[module]


def test_a_project_with_us_loads_nothing_heavy() -> None:
    program = (
        "import sys, django; from django.core.management import call_command; django.setup(); call_command('check'); "
        f"print(sorted(set(sys.modules) & set({HEAVY})))"
    )
    command = [sys.executable, "-c", program]
    environment = {"DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(ROOT)}
    result = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"


# --- budgets ---


def test_functions_are_short() -> None:
    lengths = {
        f"{_name(path)}:{function.lineno} {function.name}": _lines(function)
        for path in _sources(*PACKAGES)
        for function in _functions(path)
    }
    assert [where for where, length in lengths.items() if length > 50] == []
    assert statistics.median(lengths.values()) <= 8
    assert statistics.quantiles(lengths.values(), n=10)[-1] <= 25


def test_files_are_short() -> None:
    lengths = [len(path.read_text().splitlines()) for path in _sources(*PACKAGES)]
    assert statistics.median(lengths) <= 120


@pytest.mark.parametrize("folder", [*OWN, "tests", "benchmarks"])
def test_no_file_is_two_files(folder: str) -> None:
    assert [_name(path) for path in _sources(ROOT / folder) if len(path.read_text().splitlines()) > 400] == []


def test_no_file_is_a_drawer() -> None:
    drawers = {"common", "helper", "helpers", "misc", "util", "utils"}
    assert [_name(path) for path in _sources(*PACKAGES, ROOT / "tests") if path.stem in drawers] == []


def test_each_file_says_why_it_exists() -> None:
    docstrings = {_name(path): ast.get_docstring(ast.parse(path.read_text())) for path in _sources(*PACKAGES)}
    assert [name for name, text in docstrings.items() if not text] == []


def test_every_function_is_annotated() -> None:
    bare = [
        f"{_name(path)}:{function.lineno} {function.name}"
        for path in _sources(*PACKAGES, ROOT / "tests")
        for function in _functions(path)
        if not function.returns or any(not argument.annotation for argument in _named_arguments(function))
    ]
    assert bare == []


def _named_arguments(function: Function) -> list[ast.arg]:
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return [argument for argument in arguments if argument.arg not in ("self", "cls")]


# --- what a browser gets ---

TEMPLATES: Final = sorted((ROOT / "templates").rglob("*.html"))
INLINE: Final = re.compile(
    r"<style|<script(?![^>]*\b(src|type=.application/json))|\s(style|on[a-z]+)=[\"']|javascript:"
)


class _Texts(HTMLParser):
    """Collects what a person reads of a page: text, and the attributes that are shown or spoken."""

    SHOWN: Final = {"alt", "aria-label", "placeholder", "title"}

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [value or "" for name, value in attrs if name in self.SHOWN]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def _untranslated(template: str) -> list[str]:
    code = r"{#.*?#}|{% comment.*?endcomment %}|{% blocktrans.*?endblocktrans(late)? %}|{%.*?%}|{{.*?}}"
    reader = _Texts()
    reader.feed(re.sub(code, "", template, flags=re.DOTALL))
    return [text.strip() for text in reader.texts if re.search(r"[A-Za-z]{2}", text)]


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_a_template_holds_for_a_strict_policy(path: Path) -> None:  # S-24
    assert not INLINE.search(path.read_text())


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_a_template_names_only_static_files_that_exist(path: Path) -> None:  # else a site with a manifest has no page
    named = re.findall(r"{% static ['\"]([^'\"]+)['\"] %}", path.read_text())
    assert [name for name in named if not (ROOT / "static" / name).is_file()] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=_name)
def test_a_template_has_all_its_texts_translated(path: Path) -> None:
    assert _untranslated(path.read_text()) == []


def test_html_in_code_holds_for_a_strict_policy() -> None:  # S-24
    inline = [
        f"{_name(path)}:{node.lineno}"
        for path in _sources(*PACKAGES)
        for node in _nodes(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and INLINE.search(node.value)
    ]
    assert inline == []


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("<p>{% translate 'Hello' %} {{ name }}</p>", []),
        ("{% blocktranslate %}Hello{% endblocktranslate %}", []),
        ("<p>Hello {{ name }}</p>", ["Hello"]),
        ('<img alt="A picture" title="{% translate "A title" %}">', ["A picture"]),
    ],
)
def test_the_search_for_untranslated_texts_finds_them(template: str, found: list[str]) -> None:
    assert _untranslated(template) == found


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ('<a onclick="go()">', True),
        ("<p style='color: red'>", True),
        ("<script>go()</script>", True),
        ('<script src="{% static "x.js" %}" defer></script>', False),
        ('<script type="application/json">{}</script>', False),
        ('<input data-on="x" class="lifestyle" name="style">', False),
    ],
)
def test_the_search_for_inline_code_finds_it(template: str, found: bool) -> None:
    assert bool(INLINE.search(template)) is found
