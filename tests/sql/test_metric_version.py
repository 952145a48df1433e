"""A file of measures can ask which version of a definition the period that it computes follows."""

from dataclasses import replace
from datetime import date

import pytest
import sql_cases
from trust_benchmarks.measures import measure

ASKS = "SELECT 'WF04' AS metric_id, provider_code, metric_version('WF04') AS value FROM records WHERE body = 'provider'"


@pytest.mark.parametrize(("valid_from", "version"), [(date(1999, 1, 1), 2), (date(2099, 1, 1), 1)])
def test_the_version_is_that_of_the_period(monkeypatch, tmp_path, valid_from, version):
    real = measure._sql
    monkeypatch.setattr(measure, "_sql", lambda name: ASKS if name == "measures/sickness_absence" else real(name))
    inputs = sql_cases.inputs(sql_cases.FOLDER / "sickness_absence" / "other_bodies", tmp_path)
    known = inputs.reference
    second = [replace(m, version=2, valid_from=valid_from) for m in known.metrics if m.metric_id == "WF04"]
    made = replace(inputs, reference=replace(known, metric_versions=[*known.metric_versions, *second]))
    found = measure.compute(made).measures.filter(metric_id="WF04")
    assert set(found["value"].drop_nulls()) == {float(version)}
