"""A definition that changes is a new version: figures of earlier periods keep theirs, and what a figure follows can be asked."""

from dataclasses import replace
from datetime import date

import flow
import pytest
from trust_benchmarks import reference
from trust_benchmarks.ingest import reference_load
from trust_benchmarks.reference import ReferenceDataError

MONTHS = ("2025-06", "2025-07")


def load_instead(monkeypatch, **changes):
    """Reference data in which WF02 has a second version from July on."""
    known = reference.load()
    first = next(m for m in known.metrics if m.metric_id == "WF02")
    second = replace(
        first, version=2, valid_from=date(2025, 7, 1), unit="FTE per 100", formula="100*sum(fte)/sum(headcount)"
    )
    versions = [*(replace(m, **changes) if m is first else m for m in known.metric_versions), second]
    made = replace(known, metric_versions=versions)
    monkeypatch.setattr(reference, "load", lambda: made)
    monkeypatch.setattr(reference, "version", lambda: f"another {changes}")


def test_each_period_keeps_its_version(shared_world, monkeypatch):
    flow.put_return("RA9", MONTHS[0], flow.workforce("RA9", MONTHS[0]))
    flow.take_in()
    flow.release()
    used = "SELECT period, metric_id, version FROM published.definitions_used WHERE metric_id IN ('WF01', 'WF02') ORDER BY 1, 2"
    before = flow.value("SELECT now()")
    assert flow.rows(used) == [("2025-06", "WF01", 1), ("2025-06", "WF02", 1)]
    load_instead(monkeypatch)
    reference_load.refresh()
    flow.put_return("RA9", MONTHS[1], flow.workforce("RA9", MONTHS[1]))
    flow.take_in()
    assert {period for _, period in flow.release()} == set(MONTHS)  # June anew, for the reference data changed
    assert flow.rows(used) == [
        ("2025-06", "WF01", 1), ("2025-06", "WF02", 1), ("2025-07", "WF01", 1), ("2025-07", "WF02", 2),
    ]  # fmt: skip
    units = "SELECT period, unit FROM published.measures WHERE metric_id = 'WF02' AND provider_code = 'RA9' ORDER BY 1"
    assert flow.rows(units) == [("2025-06", "ratio"), ("2025-07", "FTE per 100")]
    every = "SELECT version, unit, valid_from FROM published.{} WHERE metric_id = 'WF02' ORDER BY 1"
    new = (2, "FTE per 100", date(2025, 7, 1))
    assert flow.rows(every.format("metrics")) == [new]
    assert flow.rows(every.format("metric_versions")) == [(1, "ratio", None), new]
    assert flow.rows("SELECT DISTINCT period FROM published.definitions_used_as_at(%s)", [before]) == [("2025-06",)]


def test_a_definition_that_changes_without_a_version_is_refused(shared_world, monkeypatch):
    there = "SELECT count(*), min(formula) FILTER (WHERE metric_id = 'WF02') FROM published.metric_versions"
    before = flow.rows(there)
    load_instead(monkeypatch, formula="sum(headcount)/sum(fte)")
    with pytest.raises(
        ReferenceDataError, match=r"version 1 of WF02 was formula 'sum\(fte\)/sum\(headcount\)'.*as version 2"
    ):
        reference_load.refresh()
    assert flow.rows(there) == before
    known = reference.load()
    monkeypatch.setattr(reference, "load", lambda: replace(known, metric_versions=known.metric_versions[1:]))
    with pytest.raises(ReferenceDataError, match=r"version 1 of \w+ is gone"):
        reference_load.refresh()
