"""Writes down how deliveries ended: many at once, in one transaction."""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from mailconfig.pipelining import Report

from . import sql
from .claiming import Parcel, database
from .models import Attempt, MessageContent, QueuedMessage, State
from .options import Options
from .retry import Decision, decide, is_accepted
from .signals import message_failed

logger = logging.getLogger("mailconfig.outbox")
ParcelReport = Report[Parcel]


def mark(token: str, server: str, reports: Sequence[ParcelReport], now: datetime, options: Options) -> dict[int, State]:
    """Save the outcome of each report; return the new states. What another worker has taken since is left to it."""
    replies = {report.letter.pk: str(report.reply) for report in reports if _is_plain_success(report)}
    others = [
        (report, _decide(report, now, options.give_up_after)) for report in reports if report.letter.pk not in replies
    ]
    if others or options.bodies == "drop":
        with transaction.atomic(using=database()):
            _mark_delivered(token, server, replies, now)
            for report, decision in others:
                _mark_one(token, report, decision, now)
            _write_history(server, others, now)
            if options.bodies == "drop":
                _drop_contents(replies)
    else:
        _mark_delivered(token, server, replies, now)
    for report, decision in others:
        if decision.state == State.FAILED:
            logger.warning("Mail %s failed: %s", report.letter.pk, decision.reason)
            message_failed.send(QueuedMessage, pk=report.letter.pk, reason=decision.reason)
    return dict.fromkeys(replies, State.SENT) | {r.letter.pk: d.state for r, d in others}


def _is_plain_success(report: ParcelReport) -> bool:
    return not report.refused and is_accepted(report.reply) and not report.letter.outcomes


def _decide(report: ParcelReport, now: datetime, give_up_after: timedelta) -> Decision:
    parcel = report.letter
    return decide(
        report.answers(),
        attempt=parcel.attempts + 1,
        created_at=parcel.created_at,
        now=now,
        give_up_after=give_up_after,
        some_have_it=any(200 <= code < 300 for code, _text in parcel.outcomes.values()),
    )


def _mark_delivered(token: str, server: str, replies: dict[int, str], now: datetime) -> None:
    if replies:
        marked = sql.mark_sent(database(), token, server, replies, now)
        if marked < len(replies):
            logger.warning(
                "%s messages were sent after their lease had ended; they may arrive twice", len(replies) - marked
            )


def _mark_one(token: str, report: ParcelReport, decision: Decision, now: datetime) -> None:
    final = {who: [answer.code, answer.text] for who, answer in decision.final.items()}
    changes: dict[str, Any] = {
        "state": decision.state,
        "lease": "",
        "attempts": F("attempts") + 1,
        "uncertain": F("uncertain") + int(report.uncertain),  # PostgreSQL adds no booleans
        "reason": decision.reason,
        "outcomes": report.letter.outcomes | final,
    }
    changes |= {"due_at": decision.due_at} if decision.due_at else {"finished_at": now}
    QueuedMessage.objects.filter(pk=report.letter.pk, lease=token).update(**changes)


def _write_history(server: str, ends: Sequence[tuple[ParcelReport, Decision]], now: datetime) -> None:
    Attempt.objects.bulk_create(
        Attempt(
            message_id=report.letter.pk,
            at=now,
            outcome=_outcome(report, decision),
            server=server,
            detail=decision.reason or str(report.reply),
        )
        for report, decision in ends
    )


def _outcome(report: ParcelReport, decision: Decision) -> Attempt.Outcome:
    if decision.state == State.SENT:
        return Attempt.Outcome.SENT
    if decision.state == State.FAILED:
        return Attempt.Outcome.REFUSED
    return Attempt.Outcome.UNCERTAIN if report.uncertain else Attempt.Outcome.DEFERRED


def _drop_contents(keys: Collection[int]) -> None:
    MessageContent.objects.filter(pk__in=keys, message__state=State.SENT).delete()
