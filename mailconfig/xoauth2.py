"""What is said in SASL XOAUTH2 (Google's and Microsoft's) and OAUTHBEARER (RFC 7628), and how a refusal is read."""

import base64
import json
import re

from django.utils.translation import gettext as _

from .blackout import forms_of


def xoauth2(user: str, token: str) -> str:
    return f"user={_printable(user)}\1auth=Bearer {token}\1\1"


def oauthbearer(user: str, token: str, host: str, port: int) -> str:
    name = _printable(user).replace("=", "=3D").replace(",", "=2C")  # RFC 5801 section 4
    return f"n,a={name},\1host={host}\1port={port}\1auth=Bearer {token}\1\1"


def _printable(user: str) -> str:
    """Without what would end the name and begin something else; who signs in chooses it at the provider."""
    return re.sub(r"[\x00-\x1f\x7f]", "", user)


def read_refusal(challenge: bytes) -> dict[str, str]:
    """The `status`, `schemes` and `scope` that a server gives in base64 and JSON (RFC 7628 section 3.2.2).

    Empty if it says something else: any server may say anything.
    """
    try:
        said = json.loads(base64.b64decode(challenge))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(said, dict):
        return {}
    known = {name: said.get(name) for name in ("status", "schemes", "scope")}
    return {name: _readable(str(value)) for name, value in known.items() if isinstance(value, (str, int)) and value}


def _readable(text: str) -> str:
    return _printable(text).encode(errors="replace").decode()


def describe_refusal(refusal: dict[str, str]) -> str:
    """As words behind the server's own."""
    titles = {"status": _("status"), "schemes": _("schemes"), "scope": _("scope")}
    said = ", ".join(f"{titles[name]} {value}" for name, value in refusal.items())
    return f"({said})" if said else ""


def secrets_of(responses: list[str], token: str) -> list[bytes]:
    """Everything in a conversation that gives the token away."""
    said = [base64.b64encode(response.encode(errors="surrogatepass")) for response in responses]
    return [*said, *forms_of(token)]
