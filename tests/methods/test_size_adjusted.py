"""Cost adjusted for size: a second calculation by hand (normal equations, leverages, reweighting), and what is refused."""

import math
import random
import statistics

import numpy as np
import polars as pl
import pytest
from scipy import stats
from trust_benchmarks.measures import size_adjusted
from trust_benchmarks.measures.methods import MethodError


def trusts(seed, n=40, slope=0.7, noise=0.15, outliers=3):
    rng = random.Random(seed)
    rows = []
    for i in range(n):
        size = math.exp(rng.uniform(math.log(5e7), math.log(9e8)))
        wild = rng.choice([3, 0.3]) if i < outliers else 1
        rows.append((f"T{i:02d}", size, 50 * size**slope * math.exp(rng.gauss(0, noise)) * wild))
    rng.shuffle(rows)
    return pl.DataFrame(rows, schema=["provider_code", "size", "cost"], orient="row")


def weighted(x, y, w):
    """(intercept, slope) of weighted least squares, by sums."""
    total = math.fsum(w)
    mx = math.fsum(a * b for a, b in zip(w, x, strict=True)) / total
    my = math.fsum(a * b for a, b in zip(w, y, strict=True)) / total
    sxy = math.fsum(a * (b - mx) * (c - my) for a, b, c in zip(w, x, y, strict=True))
    sxx = math.fsum(a * (b - mx) ** 2 for a, b in zip(w, x, strict=True))
    return my - sxy / sxx * mx, sxy / sxx


def second_ols(x, y):
    """(intercept, slope, lower, upper, r2): HC3 by leverages, t with n - 2 degrees of freedom."""
    n = len(x)
    a, b = weighted(x, y, [1] * n)
    mx, my = statistics.fmean(x), statistics.fmean(y)
    sxx = math.fsum((u - mx) ** 2 for u in x)
    resid = [v - a - b * u for u, v in zip(x, y, strict=True)]
    leverage = [1 / n + (u - mx) ** 2 / sxx for u in x]
    variance = math.fsum(((u - mx) * e / (1 - h)) ** 2 for u, e, h in zip(x, resid, leverage, strict=True)) / sxx**2
    reach = stats.t.ppf(0.975, n - 2) * math.sqrt(variance)
    r2 = 1 - math.fsum(e * e for e in resid) / math.fsum((v - my) ** 2 for v in y)
    return a, b, b - reach, b + reach, r2


def second_huber(x, y):
    """(intercept, slope): weights 1 within 1.345 scales of 0 and falling beyond; scale: MAD about 0 / 0.6745."""
    a, b = weighted(x, y, [1] * len(x))
    for _ in range(2000):
        resid = [v - a - b * u for u, v in zip(x, y, strict=True)]
        scale = statistics.median(abs(e) for e in resid) / stats.norm.ppf(0.75)
        weights = [1 if abs(e) <= 1.345 * scale else 1.345 * scale / abs(e) for e in resid]
        new = weighted(x, y, weights)
        done = max(abs(new[0] - a), abs(new[1] - b)) < 1e-13
        a, b = new
        if done:
            break
    return a, b


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("n", [10, 40, 230])
def test_second_calculation(seed, n):
    frame = trusts(seed, n)
    found = size_adjusted.adjust(frame)
    rows = sorted(frame.rows())
    x, y = [math.log(r[1]) for r in rows], [math.log(r[2]) for r in rows]
    ols, huber = second_ols(x, y), second_huber(x, y)
    line = found.ols
    assert (line.intercept, line.slope, line.slope_lower, line.slope_upper, line.r2) == pytest.approx(ols, rel=1e-9)
    assert (found.huber.intercept, found.huber.slope) == pytest.approx(huber, rel=1e-9)
    assert found.huber.slope_lower < found.huber.slope < found.huber.slope_upper
    by_ols = size_adjusted.adjust(frame, by="ols").effects["expected_cost"]
    assert by_ols.to_list() == pytest.approx([math.exp(ols[0] + ols[1] * u) for u in x], rel=1e-9)
    for own, (code, size, cost) in zip(found.effects.to_dicts(), rows, strict=True):
        expected = math.exp(huber[0]) * size ** huber[1]
        median = statistics.median(c / s for other, s, c in rows if other != code)
        assert own["provider_code"] == code and own["reason"] is None and own["peers"] == n - 1
        assert own["expected_cost"] == pytest.approx(expected, rel=1e-9)
        assert own["ratio"] == pytest.approx(cost / expected, rel=1e-9)
        # What is left of two figures of the size of a cost is known as well as they are.
        assert own["opportunity"] == pytest.approx(max(0, cost - expected), abs=1e-9 * cost)
        assert own["peer_median_share"] == pytest.approx(median, rel=1e-12)
        assert own["variance"] == pytest.approx(cost - median * size, abs=1e-9 * cost)
        assert own["scale_effect"] + own["efficiency_effect"] == pytest.approx(own["variance"], abs=1e-9 * cost)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_known_slope_is_found_in_spite_of_outliers(seed):
    found = size_adjusted.adjust(trusts(seed, 60, slope=0.7, noise=0.05, outliers=6))
    assert found.huber.slope == pytest.approx(0.7, abs=0.04)
    assert found.ols.slope_lower < 0.7 < found.ols.slope_upper
    small, large = found.effects.sort("size").row(0, named=True), found.effects.sort("size").row(-1, named=True)
    assert small["scale_effect"] > 0 > large["scale_effect"]


