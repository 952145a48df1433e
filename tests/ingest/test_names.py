"""What a file is about: content outranks the name, and what a token of a name cannot be says nothing."""

from datetime import UTC, datetime

import flow
import pytest
from trust_benchmarks.reading import findings
from trust_benchmarks.reading.identify import impossible, in_name
from trust_benchmarks.reading.read import read

AT = datetime(2025, 9, 10, tzinfo=UTC)
SAY_NOTHING = (
    "2025-07-03_workforce_RA9_2025-06.csv", "workforce_2024-25_RA9_2025-06.csv", "workforce_RA9_2025-13.csv", "workforce_FINAL_2025-06.csv",
    "workforce_DRAFT_2025-06.csv", "workforce_V10_2025-06.csv", "workforce_COPY2_2025-06.csv", "workforce_JUN25_2025-06.csv",
    "workforce_0207-946018.csv", "workforce_RA9_2052-06.csv", "workforce_RA9_1999-06.csv", "workforce_2025²06.csv", "RA9.csv",
    "workforce_RA9_2025-06 (2).csv", "workforce_ra9_Jun-25.csv", "workforce_RA9_202506.csv", "x" * 900 + ".csv", "a\nb\x00%s.csv",
)  # fmt: skip


@pytest.mark.parametrize("name", SAY_NOTHING)
def test_the_content_says_what_the_name_does_not(name):
    reading = read(flow.workforce(), name, "workforce", AT)
    assert (reading.period, reading.sender) == ("2025-06", "RA9")
    assert not [frame for frame in reading.findings if "hold" in frame["severity"]]


@pytest.mark.parametrize(
    ("name", "rule", "said"),
    [
        ("workforce_RA9_2025-05.csv", "FIL-PERIOD", ("2025-05", "2025-06")),
        ("workforce_RY8_2025-06.csv", "FIL-SENDER", ("RY8", "RA9")),
    ],
)
def test_a_real_contradiction_is_held_and_names_both(name, rule, said):
    reading = read(flow.workforce(), name, "workforce", AT)
    assert (reading.period, reading.sender) == ("2025-06", "RA9")
    ((found, severity, message),) = findings.join(reading.findings).select("rule_id", "severity", "message").rows()
    assert (found, severity) == (rule, "hold")
    assert all(one in message for one in said)


@pytest.mark.parametrize(
    ("collection", "period", "at", "possible"),
    [
        ("workforce", "2025-06", "2025-07-01T00:30:00+01:00", True),
        ("workforce", "2025-06", "2025-06-30T23:30:00+01:00", False),
        ("workforce", "2025-06", "2025-06-30T23:30:00+00:00", True),  # half past midnight in London
        ("workforce", "2024-02", "2025-07-01T12:00:00+01:00", False),
        ("drug_tariff", "2025-08", "2025-07-25T12:00:00+01:00", True),
        ("drug_tariff", "2025-09", "2025-07-25T12:00:00+01:00", False),
        ("estates", "2014-15", "2025-07-25T12:00:00+01:00", True),
        ("estates", "2025-26", "2026-03-31T12:00:00+01:00", False),
        ("corporate_services", "2025-26", "2026-04-01T12:00:00+01:00", True),
    ],
)
def test_a_period_must_have_ended_and_not_be_before_the_first(collection, period, at, possible):
    assert (impossible(collection, period, datetime.fromisoformat(at)) is None) == possible


def test_a_name_with_several_periods_says_none_of_them():
    said = in_name("drug_tariff", "drug_tariff_cat_m_2025-06_2025-07.csv", AT)
    assert said.periods == ("2025-06", "2025-07") and said.period is None
