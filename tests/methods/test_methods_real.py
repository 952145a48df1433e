"""The methods over real published files equal the same second calculations as over generated data."""

import csv
import math
import statistics

import polars as pl
import pytest
import spc_second
import test_funnel
import test_peer_groups
import test_size_adjusted
import test_spc
from trust_benchmarks.measures import funnel, peer_groups, size_adjusted

MONTHS = [f"2024-{month:02}" for month in range(4, 13)]
PROVIDERS = ("Acute", "Ambulance", "Mental Health", "Community Provider Trust")
AREA, COST, HEATED = "Gross internal floor area (m²)", "Estates and property maintenance (£)", "Site heated volume (m³)"


@pytest.fixture(scope="module")
def absence(shared_data):
    """Days lost and available by trust and month, from nine national files."""
    rows = []
    for month in MONTHS:
        path = shared_data / "workforce" / f"sickness_absence_{month}.csv"
        with path.open(encoding="utf-8-sig", newline="") as lines:
            for row in csv.DictReader(lines):
                if row["ORG_TYPE"] in PROVIDERS:
                    rows.append((row["ORG_CODE"], month, float(row["FTE_DAYS_LOST"]), float(row["FTE_DAYS_AVAILABLE"])))
    return pl.DataFrame(rows, schema=["provider_code", "period", "numerator", "denominator"], orient="row")


@pytest.fixture(scope="module")
def estates(shared_data):
    """Floor area, heated volume and maintenance by trust, of the 1,261 sites of ERIC 2019/20."""
    with (shared_data / "estates_eric" / "eric_2019-20_site.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 1261

    def number(text):
        text = text.replace(",", "")
        return float(text) if text.replace(".", "", 1).isdigit() else 0.0

    sums = {}
    for row in rows:
        own = sums.setdefault(row["Trust Code"], [0.0, 0.0, 0.0])
        for i, column in enumerate((AREA, HEATED, COST)):
            own[i] += number(row[column])
    frame = pl.DataFrame(
        [(c, *v) for c, v in sums.items()], schema=["provider_code", "size", "heated", "cost"], orient="row"
    )
    return frame.with_columns(pl.when(pl.col("heated") > 0).then("heated").alias("heated"))


def test_sickness_absence_in_spc_charts(absence):
    measures = absence.with_columns(value=100 * pl.col("numerator") / pl.col("denominator"), metric_id=pl.lit("WF04"))
    points, sections = spc_second.charts(measures, {"WF04": "lower_better"})
    assert sections.height == measures["provider_code"].n_unique() > 200
    judged = sections.filter(pl.col("reason").is_null())
    assert judged.height > 200 and judged["is_trial"].all()  # nine months
    for code in judged["provider_code"]:
        own = measures.filter(pl.col("provider_code") == code).sort("period")
        centre, lower, upper, told = test_spc.second(own["value"].to_list(), -1, True, None)
        mine = points.filter(pl.col("provider_code") == code)
        assert mine.select("centre", "lower_limit", "upper_limit").row(0) == pytest.approx(
            (centre, lower, upper), rel=1e-9
        )
        assert mine.select("signal", "signal_side", "assessment").rows() == told


@pytest.mark.parametrize("month", MONTHS)
def test_sickness_absence_in_a_funnel(absence, month):
    rows = sorted(absence.filter(pl.col("period") == month).drop("period").rows())
    found = funnel.funnel(absence.filter(pl.col("period") == month), "proportion", multiplier=100)
    phi, tau2, limits = test_funnel.second(rows, "proportion", 0.1, 100)
    assert (found.phi, found.tau2) == pytest.approx((phi, tau2), rel=1e-9)
    # Days of one absence belong together, so trusts differ far beyond chance: limits must be widened.
    assert phi > 100 and found.is_adjusted
    for row in found.points.to_dicts():
        assert [row[name] for name in funnel.LIMITS] == pytest.approx(limits[row["provider_code"]], rel=1e-9)


def test_maintenance_against_floor_area(estates):
    found = size_adjusted.adjust(estates)
    rows = sorted((c, s, k) for c, s, _, k in estates.rows() if s > 0 and k > 0)
    assert found.n == len(rows) > 200 and found.n + len(found.left_out) == estates.height
    x, y = [math.log(r[1]) for r in rows], [math.log(r[2]) for r in rows]
    line = found.ols
    assert (line.intercept, line.slope, line.slope_lower, line.slope_upper, line.r2) == pytest.approx(
        test_size_adjusted.second_ols(x, y), rel=1e-9
    )
    a, b = test_size_adjusted.second_huber(x, y)
    assert (found.huber.intercept, found.huber.slope) == pytest.approx((a, b), rel=1e-9)
    for own, (code, size, cost) in zip(found.effects.to_dicts(), rows, strict=True):
        median = statistics.median(k / s for other, s, k in rows if other != code)
        assert own["expected_cost"] == pytest.approx(math.exp(a + b * math.log(size)), rel=1e-9)
        assert own["scale_effect"] + own["efficiency_effect"] == pytest.approx(cost - median * size, rel=1e-9, abs=1e-3)


def test_nearest_by_estate(estates):
    names = ["size", "heated", "cost"]
    near = {}
    for code, peer, distance in peer_groups.neighbours(estates, names, 10)[0].rows():
        near.setdefault(code, []).append((peer, distance))
    for code in sorted(estates["provider_code"])[::20]:
        order, away = test_peer_groups.second(estates, code, names, 10)
        assert [peer for peer, _ in near.get(code, [])] == order
        assert [distance for _, distance in near.get(code, [])] == pytest.approx(
            [away[peer] for peer in order], rel=1e-9
        )
