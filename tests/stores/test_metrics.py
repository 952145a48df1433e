"""Metrics say what the ledger says, whichever process counted, and a receiver that is down or hangs slows and fails nothing."""

import logging
import os
import re
import socket
import time
from pathlib import Path

import flow
import pytest
import receivers
import yaml
from trust_benchmarks.operations import alerts  # noqa: F401 (one of the rooms that log)
from trust_benchmarks.releases import export
from trust_benchmarks.sources import fetch  # noqa: F401
from trust_benchmarks.stores import log, metrics, telemetry

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


@pytest.fixture
def forget(monkeypatch):
    """No receiver is known from another test."""

    caches = (metrics._provider, metrics._instrument, metrics._say_unsent)

    def all_of_it():
        for made in caches:
            made.cache_clear()

    for name in (*metrics.ENDPOINTS, "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"):
        monkeypatch.delenv(name, raising=False)
    all_of_it()
    yield
    all_of_it()


@pytest.fixture
def received(forget, monkeypatch):
    with receivers.receiver() as one:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", one.url)
        yield one


def sent(received: receivers.Received, name: str, *labels: str) -> dict[tuple[str, ...], float]:
    telemetry.flush(20)
    return received.sums(f"trust_benchmarks.{name}", *labels)


def test_metrics_say_what_the_ledger_says(world, received):
    flow.put_return("RA9", "2025-06", flow.workforce("RA9", "2025-06"))
    flow.put_return("RHA", "2025-06", flow.workforce("RHA", "2025-06", change=lambda rows: rows[2].update(fte="x")))
    flow.put("workforce/again.csv", flow.workforce("RA9", "2025-06"))
    flow.put("workforce/nothing.csv", b"no table\n")
    said = flow.receive.receive()
    waits = sent(received, "backlog", "collection")
    flow.take_in()
    assert flow.build.make_each(flow.candidates.stale()) == []
    flow.switch.switch()
    export.export_missing()
    files = {
        **dict(flow.rows("SELECT state, count(*) FROM intake.submissions GROUP BY 1")),
        "received": said["received"],
        "received_again": said["again"],
    }
    counted = sent(received, "files", "collection", "outcome")
    assert counted == {("workforce", outcome): count for outcome, count in files.items()} and len(files) >= 4
    assert waits == {(name,): 2.0 * (name == "workforce") for name in flow.waiting.catalogue.all()}
    [(recorded, rejected)] = flow.rows("SELECT sum(rows_recorded), sum(rows_rejected) FROM intake.submissions")
    assert sent(received, "rows", "outcome") == {("recorded",): recorded, ("rejected",): rejected}
    assert sent(received, "findings", "collection") == {
        ("workforce",): flow.value("SELECT count(*) FROM intake.findings WHERE rule_id NOT LIKE 'SUB%'")
    }
    assert sent(received, "releases", "outcome") == {("made",): 1, ("published",): 1, ("exported",): 1}
    steps = sent(received, "duration", "step")
    assert steps == {("receive",): 3, ("validate",): 3, ("release",): 1, ("export",): 1}
    assert sent(received, "releases.held_back") == {(): 0}


def test_a_process_that_was_forked_sends_what_it_counted(received):
    log.line(metrics.logger, "failed", level=logging.ERROR, collection="parent")
    telemetry.flush(20)
    child = os.fork()
    if not child:
        log.line(metrics.logger, "failed", level=logging.ERROR, collection="child")
        telemetry.flush(20)
        os._exit(0)  # as a task of Airflow's ends
    os.waitpid(child, 0)
    assert sent(received, "failures", "collection") == {("parent",): 1, ("child",): 1}


def test_nothing_is_loaded_or_sent_where_no_receiver_is_named(forget):
    log.line(metrics.logger, "failed", level=logging.ERROR, collection="x")
    telemetry.flush()
    assert metrics._provider.cache_info().currsize == 0


