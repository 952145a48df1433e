"""Profiles: what they say of a submission, that they are the same everywhere, and that they are stored with its validation."""

import time

import flow
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from trust_benchmarks.measures import profiles
from trust_benchmarks.reading.read import read
from trust_benchmarks.validation import profile
from trust_benchmarks.validation.validate import validate
from trust_benchmarks_local import sample


def looks(rows: list[dict]) -> dict[str, dict]:
    outcome = validate(read(flow.text(rows), f"workforce_RA9_{rows[0]['period']}_v1.csv", "workforce"))
    return {row["column_name"]: row for row in profile.of(outcome.records, "workforce").to_dicts()}


def test_what_a_profile_says():
    found = looks(flow.workforce_rows())
    assert found["ods_code"]["patterns"] == '[["AA9", 1.0]]' and found["ods_code"]["recognised"] == 1.0
    head = found["headcount"]
    assert (head["rows"], head["filled"], head["distinct_values"]) == (10, 10, 10)
    assert [head[name] for name in ("minimum", "lower_quartile", "median", "upper_quartile", "maximum", "total")] == [
        100, 120, 140, 160, 190, 1450,
    ]  # fmt: skip
    assert found["community_contacts"]["filled"] == 0 and found["community_contacts"]["median"] is None
    assert len(found["(keys)"]["sketch"]) == len(found["(rows)"]["sketch"]) == 10


def test_sketches_tell_how_much_two_submissions_share():
    rows = flow.workforce_rows()
    later = [row | {"period": "2025-07"} for row in rows]
    later[0] = later[0] | {"joiners_hc": "3"}
    one, two = looks(rows), looks(later)
    assert one["(keys)"]["sketch"] == two["(keys)"]["sketch"]
    same = [a == b for a, b in zip(one["(rows)"]["sketch"], two["(rows)"]["sketch"], strict=True)]
    assert same.count(False) == 1


def test_hashes_are_the_same_for_ever():
    """Computed once; another number here would make every stored sketch worthless."""
    assert profile.hashes(pl.Series(["RY8", "", "\N{LATIN SMALL LETTER E WITH ACUTE}"])).tolist() == HASHES
    many = pl.Series([f"{n}" for n in range(120_000)])
    assert profile.hashes(many)[100_003] == profile.hashes(pl.Series(["100003"]))[0]
    assert len(set(profile.hashes(many).tolist())) == 120_000


def test_nothing_has_no_profile():
    outcome = validate(read(flow.workforce(), "workforce_RA9_2025-06_v1.csv", "workforce"))
    assert profile.of(outcome.records.clear(), "workforce").equals(profile.empty())
    assert list(profiles.empty().columns) == ["submission_id", *profile.COLUMNS]


@pytest.mark.parametrize("collection", ["workforce", "e_rostering", "procurement_prices", "drug_tariff"])
def test_a_small_return_is_looked_at_in_another_way_and_says_the_same(collection, tmp_path, monkeypatch):
    sample.write(tmp_path, providers=3, periods=1, lines=150, faults=False)
    files = sorted((tmp_path / collection).glob("*.*"))[:3]
    frames = [validate(read(file.read_bytes(), file.name, collection)).records for file in files]
    small = [profile.of(records, collection) for records in frames]
    monkeypatch.setattr(profile, "FEW", 0)
    monkeypatch.setattr(profile, "FEW_TEXTS", 0)
    assert any(records.height for records in frames)
    for records, found in zip(frames, small, strict=True):
        assert_frame_equal(found, profile.of(records, collection))


def test_a_small_return_costs_a_few_milliseconds():
    records = validate(read(flow.workforce(), "workforce_RA9_2025-06_v1.csv", "workforce")).records
    profile.of(records, "workforce")
    spent = []
    for _ in range(5):
        begun = time.process_time()
        profile.of(records, "workforce")
        spent.append(time.process_time() - begun)
    assert min(spent) < 0.02


def test_profiles_are_stored_with_the_validation_and_reach_the_release(world):
    for month in ("2025-05", "2025-06"):
        flow.put_return("RA9", month, flow.workforce("RA9", month))
    flow.take_in()
    stored = flow.rows(
        "SELECT column_name, median FROM intake.profiles WHERE column_name IN ('fte', 'headcount') ORDER BY 1, 2"
    )
    assert stored == [("fte", 126.0), ("fte", 126.0), ("headcount", 140.0), ("headcount", 140.0)]
    assert (
        flow.value("SELECT count(*) FROM core.profile WHERE column_name = '(keys)' AND cardinality(sketch) = 10") == 2
    )
    flow.release()
    # Days available follow the month, so of the ten rows none says the same.
    assert flow.value("SELECT count(*) FROM core.cross_finding WHERE rule_id LIKE 'PROF%'") == 0


HASHES = [899719280693736457, -2824740416673251357, -7013978283983733088]
