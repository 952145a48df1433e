"""Finance and oversight: made-up returns, and the finance score by three ways: schema, SQL, and plain Python."""

import itertools
from fractions import Fraction
from pathlib import Path

import duckdb
import polars as pl
import pytest
from trust_benchmarks import reference, sql
from trust_benchmarks.measures import measure
from trust_benchmarks.reading.read import read
from trust_benchmarks.schemas import finance_oversight as schema
from trust_benchmarks.validation.validate import validate

FOLDER = Path(__file__).parent
VALID = "finance_oversight_RY8_2025-06.csv"
# Values on, just below and just above each bound of the five components (the pounds below make the ratios).
CAPACITY = ["2.51", "2.5", "1.75", "1.74", "1.25", "1.24"]
LIQUIDITY = ["0.1", "0", "-7", "-7.1", "-14", "-14.1"]
SURPLUS = ["1000001", "1000000", "0", "-1", "-999999", "-1000000"]  # of 100 million
PLAN = ["0", "1000000", "1000001", "2000000"]
AGENCY = ["100", "125", "126", "150", "151"]  # of a ceiling of 100


def outcome(name=VALID, **changed):
    content = (FOLDER / name).read_text()
    head, row = content.splitlines()
    cells = dict(zip(head.split(","), row.split(","), strict=True)) | changed
    return validate(read(f"{head}\n{','.join(cells.values())}\n".encode(), VALID, "finance_oversight"))


def test_the_valid_return_is_accepted():
    found = outcome()
    assert (found.state, found.findings.to_dicts()) == ("accepted", [])
    assert (found.reading.period, found.reading.sender) == ("2025-06", "RY8")


def test_a_score_that_does_not_follow_is_a_warning_at_its_place():
    found = outcome("finance_oversight_RY8_2025-06_broken.csv")
    assert found.state == "accepted_with_warnings"
    assert found.findings.select("rule_id", "line", "column_name").rows() == [("FN-R3", 2, "finance_score")]
    says = found.findings["message"][0]
    assert "which make 4: capital service 4, liquidity 3, margin 4, distance from plan 4, agency 3" in says


@pytest.mark.parametrize(
    ("changed", "rule", "state"),
    [
        ({"finance_score": ""}, None, "accepted"),
        ({"finance_score": "5"}, "VAL-RANGE", "held"),
        ({"sof_segment": ""}, "VAL-MISSING", "held"),
        ({"income_ytd_gbp": "0"}, "VAL-RANGE", "held"),
        ({"agency_ceiling_ytd_gbp": "0"}, "VAL-RANGE", "held"),
        ({"surplus_ytd_gbp": "12000000"}, "FN-R4", "accepted_with_warnings"),
        ({"liquidity_days": "121"}, "VAL-UNUSUAL", "accepted_with_warnings"),
        ({"period": "2025-07"}, "FIL-PERIOD", "held"),
    ],
)
def test_faults_are_said(changed, rule, state):
    found = outcome(**changed)
    assert found.state == state
    assert rule is None or rule in found.findings["rule_id"].to_list()


def by_hand(capacity, liquidity, surplus, plan, agency):
    """The score in exact fractions, written from the words of the domain brief."""
    margin = Fraction(int(surplus), 10**6)
    distance = margin - Fraction(int(plan), 10**6)
    over = Fraction(int(agency)) - 100
    capacity, liquidity = Fraction(capacity), Fraction(liquidity)
    parts = [
        1
        if capacity > Fraction("2.5")
        else 2
        if capacity >= Fraction("1.75")
        else 3
        if capacity >= Fraction("1.25")
        else 4,
        1 if liquidity > 0 else 2 if liquidity >= -7 else 3 if liquidity >= -14 else 4,
        1 if margin > 1 else 2 if margin >= 0 else 3 if margin > -1 else 4,
        1 if distance >= 0 else 2 if distance >= -1 else 3 if distance > -2 else 4,
        1 if over <= 0 else 2 if over <= 25 else 3 if over <= 50 else 4,
    ]
    return max(3, round(Fraction(sum(parts), 5))) if 4 in parts else round(Fraction(sum(parts), 5))