@pytest.mark.parametrize("kind", ["refuses", "hangs", "is no address"])
def test_a_receiver_that_does_not_answer_slows_and_fails_nothing(forget, monkeypatch, caplog, kind):
    with socket.create_server(("127.0.0.1", 0)) as server:  # it hangs: nobody accepts
        url = f"http://127.0.0.1:{server.getsockname()[1]}" if kind != "is no address" else "nonsense"
        if kind == "refuses":
            server.close()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "50")
        log.line(metrics.logger, "failed", level=logging.ERROR, collection="x")  # what is loaded once is loaded
        began = time.monotonic()
        for _ in range(200):
            log.line(metrics.logger, "failed", level=logging.ERROR, collection="x")
        counted = time.monotonic() - began
        telemetry.flush(0.2)
        time.sleep(0.2 * (kind == "refuses"))
        assert caplog.text.count("did not take them") <= 1
        assert not [one for one in caplog.records if one.levelname == "ERROR" and one.name != metrics.logger.name]
        assert counted < 0.5 and time.monotonic() - began < counted + 0.7


def test_a_receiver_that_hangs_holds_up_one_process_a_minute(forget, monkeypatch, tmp_path):
    monkeypatch.setenv("TB_CACHE", str(tmp_path))
    monkeypatch.setattr(telemetry, "LAST", 0.6)
    monkeypatch.setattr(telemetry, "LITTLE", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        took = []
        for _ in range(3):
            log.line(metrics.logger, "failed", level=logging.ERROR, collection="x")
            began = time.monotonic()
            telemetry.flush()
            took.append(time.monotonic() - began)
        assert took[0] > 0.6 and max(took[1:]) < 0.5, took
        os.utime(tmp_path / ".telemetry-is-slow", (0, 0))  # a minute later
        assert not telemetry._is_slow()


def test_what_breaks_in_counting_is_said_once_and_stops_nothing(received, monkeypatch, caplog):
    monkeypatch.setattr(metrics, "_instrument", lambda *_: 1 / 0)
    monkeypatch.setattr(telemetry, "_broken", set())
    for _ in range(3):
        log.line(metrics.logger, "failed", level=logging.ERROR, collection="x")
    assert caplog.text.count("ZeroDivisionError") == 1


def in_prometheus(metric: metrics.Metric) -> set[str]:
    """What Prometheus calls it, by OpenTelemetry's rules for names, units and kinds."""
    name = metric.name.replace(".", "_") + {"s": "_seconds"}.get(metric.unit, "")
    if metric.kind == "histogram":
        return {f"{name}_bucket", f"{name}_sum", f"{name}_count"}
    return {f"{name}_total"} if metric.kind == "counter" else {name}


def test_the_dashboard_asks_for_what_is_sent_and_for_all_of_it():
    counted = [*metrics.EVENTS.values(), metrics.counts_of("not_made", logging.ERROR)]
    every = {count.metric for counts in counted for count in counts}
    known = {name: metric for metric in every for name in in_prometheus(metric)}
    labels = {
        metric: {
            label for counts in counted for one in counts if one.metric == metric for label in (*one.labels, *one.facts)
        }
        for metric in every
    }
    board = yaml.safe_load((DEPLOY / "grafana-dashboard.json").read_text())  # JSON is YAML
    asked = set()
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            names = re.findall(r"trust_benchmarks_\w+", target["expr"])
            assert names and set(names) <= set(known), target["expr"]
            asked |= {known[name] for name in names}
            may = set().union(*(labels[known[name]] for name in names)) | {"le", "job"}
            by = {
                label for group in re.findall(r"by \(([^)]*)\)", target["expr"]) for label in re.split(r",\s*", group)
            }
            chosen = set(re.findall(r"(\w+)=~?\"", target["expr"]))
            shown = set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", "")))
            assert by | chosen | shown <= may, (target, may)
    assert asked == every


def test_the_collector_hands_prometheus_what_is_sent():
    """The shipped configuration adds up what is sent as increments, and keeps gauges until the next look at the inbox."""
    made = yaml.safe_load((DEPLOY / "otel-collector.yaml").read_text())
    pipeline = made["service"]["pipelines"]["metrics"]
    assert "deltatocumulative" in pipeline["processors"] and pipeline["exporters"] == ["prometheus"]
    assert made["exporters"]["prometheus"]["metric_expiration"] == "30m"
    for part in ("receivers", "processors", "exporters"):
        assert set(pipeline[part]) <= set(made[part])
