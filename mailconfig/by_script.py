"""Whether a script asks, which shows a part of a page, rather than a browser, which shows a whole one."""

from django.http import HttpRequest


def asked_by_script(request: HttpRequest) -> bool:
    return request.headers.get("X-Requested-With") == "fetch"