@pytest.mark.full
def test_the_score_three_ways(tmp_path):
    """Every combination of values on and beside the bounds, a made-up trust each."""
    combinations = list(itertools.product(CAPACITY, LIQUIDITY, SURPLUS, PLAN, AGENCY))
    rows = [
        {
            "submission_id": f"s{i}", "provider_code": f"P{i}", "body": "provider", "sheet": None, "line": 2,
            "ods_code": f"P{i}", "period": "2025-06", "income_ytd_gbp": 1e8, "surplus_ytd_gbp": float(surplus),
            "plan_income_ytd_gbp": 1e8, "plan_surplus_ytd_gbp": float(plan), "capital_service_capacity": float(capacity),
            "liquidity_days": float(liquidity), "agency_spend_ytd_gbp": float(agency), "agency_ceiling_ytd_gbp": 100.0,
            "cip_plan_ytd_gbp": 0.0, "cip_actual_ytd_gbp": 5.0, "finance_score": None, "sof_segment": 1,
        }
        for i, (capacity, liquidity, surplus, plan, agency) in enumerate(combinations)
    ]  # fmt: skip
    frame = pl.DataFrame(rows, schema_overrides={"sheet": pl.String, "finance_score": pl.Int64})
    wanted = [by_hand(*combination) for combination in combinations]
    assert len(wanted) == 4320 and set(wanted) == {1, 2, 3, 4}
    assert frame.select(found=schema.score("2025-06"))["found"].to_list() == wanted
    submissions = [
        dict.fromkeys(measure.SUBMISSIONS)
        | {
            "collection": "finance_oversight", "period": "2025-06", "provider_code": f"P{i}", "sender": f"P{i}",
            "submission_id": f"s{i}", "state": "accepted", "version": 1, "is_current": True, "on_time": True,
        }
        for i in range(len(rows))
    ]  # fmt: skip
    found = {}
    for at in range(0, len(rows), 480):  # as many trusts as there are at most: each is a peer of every other
        frame.slice(at, 480).write_parquet(tmp_path / "records.parquet")
        results = measure.compute(
            measure.Inputs(
                "finance_oversight",
                "2025-06",
                {"finance_oversight": [tmp_path / "records.parquet"]},
                pl.DataFrame(submissions[at : at + 480], schema=measure.SUBMISSIONS),
                pl.DataFrame(schema=measure.EXPECTED),
                reference.load(),
            )
        )
        found |= dict(results.measures.filter(metric_id="FN06").select("provider_code", "value").rows())
        # Nothing planned: nothing to divide by.
        assert results.measures.filter(metric_id="FN08")["value"].null_count() == 480
    assert [found[f"P{i}"] for i in range(len(rows))] == wanted


def test_the_thresholds_are_the_same_in_schema_and_sql():
    text = (sql.FOLDER / "measures" / "finance_oversight.sql").read_text()
    values = text[text.index("VALUES") : text.index("),\nin_force")]
    rows = duckdb.sql(f"SELECT * FROM ({values})").fetchall()
    found = {}
    for version, since, component, direction, score, bound, included in rows:
        better = {1: "more", -1: "less"}[direction]
        found.setdefault((version, since), {}).setdefault((component, better), {})[score] = (float(bound), included)
    assert found == {
        (version, since): {
            (component, better): {score: (float(bound), included) for score, (bound, included) in enumerate(bounds, 1)}
            for component, (better, *bounds) in by_component.items()
        }
        for version, (since, by_component) in schema.THRESHOLDS.items()
    }


@pytest.mark.parametrize("period", ["2025-13", "0000-05", "2025-26", "June"])
def test_a_period_that_is_none_is_said_and_nothing_breaks(period):
    """Every row of a return of one row says it, so nothing else can outvote it."""
    found = outcome(period=period)
    assert (found.state, found.reading.period) == ("held", "2025-06")
    assert {"VAL-PERIOD", "VAL-FORM"} & set(found.findings["rule_id"])