def test_trusts_on_one_line():
    frame = trusts(1, 12, noise=0, outliers=0)
    found = size_adjusted.adjust(frame)
    assert found.ols.slope == pytest.approx(0.7) == found.huber.slope and found.ols.r2 == pytest.approx(1)
    assert found.effects["ratio"].to_list() == pytest.approx([1] * 12)


def test_peers_given_never_itself_and_withheld_when_few():
    frame = trusts(1, 12)
    peers = {"T00": [f"T{i:02d}" for i in range(7)], "T01": ["T01", "T02", "T03", "T04", "T05", "T99"]}
    rows = {r["provider_code"]: r for r in size_adjusted.adjust(frame, peers=peers).effects.to_dicts()}
    share = {code: cost / size for code, size, cost in frame.rows()}
    assert rows["T00"]["peers"] == 6
    assert rows["T00"]["peer_median_share"] == statistics.median(share[f"T{i:02d}"] for i in range(1, 7))
    assert rows["T01"]["reason"] == "4 peers with a size and a cost; a median needs 5."
    assert rows["T01"]["variance"] is None and rows["T01"]["ratio"] > 0
    assert rows["T02"]["reason"].startswith("0 peers")


def test_refusals_with_reasons():
    few = size_adjusted.adjust(trusts(1, 9))
    assert (few.n, few.ols, few.huber) == (9, None, None) and few.effects.is_empty()
    assert few.reason == "9 trusts with a size and a cost; a line needs 10."
    same = size_adjusted.adjust(trusts(1, 20).with_columns(size=pl.lit(2e8)))
    assert same.reason.startswith("The largest trust is 1.00 times the smallest")
    for one, name in ((8e8, "largest"), (1e7, "smallest")):
        alone = size_adjusted.adjust(trusts(1, 20).with_columns(size=pl.Series([2e8] * 19 + [one])))
        assert alone.reason.startswith(f"Without the {name} trust the others' sizes differ 1.00 times")
    two = size_adjusted.adjust(trusts(1, 20).with_columns(size=pl.Series([2e8] * 18 + [8e8] * 2)))
    assert two.reason is None and math.isfinite(two.ols.slope_upper)
    odd = (
        trusts(1, 14)
        .sort("provider_code")
        .with_columns(cost=pl.Series([None, 0.0, -5.0, math.nan, *np.linspace(1e6, 2e6, 10)]))
    )
    found = size_adjusted.adjust(odd)
    assert found.n == 10 and sorted(found.left_out) == ["T00", "T01", "T02", "T03"]
    assert found.left_out["T00"] == "no size or no cost" and "logarithm" in found.left_out["T01"]


def test_errors_in_words():
    with pytest.raises(MethodError, match="Missing: cost"):
        size_adjusted.adjust(trusts(1).drop("cost"))
    with pytest.raises(MethodError, match="twice"):
        size_adjusted.adjust(pl.concat([trusts(1), trusts(1)]))
    with pytest.raises(MethodError, match="no fit"):
        size_adjusted.adjust(trusts(1), by="lowess")
