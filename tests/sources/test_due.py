"""When a source is looked at again, by what its last look came to."""

from datetime import UTC, datetime, timedelta

import made
import publisher
import pytest
from nation import TARIFF, Nation
from trust_benchmarks.sources import due, fetch

NOW = datetime(2026, 9, 1, 10, tzinfo=UTC)
MINUTES, HOUR, DAY = timedelta(minutes=30), timedelta(hours=1), timedelta(days=1)
CLOSED = "out_of_area_placements/monthly"
TARIFF_VIII = "drug_tariff/viii_a"


@pytest.fixture
def nation(world, playing):
    return Nation(playing)


def put_oaps(nation, period, plan=None):
    """A month of the closed series, whose file comes or does what a plan says."""
    name = f"oaps-open-data-{made.month_name(period)[:3].lower()}-{period[:4]}.csv"
    file = {("Out of area placements open data", name): plan or made.oaps(period)}
    nation.put_issue("out_of_area_placements", period, file)


def test_a_source_that_was_never_looked_at_is_due(nation):
    assert {CLOSED, TARIFF_VIII} <= set(due.due(NOW))


def test_a_closed_series_is_asked_hourly_until_every_request_was_answered(nation):
    # A file that is broken matters more than one that did not come, and must not hide it.
    put_oaps(nation, "2024-01", publisher.status(404))
    put_oaps(nation, "2024-02", publisher.status(503))
    put_oaps(nation, "2024-03")
    assert (found := fetch.look(CLOSED, now=NOW)).outcome == "broken" and not found.fetched
    assert CLOSED not in due.due(NOW + MINUTES)
    assert CLOSED in due.due(NOW + HOUR)
    # The broken one stays broken. Everything was answered, and a person was told.
    put_oaps(nation, "2024-02")
    found = fetch.look(CLOSED, now=NOW + HOUR)
    assert (found.outcome, len(found.fetched)) == ("broken", 2)
    assert CLOSED not in due.due(NOW + 400 * DAY)


def test_a_late_source_is_asked_daily_and_hourly_while_it_does_not_answer(nation):
    late = datetime(2026, 9, 15, 10, tzinfo=UTC)
    for month in ("2026-07", "2026-08"):
        nation.put_tariff("viii_a", month, made.tariff_viii_a(month))
    assert fetch.look(TARIFF_VIII, now=late).outcome == "late"
    assert TARIFF_VIII not in due.due(late + HOUR)
    assert TARIFF_VIII in due.due(late + DAY)
    nation.tariff.plans[f"{TARIFF}/drug-tariff-part-viii"] = publisher.status(503)
    assert fetch.look(TARIFF_VIII, now=late + DAY).outcome == "late"
    assert TARIFF_VIII not in due.due(late + DAY + MINUTES)
    assert TARIFF_VIII in due.due(late + DAY + HOUR)


def test_a_release_that_is_due_is_asked_for_hourly(nation):
    day = datetime(2026, 8, 28, 12, tzinfo=UTC)
    for month in ("2026-07", "2026-08"):
        nation.put_tariff("viii_a", month, made.tariff_viii_a(month))
    assert fetch.look(TARIFF_VIII, now=day).outcome == "not_yet"
    assert TARIFF_VIII not in due.due(day + MINUTES)
    assert TARIFF_VIII in due.due(day + HOUR)
