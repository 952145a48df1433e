"""Bar 2: the published sickness files through the real stores give the publisher's own rates, and every row is accounted for."""

import csv
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal

import flow
import pytest

MONTHS = tuple(f"2024-{month:02}" for month in range(4, 13))
PROVIDERS = ("Acute", "Ambulance", "Mental Health", "Community Provider Trust")


@pytest.fixture(scope="module")
def files(shared_data):
    """month -> rows of the published file, by the csv module."""
    found = {}
    for month in MONTHS:
        with (shared_data / "workforce" / f"sickness_absence_{month}.csv").open(
            encoding="utf-8-sig", newline=""
        ) as lines:
            found[month] = list(csv.DictReader(lines))
    return found


@pytest.fixture(scope="module", autouse=True)
def published(shared_world, shared_data, files):
    """The nine files, taken in and published."""
    for month in MONTHS:
        name = f"sickness_absence_{month}.csv"
        flow.put(f"sickness_absence/{name}", (shared_data / "workforce" / name).read_bytes())
    assert flow.take_in()["received"] == len(MONTHS)
    assert flow.release() == [("sickness_absence", month) for month in MONTHS]


def split(files):
    """(rows about providers, rows about other bodies) that hold an organisation, each (month, row)."""
    rows = [(month, row) for month in MONTHS for row in files[month] if row["ORG_TYPE"]]
    return [r for r in rows if r[1]["ORG_TYPE"] in PROVIDERS], [r for r in rows if r[1]["ORG_TYPE"] not in PROVIDERS]


def test_every_published_rate_is_ours_to_its_two_decimals(files):
    theirs = {(month, row["ORG_CODE"]): Decimal(row["SICKNESS_ABSENCE_RATE_PERCENT"]) for month, row in split(files)[0]}
    found = flow.rows(
        """SELECT period, provider_code, value, numerator, denominator FROM published.measures
           WHERE metric_id = 'WF04' AND collection = 'sickness_absence'"""
    )
    ours = {
        (period, code): Decimal(repr(value)).quantize(Decimal("0.01"), ROUND_HALF_UP)
        for period, code, value, *_ in found
    }
    assert len(found) == len(ours) == len(theirs) > 1800
    assert {key: (ours.get(key), theirs.get(key)) for key in ours | theirs if ours.get(key) != theirs.get(key)} == {}


def test_days_are_those_of_the_file_to_six_decimals(files):
    theirs = {
        # The publisher's texts carry the noise of its own sums, such as 47349.856869999996; sums here keep six decimals.
        (m, r["ORG_CODE"]): (round(float(r["FTE_DAYS_LOST"]), 6), round(float(r["FTE_DAYS_AVAILABLE"]), 6))
        for m, r in split(files)[0]
    }
    found = flow.rows(
        "SELECT period, provider_code, numerator, denominator FROM published.measures WHERE metric_id = 'WF04'"
    )
    assert {(m, code): (lost, days) for m, code, lost, days in found} == theirs


def test_other_bodies_are_kept_apart_and_counted(files):
    theirs = Counter((month, row["ORG_CODE"], row["ORG_NAME"], row["ORG_TYPE"]) for month, row in split(files)[1])
    found = flow.rows("SELECT period, body_code, body_name, body_type, rows FROM published.kept_apart")
    assert {tuple(row[:4]): row[4] for row in found} == dict(theirs)
    measured = {code for (code,) in flow.rows("SELECT DISTINCT provider_code FROM published.measures")}
    assert measured.isdisjoint({code for _, code, _, _ in theirs})


def test_every_row_is_accounted_for(files):
    found = flow.rows(
        "SELECT period, rows_read, rows_recorded, rows_rejected, rows_held, rows_set_aside, state, is_sample FROM intake.submissions ORDER BY 1"
    )
    assert [row[0] for row in found] == list(MONTHS)
    for month, read, recorded, rejected, held, aside, state, is_sample in found:
        assert (read, recorded, rejected, held) == (read, read, 0, 0)
        # What follows the last organisation is blank lines and a note; those that hold a word were set aside.
        assert read == sum(bool(row["ORG_TYPE"]) for row in files[month])
        assert aside == sum(bool(row["DATE"]) and not row["ORG_TYPE"] for row in files[month])
        assert state in ("accepted", "accepted_with_warnings")
        assert not is_sample
    assert flow.rows("SELECT count(*) FROM published.data_status WHERE NOT is_sample AND coverage = 1") == [(9,)]


def test_nothing_real_is_called_a_sample():
    assert flow.rows("SELECT DISTINCT is_sample FROM published.measures") == [(False,)]
    assert flow.rows("SELECT DISTINCT is_sample FROM published.benchmarks") == [(False,)]
