"""What people read: a mail, or a few lines for a webhook, about all that they have not been told yet."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from .links import link, path_of
from .models import Happening, Notifications
from .recording import one_line

REPORTS: Final = 10
"""How many of a digest's happenings come with their reports; all are on the page."""
RULE: Final = "\n\n" + "-" * 72 + "\n\n"


@dataclass(frozen=True)
class Entry:
    """One group: `new` of its happenings were not told yet, `told` were."""

    happening: Happening
    told: int

    @property
    def new(self) -> int:
        return self.happening.count - self.told

    @property
    def heading(self) -> str:
        return f"{self.happening.label}: {self.happening.subject}"

    @property
    def times(self) -> str:
        """How often, and when."""
        values: dict[str, object] = {"new": self.new, "all": self.happening.count}
        values |= {"first": _time(self.happening.first_at), "last": _time(self.happening.last_at)}
        if self.told:
            text = ngettext("%(new)s more time, last %(last)s, %(all)s in all since %(first)s",
                            "%(new)s more times, last %(last)s, %(all)s in all since %(first)s", self.new)  # fmt: skip
        elif self.new == 1:
            text = "%(last)s"
        else:
            text = _("%(new)s times, first %(first)s, last %(last)s")
        return text % values

    @property
    def url(self) -> str:
        page = self.happening.url or path_of("mailconfig_notifications_happening_change", self.happening.pk)
        return link(page)

    def lines(self) -> str:
        return "\n".join(filter(None, [self.heading, self.times, self.url]))


@dataclass(frozen=True)
class Digest:
    """`text` is short; `body` has the reports, too, which are for mail only."""

    subject: str
    text: str
    body: str
    entries: list[Entry]
    reports: list[str] = field(default_factory=list)
    """As HTML, where the handler was asked for it."""

    @property
    def count(self) -> int:
        return sum(entry.new for entry in self.entries)

    @property
    def happenings(self) -> list[dict[str, Any]]:
        """For machines."""
        return [
            {
                "occasion": entry.happening.occasion,
                "subject": entry.happening.subject,
                "count": entry.new,
                "at": entry.happening.last_at.isoformat(),
                "url": entry.url,
            }
            for entry in self.entries
        ]


def compose(chosen: Notifications, entries: list[Entry]) -> Digest:
    """In the language that is active."""
    with_report = [entry for entry in entries if entry.happening.body][:REPORTS]
    parts = [
        f"{entry.lines()}\n\n{entry.happening.body}" if entry in with_report else entry.lines() for entry in entries
    ]
    return Digest(
        subject=one_line(f"{settings.EMAIL_SUBJECT_PREFIX}{_subject(entries)}"),
        text=_joined(entry.lines() for entry in entries),
        body=RULE.join([*parts, _footer(chosen)]),
        entries=entries,
        reports=[entry.happening.html for entry in with_report if entry.happening.html],
    )


def sample(chosen: Notifications) -> Digest:
    """What a person sends to see that it arrives."""
    text = _("This is a sample. It arrives, so you would be told when this site needs you.")
    now, page = timezone.now(), path_of("mailconfig_notifications_notifications_change", chosen.pk)
    entry = Entry(Happening(occasion="sample", subject=_("Sample"), count=1, first_at=now, last_at=now, url=page), 0)
    subject = settings.EMAIL_SUBJECT_PREFIX + _("Sample of a notification")
    return Digest(one_line(subject), text, RULE.join([text, _footer(chosen)]), [entry])


def _joined(texts: Iterable[str]) -> str:
    return "\n\n".join(texts)


def _subject(entries: list[Entry]) -> str:
    first, others = entries[0], len(entries) - 1
    if others:
        values = {"first": first.heading, "kinds": others, "total": sum(entry.new for entry in entries)}
        return (
            ngettext(
                "%(first)s, and %(kinds)s other kind, %(total)s in all",
                "%(first)s, and %(kinds)s other kinds, %(total)s in all",
                others,
            )
            % values
        )
    if first.new > 1:
        return _("%(heading)s (%(new)s times)") % {"heading": first.heading, "new": first.new}
    return first.heading


def _footer(chosen: Notifications) -> str:
    page = link(path_of("mailconfig_notifications_notifications_change", chosen.pk))
    often = ngettext(
        "You get at most one such mail every minute.",
        "You get at most one such mail every %(minutes)s minutes.",
        chosen.every_minutes,
    ) % {"minutes": chosen.every_minutes}
    where = _("Who is told about what: %(page)s") % {"page": page} if page else ""
    return "\n".join(filter(None, [often, where]))


def _time(moment: datetime) -> str:
    return date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT")
