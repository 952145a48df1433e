"""Why figures moved: late data, a resubmission, a correction, a waiver and a withdrawal each have their step, and the steps add up."""

from datetime import date, timedelta

import flow
import pytest
from trust_benchmarks.stewardship import decisions
from trust_benchmarks.stewardship.decisions import Draft
from trust_benchmarks.stores import warehouse

PERIOD = "2025-06"
STEPS = "SELECT step, cause, value_before, value_after FROM published.movements WHERE metric_id = %s AND provider_code = %s AND release_id = %s ORDER BY step"


@pytest.fixture
def month(world):
    """Seven of eight trusts have sent June."""
    for number, ods in enumerate(flow.TRUSTS[1:]):
        flow.put_return(ods, PERIOD, flow.workforce(ods, PERIOD, scale=1 + number / 10))
    flow.take_in()
    flow.release()
    return world


def current() -> str:
    return flow.value("SELECT release_id FROM core.standing WHERE period = %s", [PERIOD])


def steps(metric: str, provider: str) -> list[tuple]:
    return flow.rows(STEPS, [metric, provider, current()])


def decide(kind: str, sender: str, **more) -> None:
    submission = flow.value("SELECT submission_id FROM intake.submissions WHERE sender = %s AND is_newest", [sender])
    with warehouse.connect("steward_desk") as connection:
        number = decisions.decide(connection, Draft(kind, submission, "For a test.", **more), "amy")
        decisions.verdict(connection, number, "ben", True)


def test_the_first_release_moves_nothing(month):
    assert flow.value("SELECT count(*) FROM published.movements") == 0


def test_every_cause_has_its_step_and_the_steps_lead_from_the_old_value_to_the_new(month):
    before = dict(
        flow.rows("SELECT provider_code || metric_id, value FROM published.measures WHERE period = %s", [PERIOD])
    )
    first = current()
    flow.put_return("RA9", PERIOD, flow.workforce("RA9", PERIOD))  # late
    flow.put_return("RHA", PERIOD, flow.workforce("RHA", PERIOD, scale=2), version=2)  # sent again
    decide("hold", "RNU")  # withdrawn
    flow.take_in()
    flow.release()
    after = dict(
        flow.rows("SELECT provider_code || metric_id, value FROM published.measures WHERE period = %s", [PERIOD])
    )
    assert steps("WF01", "RA9") == [(1, "late data", None, after["RA9WF01"])]
    assert steps("WF01", "RHA") == [(2, "resubmission", before["RHAWF01"], after["RHAWF01"])]
    assert steps("WF01", "RNU") == [(3, "withdrawn submission", before["RNUWF01"], None)]
    assert steps("WF01", "RP7") == []
    moved = flow.rows(
        """SELECT provider_code || metric_id, array_agg(value_before ORDER BY step), array_agg(value_after ORDER BY step)
           FROM published.movements WHERE release_id = %s AND previous_release_id = %s GROUP BY 1""",
        [current(), first],
    )
    explained = {key: (befores[0], afters[-1]) for key, befores, afters in moved if befores[0] != afters[-1]}
    changed = {
        key: (before.get(key), after.get(key))
        for key in before.keys() | after.keys()
        if before.get(key) != after.get(key)
    }
    assert explained == changed
    for _, befores, afters in moved:  # each step begins where the one before it ended
        assert befores[1:] == afters[:-1]


def test_a_correction_and_a_waiver_are_told_apart(month):
    flow.put_return(
        "RHA", PERIOD, flow.workforce("RHA", PERIOD, change=lambda rows: rows[2].update(fte="500")), version=2
    )
    flow.take_in()
    flow.release()
    with warehouse.connect("steward_desk") as connection:
        submission = flow.value("SELECT submission_id FROM intake.submissions WHERE sender = 'RHA' AND version = 2")
        cells = decisions.cells_of(connection, submission, "WF-R1")
    decide("waive", "RHA", rule_id="WF-R1", cells=cells, until=date.today() + timedelta(days=9))
    flow.take_in()
    flow.release()
    assert [cause for _, cause, *_ in steps("WF01", "RHA")] == [
        "resubmission"
    ]  # the version that counts is another one
    decide("correct", "RHA", rule_id="WF-R1", cells=cells, new_value="108.0", value_source="A mail")
    flow.take_in()
    flow.release()
    assert [cause for _, cause, *_ in steps("WF01", "RHA")] == ["correction"]


def test_new_code_is_a_cause_of_its_own(month, monkeypatch):
    from trust_benchmarks.measures import measure, versions

    real = measure.compute

    def doubled(inputs, **more):
        from dataclasses import replace

        import polars as pl

        made = real(inputs, **more)
        twice = pl.when(pl.col("metric_id") == "WF01").then(2 * pl.col("value")).otherwise("value")
        return replace(made, measures=made.measures.with_columns(value=twice))

    before = flow.value("SELECT value FROM published.measures WHERE metric_id = 'WF01' AND provider_code = 'RHA'")
    monkeypatch.setattr(measure, "compute", doubled)
    monkeypatch.setattr(versions, "method_version", lambda collection: "another")
    flow.put_return("RA9", PERIOD, flow.workforce("RA9", PERIOD))
    flow.take_in()
    flow.release()
    assert steps("WF01", "RHA") == [(1, "code or definition", before, 2 * before)]
    assert [cause for _, cause, *_ in steps("WF01", "RA9")] == ["late data"]
