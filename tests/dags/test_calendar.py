"""The timetable of the collections: periods as partition keys, the same for every way in which a run begins."""

import pytest

from . import scripts
from .scripts import CHECKOUT, airflow_environment


@pytest.fixture(scope="module")
def facts(tmp_path_factory) -> dict:
    """What calendar_facts.py was told."""
    own = airflow_environment(tmp_path_factory.mktemp("airflow"))
    return scripts.run("FACTS", "calendar_facts.py", CHECKOUT / "plugins", environment=own)


def test_a_month_is_collected_when_it_is_over_by_london_time(facts):
    assert facts["month"]["scheduled"] == [
        ["2026-03-01T00:00:00+00:00", "2026-02"],
        ["2026-04-01T00:00:00+01:00", "2026-03"],  # summer time began on 29 March
        ["2026-05-01T00:00:00+01:00", "2026-04"],
    ]


def test_a_financial_year_is_collected_when_it_is_over(facts):
    assert facts["financial_year"]["scheduled"] == [
        ["2026-04-01T00:00:00+01:00", "2025-26"],
        ["2027-04-01T00:00:00+01:00", "2026-27"],
        ["2028-04-01T00:00:00+01:00", "2027-28"],
    ]


def test_a_backfill_names_the_same_periods(facts):
    assert facts["month"]["backfills"] and facts["financial_year"]["backfills"]
    assert facts["financial_year"]["backfilled"] == ["2016-17", "2017-18"]
    assert facts["month"]["backfilled"][0] == "2016-03" and facts["month"]["backfilled"][-1] == "2017-04"
    assert len(facts["month"]["backfilled"]) == 14


@pytest.mark.parametrize(
    "frequency, first", [("month", "2025-06-01T00:00:00+01:00"), ("financial_year", "2016-04-01T00:00:00+01:00")]
)
def test_a_run_by_hand_and_one_for_arrivals_are_about_the_same_moment(facts, frequency, first):
    assert facts[frequency]["by_hand"] == facts[frequency]["by_arrival"] == first


def test_a_key_that_is_no_period_is_refused_with_an_example(facts):
    for frequency, example in (("month", "2025-06"), ("financial_year", "2016-17")):
        for wrong, words in facts[frequency]["refused"].items():
            assert wrong in words and example in words
