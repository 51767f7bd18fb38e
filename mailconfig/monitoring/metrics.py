"""The figures as Prometheus reads them, collected anew for each scrape."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.db import Error

from . import health
from .health import Figure

if TYPE_CHECKING:
    from prometheus_client import Metric


def exposition(accept: str) -> tuple[bytes, str]:
    """The text and its media type, which `accept` (the header of that name) chooses between."""
    from prometheus_client.exposition import choose_encoder
    from prometheus_client.registry import Collector

    class Now(Collector):
        def collect(self) -> "Iterator[Metric]":
            return _families(_figures())

    encode, media_type = choose_encoder(accept)
    return encode(Now()), media_type


def _figures() -> list[Figure]:
    try:
        found = [*health.figures(), *map(_of_alarm, health.alarms())]
    except Error:
        found = []
    answers = Figure("mailconfig_database_up", "Whether the database answers.", float(bool(found)))
    return [answers, *found]


def _of_alarm(alarm: health.Alarm) -> Figure:
    labels = {"code": alarm.code, "level": alarm.level, "mailer": alarm.mailer}
    return Figure("mailconfig_alarm", "1 for each thing to act on; the banner says it in words.", 1, labels)


def _families(figures: list[Figure]) -> "Iterator[Metric]":
    """Those of a name belong together."""
    from prometheus_client.metrics_core import GaugeMetricFamily

    families: dict[str, GaugeMetricFamily] = {}
    for figure in figures:
        family = families.setdefault(
            figure.name, GaugeMetricFamily(figure.name, figure.documentation, labels=list(figure.labels))
        )
        family.add_metric(list(figure.labels.values()), figure.value)
    yield from families.values()
