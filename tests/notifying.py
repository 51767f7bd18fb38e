"""Makes things happen and tells of them, at whatever time it shall be."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from mailconfig.notifications.delivery import Told, send_due
from mailconfig.notifications.models import Notifications
from mailconfig.notifications.occasions import notify
from tests.servers.smtp import Received

RECIPIENT: Final = "ops@example.com"


def chosen(**fields: Any) -> Notifications:
    """What an administrator would save: mail to one person every ten minutes."""
    row, _created = Notifications.objects.update_or_create(pk=1, defaults={"recipients": RECIPIENT, **fields})
    return row


def after(minutes: float = 0) -> Told:
    """Tell what may be told so many minutes from now."""
    return send_due(datetime.now(UTC) + timedelta(minutes=minutes, seconds=1))


def happens(times: int = 1, subject: str = "It broke", **values: Any) -> None:
    for _time in range(times):
        notify("job_failed", subject, **values)


def text_of(received: Received) -> str:
    body = received.message.get_body(("plain",))
    assert body
    return str(body.get_content()).replace("\r\n", "\n")


def raised(function: Callable[[], object]) -> Exception:
    try:
        function()
    except Exception as error:
        return error
    raise AssertionError("it should have failed")
