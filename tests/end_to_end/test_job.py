"""The whole job on samples, in full size killed on the way: everything is found, nothing counts twice."""

import csv
import re

import flow
import pytest
from trust_benchmarks_local import services
from trust_benchmarks_local.run import DAGS
from worlds import new_world

pytestmark = [pytest.mark.timeout(1200)]

# Found by the rules between submissions, or a consequence of what was planted.
BESIDE = {"", "SUB01", "SUB02", "SUB03"}


def test_it_says_what_came_of_it_and_that_it_is_a_sample(sampled):
    job, said = sampled
    rows = job.query(
        "SELECT collection, period, count(*) FROM intake.submissions WHERE period IS NOT NULL GROUP BY 1, 2"
    )
    assert len(rows) >= 10
    for collection, period, _ in rows:
        assert re.search(period, said), (collection, period)
    assert "SAMPLE" in said and "http://127.0.0.1" in said and "dashboard_reader" in said
    assert "Traceback" not in said
    assert not job.processes()


@pytest.fixture(scope="module")
def kept(sampled):
    """The same job after it has ended, with its services up for all who ask them."""
    with services.running(sampled[0].state):
        yield sampled


def test_a_real_scheduler_ran_every_dag_that_dag_test_does_not(kept):
    """tests/dags/test_dags_run.py runs the others."""
    job, _ = kept
    runs = set(job.airflow("SELECT DISTINCT dag_id, state FROM dag_run"))
    assert {state for _, state in runs} == {"success"}
    [received] = job.queries(["SELECT DISTINCT collection FROM intake.submissions"])
    assert len(received) >= 5  # the sample has returns of some collections; the others have nothing to run for
    every = DAGS | {f"collect_{name}" for (name,) in received}
    assert every - {
        "refresh_reference",
        "send_digests",
        "send_messages",
        "housekeeping",
        "fetch_published",
        "watch_installation",
    } <= {dag_id for dag_id, _ in runs}
    requested = job.airflow("SELECT count(*) FROM dag_run WHERE run_id LIKE 'on_request_%'")
    assert requested[0][0] > 0


def test_the_metrics_of_short_tasks_arrive_before_their_processes_end(kept, measured):
    job, _ = kept
    states, [(releases,)] = job.queries(
        ["SELECT DISTINCT state FROM intake.submissions", "SELECT count(*) FROM core.current_release"]
    )
    counted = measured.sums("trust_benchmarks.files", "outcome")
    # A busy machine's receiver may be too slow for some; what was killed or is freed later is done twice.
    for (state,) in states:
        assert counted[(state,)] > 0, (state, counted)
    assert releases and measured.sums("trust_benchmarks.releases", "outcome")[("exported",)] > 0


def test_the_lineage_of_every_collection_is_told(kept, traced):
    job, _ = kept
    [collections] = job.queries(["SELECT DISTINCT collection FROM intake.submissions"])
    told = traced.events()
    jobs = {event["job"]["name"] for event in told if event["eventType"] == "COMPLETE"}
    steps = ("receive", "validate", "release", "export")
    assert jobs <= {f"{name}.{step}" for (name,) in collections for step in steps}
    assert len(jobs) > len(collections)  # of four times as many; a busy machine's receiver may be too slow for some
    tasks = {
        one["value"] for event in told for one in event["run"]["facets"]["tags"]["tags"] if one["key"] == "task_id"
    }
    assert {"check", "make", "export"} & tasks


def test_a_monitor_hears_that_files_are_received(kept, traced):
    assert set(traced.asked) == {"/beat"}


def test_every_submission_is_accounted_for(kept):
    job, _ = kept
    [(submissions, unchecked)], [(differ,)], [(released, counting)] = job.queries(
        [
            "SELECT count(*), count(*) FILTER (WHERE state = 'received') FROM intake.submissions",
            "SELECT count(*) FROM intake.submissions WHERE rows_read <> rows_recorded + rows_rejected + rows_held",
            """SELECT (SELECT count(*) FROM published.data_status WHERE release_id IS NOT NULL),
                      (SELECT count(DISTINCT (collection, period)) FROM intake.submissions WHERE is_current)""",
        ]
    )
    assert submissions > 50 and unchecked == 0 and differ == 0
    assert released == counting > 5


def test_the_tidy_table_has_each_figure_once_with_what_it_is_worth(kept):
    job, _ = kept
    [[(figures, measures, keys)], [(opportunities, worth)], [(newest, newest_keys)]] = job.queries(
        [
            """SELECT (SELECT count(*) FROM published.figures), (SELECT count(*) FROM published.measures),
                      (SELECT count(DISTINCT (collection, period, metric_id, provider_code)) FROM published.figures)""",
            """SELECT (SELECT sum(opportunity_gbp) FROM published.figures),
                      (SELECT sum(opportunity_gbp) FROM published.comparisons WHERE adds_to_total)""",
            "SELECT count(*), count(DISTINCT (collection, metric_id, provider_code)) FROM published.latest",
        ]
    )
    assert figures == measures == keys and newest == newest_keys > 0
    assert abs(opportunities - worth) <= 1e-9 * worth and worth > 0


def test_every_planted_fault_is_found_at_its_place(kept):
    job, _ = kept
    found, receipts = job.queries(
        [
            """SELECT s.file_name, f.rule_id, coalesce(f.line::text, ''), coalesce(f.column_name, '')
               FROM intake.findings f JOIN intake.submissions s USING (submission_id)""",
            "SELECT inbox_key FROM intake.receipts WHERE again",
        ]
    )
    with open(job.state / "sample" / "planted.csv", newline="") as lines:
        planted = [row for row in csv.DictReader(lines) if row["rule_id"] not in BESIDE]
    assert len(planted) > 60
    places = {(name, rule, line) for name, rule, line, _ in found}
    missed = [row for row in planted if (row["file"], row["rule_id"], row["line"]) not in places]
    # Last month's bytes under this month's name are a receipt for last month's submission: no second one to find faults in.
    again = {key.split("/")[1] for (key,) in receipts}
    assert len(again) >= 3 and {rule for _, rule, _, _ in found} >= {"SUB01", "SUB02", "SUB03"}
    assert [row for row in missed if row["file"] not in again] == []


def test_every_figure_says_that_it_is_a_sample(kept):
    job, _ = kept
    views = ("measures", "benchmarks", "data_status", "price_comparison", "price_list")
    counts = job.queries(
        [f"SELECT count(*), count(*) FILTER (WHERE is_sample) FROM published.{view}" for view in views]
    )
    for view, [(rows, samples)] in zip(views, counts, strict=True):
        assert rows == samples > 0, view


@pytest.mark.full  # tests/pipeline has the same without Airflow
def test_it_was_killed_and_yet_ends_as_the_stages_do_that_nobody_disturbed(sampled, services):
    """The stages run here one after the other, without Airflow, on the same files."""
    job, _ = sampled
    with new_world(services):
        with open(job.state / "sample" / "arrivals.csv", newline="") as lines:
            for row in csv.DictReader(lines):
                content = (job.state / "sample" / row["path"]).read_bytes()
                flow.put(row["path"], content, arrived=row["arrived_at"])
        flow.take_in()
        flow.release()
        undisturbed = flow.snapshot()
    assert len(undisturbed["intake.submissions"]) > 400 and len(undisturbed["published.measures"]) > 5000
    assert flow.differences(job.tables(), undisturbed) == {}
