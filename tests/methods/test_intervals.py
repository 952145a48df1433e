"""Intervals and the ranks they leave possible, against statsmodels, scipy and a count one by one; and comparisons in the warehouse."""

from datetime import date

import flow
import numpy as np
import polars as pl
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint
from trust_benchmarks import reference
from trust_benchmarks.measures import intervals

TRUSTS = reference.load().expected(("combined",), date(2025, 6, 30))[:8]
DEFINED = {metric.metric_id: metric for metric in reference.load().metrics}
RULES = pl.DataFrame({"metric_id": ["WF12", "WF05", "WF04"], "times": [100.0, 100.0, 100.0]})


def made(metric_id: str, rows: list[tuple]) -> pl.DataFrame:
    """Measures of one metric: numerator, denominator, and the peer group where it is not the usual one."""
    return pl.DataFrame(
        [
            {
                "metric_id": metric_id,
                "provider_code": f"T{number:02}",
                "peer_group": row[2] if len(row) > 2 else "sector:acute",
                "numerator": row[0],
                "denominator": row[1],
                "value": 100 * row[0] / row[1] if None not in row[:2] and row[1] else None,
                "withheld": None if None not in row[:2] else "SUPPRESSED",
                "rank_withheld": "PEERS_TOO_FEW" if row[2:] == ("sector:small",) else None,
            }
            for number, row in enumerate(rows)
        ],
        schema_overrides={
            "numerator": pl.Float64,
            "denominator": pl.Float64,
            "withheld": pl.String,
            "rank_withheld": pl.String,
        },
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_proportion_has_wilsons_interval(seed):
    rng = np.random.default_rng(seed)
    whole = rng.integers(1, 5000, 300).astype(float)
    part = np.floor(whole * rng.random(300))
    part[:3], part[3:6] = 0, whole[3:6]
    lower, upper = intervals.bounds("proportion", part, whole)
    second = proportion_confint(part, whole, alpha=0.05, method="wilson")
    np.testing.assert_allclose([lower, upper], second, rtol=1e-9, atol=1e-12)
    assert (lower[:3] == 0).all() and (upper[3:6] == 1).all() and (lower <= part / whole).all()


def test_a_proportion_has_the_interval_that_was_published():
    """Newcombe, R. G. (1998), Statistics in Medicine 17, table I, method 3: four decimals printed."""
    part, whole = np.array([81.0, 15.0, 0.0, 1.0]), np.array([263.0, 148.0, 20.0, 29.0])
    lower, upper = intervals.bounds("proportion", part, whole)
    assert lower.round(4).tolist() == [0.2553, 0.0624, 0.0, 0.0061]
    assert upper.round(4).tolist() == [0.3662, 0.1605, 0.1611, 0.1718]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_rate_has_the_exact_interval_of_its_count(seed):
    rng = np.random.default_rng(seed)
    events, exposure = rng.integers(0, 3000, 300).astype(float), rng.random(300) * 9000 + 1
    events[:3] = 0
    lower, upper = intervals.bounds("rate", events, exposure)
    second = [np.where(events > 0, stats.chi2.ppf(0.025, 2 * events) / 2, 0), stats.chi2.ppf(0.975, 2 * events + 2) / 2]
    np.testing.assert_allclose([lower, upper], np.array(second) / exposure, rtol=1e-9, atol=1e-12)


def test_every_figure_has_an_interval_around_it_or_a_reason():
    rows = [(50.0, 100.0), (None, 80.0), (3.0, 0.0), (-1.0, 10.0), (12.0, 10.0)]
    measures = made("WF12", rows).with_columns(value=pl.col("value").fill_null(1.0), withheld=pl.col("withheld"))
    measures = measures.with_columns(value=pl.when(pl.col("withheld").is_null()).then("value"))
    found = intervals.table(measures, DEFINED, RULES)
    assert found["withheld"].to_list() == [None, "SUPPRESSED", "NO_DENOMINATOR", "NEGATIVE_COUNT", "NOT_A_SHARE"]
    assert found.filter(pl.col("withheld").is_not_null()).select("lower", "upper", "rank_lowest").null_count().row(
        0
    ) == (4, 4, 4)
    lower, upper = found.select("lower", "upper").row(0)
    assert lower < 50 < upper
    assert intervals.table(made("WF04", [(5.0, 100.0)]), DEFINED, RULES).height == 0, (
        "days of sickness are not independent"
    )


@pytest.mark.parametrize("metric_id", ["WF12", "WF05"])
def test_a_rank_may_be_what_the_intervals_leave_open(metric_id):
    rng = np.random.default_rng(5)
    rows = [(float(rng.integers(0, 80)), 90.0, f"sector:{rng.integers(2)}") for _ in range(60)] + [
        (10.0, 90.0, "sector:small")
    ] * 3
    # One that is ranked and has no interval, for its parts are not shown, may be better or worse than anybody.
    without = pl.when(pl.col("provider_code") != "T03").then("numerator")
    found = intervals.table(made(metric_id, rows).with_columns(numerator=without), DEFINED, RULES).sort("provider_code")
    groups, counted = [row[2] for row in rows], 0
    for one, (low, high), group in zip(found.to_dicts(), found.select("lower", "upper").rows(), groups, strict=True):
        others = [
            (bottom, top)
            for bottom, top, own in zip(found["lower"], found["upper"], groups, strict=True)
            if own == group
        ]
        if one["provider_code"] == "T03":
            assert one["withheld"] == "NOT_MADE_OF_COUNTS" and low is high is one["rank_lowest"] is None
            continue
        above = sum(bottom > high for bottom, _ in others if bottom is not None)
        below = sum(top < low for _, top in others if top is not None)
        better, worse = (above, below) if metric_id == "WF12" else (below, above)
        if group == "sector:small":
            assert one["rank_lowest"] is one["rank_highest"] is None
            continue
        assert one["rank_lowest"] == pytest.approx(100 * (worse + 0.5) / len(others), abs=1e-9)
        assert one["rank_highest"] == pytest.approx(100 * (len(others) - better - 0.5) / len(others), abs=1e-9)
        counted += above + below > 0
    assert counted > 30


def test_simulated_intervals_hold_the_truth_as_often_as_they_say():
    """Of counts around a known rate, about 95 of 100 intervals hold it; exact ones of a rate hold it at least that often."""
    rng = np.random.default_rng(11)
    share, whole = 0.83, np.full(20_000, 240.0)
    lower, upper = intervals.bounds("proportion", rng.binomial(240, share, 20_000).astype(float), whole)
    assert 0.94 < ((lower <= share) & (share <= upper)).mean() < 0.96
    lower, upper = intervals.bounds("rate", rng.poisson(14, 20_000).astype(float), whole)
    assert 0.95 <= ((lower <= 14 / 240) & (upper >= 14 / 240)).mean() < 0.98


def test_what_is_published_is_compared_by_its_interval(shared_world):
    """Of eight trusts whose appraisals differ by much, each is better, similar or worse than the median of its group."""
    for number, ods in enumerate(TRUSTS):
        flow.put_return(
            ods, "2025-06", flow.workforce(ods, "2025-06", change=lambda rows, n=number: _appraised(rows, n))
        )
    flow.take_in()
    flow.release()
    rows = flow.rows(
        """SELECT value, lower, upper, median, compared, not_compared, percentile_rank, rank_lowest, rank_highest
           FROM published.figures WHERE metric_id = 'WF12' AND value IS NOT NULL"""
    )
    assert len(rows) == len(TRUSTS)
    for value, lower, upper, median, compared, why, rank, lowest, highest in rows:
        assert lower < value < upper
        if median is None:
            assert compared is None and why == "PEERS_TOO_FEW"
            continue
        assert compared == ("better" if lower > median else "worse" if upper < median else "similar") and why is None
        assert rank is None or lowest <= rank <= highest
    assert {row[4] for row in rows} >= {"better", "worse"}
    # Against every benchmark the same, and why not where it cannot be.
    rows = flow.rows(
        "SELECT metric_id, lower, upper, benchmark_value, compared, not_compared FROM published.comparisons WHERE benchmark_value IS NOT NULL"
    )
    assert {row[0] for row in rows if row[4]} == {"WF12"}
    for metric_id, _, _, _, compared, why in rows:
        assert (compared is None) != (why is None)
        assert why in (None, "NO_COUNT", "NOT_INDEPENDENT", "NEUTRAL"), (metric_id, why)
    without = flow.rows(
        "SELECT DISTINCT metric_id, not_compared FROM published.figures WHERE compared IS NULL AND value IS NOT NULL"
    )
    assert all(why for _, why in without) and ("WF04", "NOT_INDEPENDENT") in without


def _appraised(rows: list[dict], number: int) -> None:
    for row in rows:
        row |= {
            "appraisals_due": row["headcount"],
            "appraisals_done": str(int(int(row["headcount"]) * (0.4 + 0.08 * number))),
        }
