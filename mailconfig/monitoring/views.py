"""What probes and Prometheus ask for. Nobody is signed in there, and no session is read."""

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from . import health
from .access import Access
from .metrics import exposition


@transaction.non_atomic_requests  # a database that is down is an answer here, and no error
@login_not_required
@require_safe
@cache_control(no_store=True)
def healthz(request: HttpRequest) -> HttpResponse:
    """Whether mail goes out: 503 if not. Codes and ages for everybody, texts for who may read the metrics."""
    report = health.report()
    answer: dict[str, object] = {"status": report.status, "problems": [alarm.code for alarm in report.alarms]}
    answer |= {name: round(age) for name, age in report.ages.items()}
    if not Access.from_settings().refusal(request):
        details = [{"code": one.code, "mailer": one.mailer, "text": str(one.text)} for one in report.alarms]
        answer["details"] = details
    response = JsonResponse(answer, status=503 if report.status == "failing" else 200)
    # Else Django would log each as an error, and have that mailed to ADMINS: all at once when mail is back.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


@transaction.non_atomic_requests
@login_not_required
@require_safe
@cache_control(no_store=True)
def live(request: HttpRequest) -> HttpResponse:
    """That this process answers; asks nothing of the database."""
    return JsonResponse({"status": "ok"})


@transaction.non_atomic_requests
@login_not_required
@require_safe
@cache_control(no_store=True)
def metrics(request: HttpRequest) -> HttpResponse:
    if refusal := Access.from_settings().refusal(request):
        headers = {"WWW-Authenticate": "Bearer"} if refusal == 401 else {}
        return HttpResponse(status=refusal, headers=headers)
    text, media_type = exposition(request.headers.get("Accept", ""))
    return HttpResponse(text, content_type=media_type)
