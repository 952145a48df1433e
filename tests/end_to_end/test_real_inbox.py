"""The whole job on real published files: the publisher's own figures come out, and the damaged file stays out."""

import csv
from decimal import ROUND_HALF_UP, Decimal

import pytest

# tests/pipeline/test_pipeline_real.py has the same files without Airflow.
pytestmark = [pytest.mark.timeout(1200), pytest.mark.full]

PROVIDERS = {"Acute", "Ambulance", "Mental Health", "Community Provider Trust"}


def published_rates(shared_data):
    """(organisation, month) -> rate, as the publisher gives it, for providers; and how many rows are about others."""
    rates, others = {}, 0
    for path in sorted((shared_data / "workforce").glob("sickness_absence_2024-*.csv")):
        with open(path, encoding="utf-8-sig", newline="") as lines:
            for row in csv.DictReader(lines):
                if row["ORG_TYPE"] in PROVIDERS:
                    _, month, year = row["DATE"].split("/")
                    rates[row["ORG_CODE"], f"{year}-{month}"] = Decimal(row["SICKNESS_ABSENCE_RATE_PERCENT"])
                else:
                    others += 1
    return rates, others


def test_sickness_rates_equal_the_publishers(standing, shared_data):
    rates, others = published_rates(shared_data)
    rows = standing.query(
        "SELECT provider_code, period, value FROM published.measures WHERE metric_id = 'WF04' AND collection = 'sickness_absence' AND value IS NOT NULL"
    )
    ours = {
        (code, period): Decimal(repr(value)).quantize(Decimal("0.01"), ROUND_HALF_UP) for code, period, value in rows
    }
    assert len(rates) == 2050
    assert ours.keys() == rates.keys()
    assert {place: (ours[place], rates[place]) for place in rates if ours[place] != rates[place]} == {}
    assert standing.query("SELECT sum(rows)::int FROM published.kept_apart WHERE collection = 'sickness_absence'") == [
        (others,)
    ]


def test_the_damaged_file_is_held_and_the_sound_ones_are_accepted(standing):
    rows = standing.query(
        "SELECT file_name, state, rows_read, rows_recorded FROM intake.submissions WHERE collection = 'estates'"
    )
    held = [row for row in rows if row[1] == "held"]
    assert [(name, recorded) for name, _, _, recorded in held] == [("eric_2016-17_trust_broken_thousands.csv", 0)]
    assert len(rows) == 6 and all(state.startswith("accepted") for _, state, _, _ in rows if state != "held")
    findings = standing.query(
        """SELECT f.line, f.column_name, f.message FROM intake.findings f JOIN intake.submissions s USING (submission_id)
           WHERE s.file_name LIKE '%broken%' AND f.severity = 'hold'"""
    )
    assert findings[0][0] == 3 and "Capital investment for improving existing buildings" in findings[0][1]
    assert "thousands" in findings[0][2]


def test_nothing_real_is_called_a_sample(standing):
    assert "sample" not in standing.said.lower().replace("sampled", "")
    assert standing.query("SELECT count(*) FROM intake.submissions WHERE is_sample") == [(0,)]
    assert standing.query("SELECT count(*) FROM published.measures WHERE is_sample") == [(0,)]
