"""Lineage tells the way from inbox to exports, and a receiver that is down or hangs slows and fails nothing."""

import os
import socket
import time
from collections import defaultdict

import flow
import pytest
import receivers
from trust_benchmarks.releases import export
from trust_benchmarks.stores import lineage, log, telemetry


@pytest.fixture
def forget(monkeypatch):
    """No receiver is known from another test."""
    for name in [name for name in os.environ if name.startswith("OPENLINEAGE")]:
        monkeypatch.delenv(name)

    def all_of_it():
        for made in (lineage._client, lineage._sender, lineage._say_unsent, lineage._datasets):
            made.cache_clear()
        lineage._runs.clear()

    all_of_it()
    before = dict(os.environ)
    yield
    for name in set(os.environ) - set(before):  # the client writes what it makes of OPENLINEAGE_URL into it
        del os.environ[name]
    all_of_it()


@pytest.fixture
def received(forget, monkeypatch):
    with receivers.receiver() as one:
        monkeypatch.setenv("OPENLINEAGE_URL", one.url)
        yield one


def test_the_way_from_inbox_to_exports_is_told(world, received, monkeypatch):
    monkeypatch.setattr(lineage, "INTERVAL", 60)
    monkeypatch.setenv("AIRFLOW_CTX_DAG_ID", "collect_workforce")
    for ods in ("RA9", "RHA"):
        flow.put_return(ods, "2025-06", flow.workforce(ods, "2025-06"))
    flow.take_in()
    assert flow.build.make_each(flow.candidates.stale()) == []
    flow.switch.switch()
    export.export_missing()
    telemetry.flush(20)
    told = received.events()
    by_run = defaultdict(list)
    for event in told:
        by_run[event["run"]["runId"]].append(event["eventType"])
        assert event["producer"].startswith("urn:trust-benchmarks:") and event["eventTime"] and event["schemaURL"]
        tags = {one["key"]: one["value"] for one in event["run"]["facets"]["tags"]["tags"]}
        assert tags.items() >= {"period": "2025-06", "dag_id": "collect_workforce"}.items()
    assert all(states == ["START", "COMPLETE"] for states in by_run.values()) and len(by_run) == len(told) / 2
    ended = {event["job"]["name"]: event for event in told if event["eventType"] == "COMPLETE"}
    ways = {name: (_names(event["inputs"]), _names(event["outputs"])) for name, event in ended.items()}
    host = world["TB_WAREHOUSE_URL"].split("@")[1]
    table = f"postgres://{host.split('/')[0]} {host.split('/')[1]}.published."
    published = {f"{table}measures", f"{table}benchmarks"}
    inbox, records, exports = (
        f"s3://{world[f'TB_BUCKET_{name}']} workforce" for name in ("INBOX", "RECORDS", "EXPORTS")
    )
    assert ways == {
        "workforce.receive": ({inbox}, {f"{table.removesuffix('published.')}intake.submissions"}),
        "workforce.validate": ({inbox}, {records}),
        "workforce.release": ({records}, published),
        "workforce.export": (published, {exports}),
    }
    read = ended["workforce.validate"]["inputs"][0]["inputFacets"]["inputStatistics"]
    assert (read["fileCount"], read["rowCount"]) == (2, 20)
    assert _wrote(ended["workforce.validate"]) == 20
    assert _wrote(ended["workforce.release"]) == flow.value("SELECT count(*) FROM published.measures")
    release = flow.value("SELECT release_id FROM published.data_status WHERE release_id IS NOT NULL")
    assert {one["facets"]["version"]["datasetVersion"] for one in ended["workforce.release"]["outputs"]} == {release}


def _names(datasets) -> set[str]:
    return {f"{one['namespace']} {one['name']}" for one in datasets}


def _wrote(event) -> int:
    counts = [one.get("outputFacets", {}).get("outputStatistics") for one in event["outputs"]]
    return next(one["rowCount"] for one in counts if one)


def test_a_release_that_could_not_be_made_is_a_run_that_failed(world, received):
    log.line(lineage.logger, "not_made", collection="workforce", period="2025-06", problem="ValueError: no rows")
    telemetry.flush(20)
    start, end = received.events()
    assert (start["eventType"], end["eventType"]) == ("START", "FAIL")
    assert end["run"]["facets"]["errorMessage"]["message"] == "ValueError: no rows"


def test_a_process_that_was_forked_tells_what_it_did(world, received):
    log.line(lineage.logger, "received", collection="parent", period="2025-06", bytes=1)
    child = os.fork()
    if not child:
        log.line(lineage.logger, "received", collection="child", period="2025-06", bytes=1)
        telemetry.flush(20)
        os._exit(0)
    os.waitpid(child, 0)
    telemetry.flush(20)
    names = sorted(event["job"]["name"] for event in received.events())
    assert names == ["child.receive"] * 2 + ["parent.receive"] * 2


def test_nothing_is_kept_where_no_receiver_is_named(forget):
    log.line(lineage.logger, "received", collection="workforce", period="2025-06")
    assert lineage._runs == {} and lineage._sender.cache_info().currsize == 0


@pytest.mark.parametrize("kind", ["refuses", "hangs", "is no address"])
def test_a_receiver_that_does_not_answer_slows_and_fails_nothing(world, forget, monkeypatch, caplog, kind):
    monkeypatch.setattr(lineage, "INTERVAL", 0.05)
    monkeypatch.setattr(telemetry, "_broken", set())
    with socket.create_server(("127.0.0.1", 0)) as server:  # it hangs: nobody accepts
        url = f"http://127.0.0.1:{server.getsockname()[1]}" if kind != "is no address" else "nonsense"
        if kind == "refuses":
            server.close()
        monkeypatch.setenv("OPENLINEAGE_URL", url)
        began = time.monotonic()
        for _ in range(200):
            log.line(lineage.logger, "validated", collection="workforce", period="2025-06", rows_read=1, seconds=0.1)
        noted = time.monotonic() - began
        telemetry.flush(0.2)
        assert noted < 0.3 and time.monotonic() - began < noted + 0.6
        assert "ERROR" not in caplog.text
