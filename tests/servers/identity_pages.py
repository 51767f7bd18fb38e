"""What a person sees at the identity provider: a login page, a consent page, or why neither can be shown."""

from html import escape
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from .identity_kinds import Answer, Refusal

if TYPE_CHECKING:
    from .identity_provider import IdentityProvider, Request

PAGE: Final = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>
<body><main><h1>{title}</h1>{content}</main></body></html>"""

LOGIN: Final = """<form method="post">{kept}
<p><label>Login name <input name="login" value="{hint}" autocomplete="username"></label></p>
<button name="step" value="login">Sign in</button></form>"""

CONSENT: Final = """<p>{login}, a site asks for: {scope}</p>
<form method="post">{kept}
<button name="step" value="allow">Allow</button> <button name="step" value="deny">Deny</button></form>"""


def answer(provider: "IdentityProvider", request: "Request") -> Answer:
    """One step on the way from the first leg back to the site."""
    asked = dict(parse_qsl(request.params["asked"])) if "asked" in request.params else dict(request.params)
    try:
        provider.check_redirect(asked)
    except Refusal as refusal:
        status, body, headers = provider.kind.refusal(refusal)
        return _page("Something is wrong", f"<p>{escape(body['error_description'])}</p>", status, headers)
    try:
        provider.check_authorization(asked)
    except Refusal as refusal:
        body = provider.kind.refusal(refusal)[1]
        return _redirect(provider.back(asked, error=body["error"], error_description=body["error_description"]))
    return _step(provider, request, asked)


def _step(provider: "IdentityProvider", request: "Request", asked: dict[str, str]) -> Answer:
    login = request.params.get("login", "")
    match request.params.get("step") if request.method == "POST" else "":
        case "login":
            content = CONSENT.format(login=escape(login), scope=escape(asked["scope"]), kept=_kept(request, login))
            return _page("Allow access", content)
        case "allow":
            return _redirect(provider.allow(asked, somebody(provider, login)))
        case "deny":
            return _redirect(
                provider.back(asked, error="access_denied", error_description="The user denied the request")
            )
    content = LOGIN.format(hint=escape(asked.get("login_hint", "")), kept=_kept(request))
    return _page("Sign in", content)


def somebody(provider: "IdentityProvider", login: str) -> dict[str, Any]:
    """Who signed in: the provider's user, or another one who goes by the name."""
    if login in ("", *provider.user.values()):
        return provider.user
    return {"sub": f"subject of {login}", "email": login, "preferred_username": login, "name": login}


def _kept(request: "Request", login: str = "") -> str:
    values = {"asked": request.params.get("asked") or request.query}
    values |= {"login": login} if login else {}
    return "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in values.items())


def _page(title: str, content: str, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    return status, PAGE.format(title=title, content=content), {"Content-Type": "text/html"} | (headers or {})


def _redirect(url: str) -> Answer:
    return 302, "", {"Location": url}
