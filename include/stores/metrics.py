"""Metrics of what was done, for OpenTelemetry: counted from the lines of the log, and sent by a thread of their own.

Off unless OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_METRICS_ENDPOINT names a receiver of OTLP over HTTP; the other variables
of OpenTelemetry's exporter serve too. Whatever is wrong with the receiver slows and fails nothing: what it did not take is lost.

A task is a process of its own that ends after seconds, so what is sent is what was added since the last time (delta temporality),
unless OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE says otherwise.
"""

import logging
import os
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import MeterProvider

logger = logging.getLogger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")
# Loaded where something is sent: they take a quarter of a second.
LIBRARIES = ("opentelemetry.exporter.otlp.proto.http.metric_exporter", "opentelemetry.sdk.metrics.export")
TIMEOUTS = ("OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT")
TIMEOUT = 3.0  # seconds for a receiver to answer, unless a variable says otherwise
INTERVAL = 10_000  # milliseconds between two exports, unless OTEL_METRIC_EXPORT_INTERVAL says otherwise
BUCKETS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)  # seconds


class Metric(NamedTuple):
    """A metric as it is sent; what it is called in Prometheus follows from name, unit and kind."""

    name: str
    kind: str  # "counter", "gauge" or "histogram"
    unit: str
    about: str


FILES = Metric("trust_benchmarks.files", "counter", "{file}", "Files, by what became of them")
ROWS = Metric("trust_benchmarks.rows", "counter", "{row}", "Rows of files, by what became of them")
FINDINGS = Metric("trust_benchmarks.findings", "counter", "{finding}", "Findings of validated files")
SECONDS = Metric("trust_benchmarks.duration", "histogram", "s", "How long a file or a release took, by step")
FAILURES = Metric("trust_benchmarks.failures", "counter", "{failure}", "What failed for us, by event of the log")
RELEASES = Metric("trust_benchmarks.releases", "counter", "{release}", "Releases, by what was done with them")
HELD_BACK = Metric("trust_benchmarks.releases.held_back", "gauge", "{release}", "Releases that a check holds back")
LOOKS = Metric("trust_benchmarks.looks", "counter", "{look}", "Looks at publishers, by outcome")
BACKLOG = Metric("trust_benchmarks.backlog", "gauge", "{file}", "Files that wait to be validated")
OLDEST = Metric("trust_benchmarks.backlog.age", "gauge", "s", "How long the oldest of them has waited")
CHECKS = Metric("trust_benchmarks.checks.failed", "gauge", "{check}", "Checks of the installation that failed, by what")


class Count(NamedTuple):
    """What an event of the log adds to a metric.

    Attributes:
        of: one, or the fact that says how many; labels: fixed ones; facts: label and the fact it is taken from.
    """

    metric: Metric
    of: int | str = 1
    labels: dict[str, str] = {}  # noqa: RUF012 - never changed
    facts: dict[str, str] = {"collection": "collection"}  # noqa: RUF012


OUTCOME = {"collection": "collection", "outcome": "state"}
EVENTS: dict[str, tuple[Count, ...]] = {
    "received": (Count(FILES, 1, {"outcome": "received"}), Count(SECONDS, "seconds", {"step": "receive"})),
    "again": (Count(FILES, 1, {"outcome": "received_again"}),),
    "validated": (
        Count(FILES, 1, {}, OUTCOME),
        Count(ROWS, "rows_recorded", {"outcome": "recorded"}),
        Count(ROWS, "rows_rejected", {"outcome": "rejected"}),
        Count(FINDINGS, "findings"),
        Count(SECONDS, "seconds", {"step": "validate"}),
    ),
    "made": (Count(RELEASES, 1, {"outcome": "made"}), Count(SECONDS, "seconds", {"step": "release"})),
    "switched": (Count(RELEASES, "changed", {"outcome": "published"}, {}),),
    "exported": (Count(RELEASES, 1, {"outcome": "exported"}), Count(SECONDS, "seconds", {"step": "export"})),
    "held_back": (Count(HELD_BACK, "releases", {}, {}),),
    "looked": (Count(LOOKS, 1, {}, {"source": "source", "outcome": "outcome"}),),
    "backlog": (Count(BACKLOG, "files"), Count(OLDEST, "oldest_seconds")),
    "examined": (Count(CHECKS, "failed", {}, {"about": "about"}),),
}


def is_on() -> bool:
    """Whether a receiver is named."""
    return any(os.environ.get(name) for name in ENDPOINTS) and os.environ.get("OTEL_SDK_DISABLED", "") != "true"


def counts_of(event: str, level: int) -> tuple[Count, ...]:
    """What an event of the log adds to; one that is an error is a failure, whatever it is called."""
    failure = (Count(FAILURES, 1, {"event": event}),) if level >= logging.ERROR else ()
    return EVENTS.get(event, ()) + failure


def record(event: str, facts: Mapping[str, object], level: int = logging.INFO) -> None:
    """Counts what an event of the log says; nothing for an event that is not counted."""
    for count in counts_of(event, level) if is_on() else ():
        value = count.of if isinstance(count.of, int) else facts.get(count.of)
        if not isinstance(value, int | float):
            continue
        labels = count.labels | {label: str(facts[fact]) for label, fact in count.facts.items() if fact in facts}
        instrument = _instrument(os.getpid(), count.metric)
        write = {"counter": "add", "gauge": "set", "histogram": "record"}[count.metric.kind]
        getattr(instrument, write)(value, labels)


def send() -> None:
    """Sends what was counted and not sent; takes as long as the receiver does."""
    if _provider.cache_info().currsize:
        _provider(os.getpid()).force_flush()


@cache
def _instrument(process: int, metric: Metric) -> Any:
    meter = _provider(process).get_meter("trust_benchmarks")
    given: dict[str, Any] = {"unit": metric.unit, "description": metric.about}
    if metric.kind == "histogram":
        given["explicit_bucket_boundaries_advisory"] = BUCKETS
    return getattr(meter, f"create_{metric.kind}")(metric.name, **given)


@cache
def _provider(process: int) -> "MeterProvider":  # by process: a thread that sends does not outlive a fork
    from opentelemetry.exporter.otlp.proto.http import metric_exporter  # noqa: PLC0415
    from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import (  # noqa: PLC0415
        AggregationTemporality,
        MetricExportResult,
        PeriodicExportingMetricReader,
    )
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415

    class Exporter(metric_exporter.OTLPMetricExporter):
        """Says once a process that the receiver did not answer, as a warning: an error in a task's log would be taken for the task's."""

        def export(self, *given: Any, **named: Any) -> MetricExportResult:
            done = super().export(*given, **named)
            if done is not MetricExportResult.SUCCESS:
                _say_unsent(process)
            return done

    metric_exporter._logger.setLevel(logging.CRITICAL)
    delta: dict[type, AggregationTemporality] | None = None
    if "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE" not in os.environ:
        delta = {Counter: AggregationTemporality.DELTA, Histogram: AggregationTemporality.DELTA}
    timeout = None if any(name in os.environ for name in TIMEOUTS) else TIMEOUT
    exporter = Exporter(timeout=timeout, preferred_temporality=delta)
    interval = float(os.environ.get("OTEL_METRIC_EXPORT_INTERVAL", INTERVAL))
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=interval)
    named = {} if "OTEL_SERVICE_NAME" in os.environ else {"service.name": "trust-benchmarks"}
    # What OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME say is added by the SDK.
    return MeterProvider([reader], resource=Resource.create(named), shutdown_on_exit=False)


@cache
def _say_unsent(process: int) -> None:
    logger.warning("The receiver of metrics did not take them; they are lost. This is said once a process.")
