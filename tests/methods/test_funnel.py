"""Funnel limits: FunnelPlotR's published examples, a second calculation trust by trust, and refusals.

Published: github.com/nhs-r-community/FunnelPlotR (0.6.0, commit 9020d49): tests/testthat/test-poisson_limits.R,
test-classes_methods.R, README (length of stay in the medpar data: 54 providers, 25 outliers unadjusted, 9 adjusted).
medpar_by_provider.csv: medpar of R's COUNT package (Hilbe 2014; in github.com/vincentarelbundock/Rdatasets), summed by provider
with the expected days of README's Poisson model, fitted by statsmodels (residual deviance 7977.7, as README prints it).
"""

import math
import random
import statistics
from pathlib import Path

import polars as pl
import pytest
from scipy import stats
from trust_benchmarks.measures import funnel
from trust_benchmarks.measures.methods import MethodError

MEDPAR = Path(__file__).with_name("medpar_by_provider.csv")
SIX = pl.DataFrame(
    {
        "provider_code": list("abcdef"),
        "numerator": [100, 150, 180, 80, 120, 225],
        "denominator": [108, 112, 165, 95, 100, 220],
    }
)


def test_published_poisson_limits():
    trusts = pl.DataFrame({"provider_code": ["a", "b", "c"], "numerator": [15, 20, 30], "denominator": [15, 20, 30]})
    found = funnel.funnel(trusts, "ratio", adjust=False, fewest=3).points
    assert [round(x, 7) for x in found["lower_95"]] == [0.5596924, 0.6108260, 0.6746958]
    assert [round(x, 6) for x in found["upper_95"]] == [1.649348, 1.544419, 1.427562]
    assert [round(x, 7) for x in found["lower_99_8"]] == [0.3862650, 0.4479107, 0.5289724]
    assert [round(x, 6) for x in found["upper_99_8"]] == [2.082907, 1.902094, 1.702771]


def test_published_phi():
    assert round(funnel.funnel(SIX, "ratio_log", fewest=6).phi, 6) == 2.948033


@pytest.mark.parametrize(("adjust", "outliers"), [(False, 25), (True, 9)])
def test_readme_outliers(adjust, outliers):
    # FunnelPlotR rounds the expected to two decimals for this method, as the SHMI does.
    trusts = pl.read_csv(MEDPAR, schema_overrides={"provider_code": pl.String}).with_columns(
        pl.col("denominator").round(2)
    )
    found = funnel.funnel(trusts, "ratio_log", adjust=adjust)
    assert found.points.height == 54 and found.is_adjusted == adjust
    assert found.points.filter(pl.col("position").str.ends_with("99_8")).height == outliers


# ---- a second calculation


def second(rows, kind, trim, multiplier):
    """(phi, tau2, {code: four limits}) in plain Python, from Spiegelhalter's formulae."""
    overall = 1 if kind.startswith("ratio") else math.fsum(r[1] for r in rows) / math.fsum(r[2] for r in rows)
    scored = []
    for code, top, bottom in rows:
        expected = overall * bottom
        if kind == "proportion":
            scored.append((code, math.asin(math.sqrt(top / bottom)) - math.asin(math.sqrt(overall)), 0.25 / bottom))
        elif kind == "ratio_log":
            scored.append((code, math.log(top) - math.log(expected), 1 / expected))
        else:
            scored.append((code, math.sqrt(top / expected) - 1, 0.25 / expected))
    z = {code: y / math.sqrt(v) for code, y, v in scored}
    ordered = sorted(z.values())
    if kind == "ratio_log":
        inner = []
        for code, _, v in scored:
            rank = statistics.mean(i for i, x in enumerate(ordered, start=1) if x == z[code])
            if 0 < math.floor(rank / trim / (len(z) + 1)) < 1 / trim - 1:
                inner.append((z[code], v))
    else:

        def quantile(q):
            at = q * (len(ordered) - 1)
            low = math.floor(at)
            high = min(low + 1, len(ordered) - 1)
            return ordered[low] + (at - low) * (ordered[high] - ordered[low])

        inner = [(min(max(z[code], quantile(trim)), quantile(1 - trim)), v) for code, _, v in scored]
    n = len(inner)
    phi = math.fsum(x * x for x, _ in inner) / n
    w = [1 / v for _, v in inner]
    tau2 = max(0, (n * phi - (n - 1)) / (math.fsum(w) - math.fsum(x * x for x in w) / math.fsum(w)))
    limits = {}
    for code, _, bottom in rows:
        expected, ends = overall * bottom, []
        for q in (1.959963984540054, 3.090232306167813):
            for way in (-1, 1):
                if kind == "proportion":
                    angle = math.asin(math.sqrt(overall)) + way * q * math.sqrt(
                        0.25 / bottom + (tau2 if phi > 1 else 0)
                    )
                    end = math.sin(min(max(angle, 0), math.pi / 2)) ** 2
                elif phi <= 1:
                    # The exact Poisson limit by the gamma distribution.
                    p = stats.norm.cdf(q)
                    end = (stats.gamma.ppf(1 - p, expected) if way < 0 else stats.gamma.ppf(p, expected + 1)) / bottom
                elif kind == "ratio_log":
                    end = overall * math.exp(way * q * math.sqrt(1 / expected + tau2))
                else:
                    end = overall * max(0, 1 + way * q * math.sqrt(0.25 / expected + tau2)) ** 2
                ends.append(end * multiplier)
        limits[code] = ends
    return phi, tau2, limits


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("kind", funnel.KINDS)
def test_second_calculation(kind, seed):
    rng = random.Random(f"{kind} {seed}")
    seen = set()
    for spread in (0, 0, 0.05, 0.2, 0.4):
        rows = []
        for i in range(rng.randint(12, 60)):
            bottom = rng.randint(60, 4000)
            share = min(0.9, max(0.02, 0.3 * math.exp(rng.gauss(0, spread))))
            top = sum(rng.random() < share for _ in range(bottom))
            rows.append((f"T{i:02d}", float(max(top, 1)), bottom * (0.3 if kind.startswith("ratio") else 1.0)))
        trim, multiplier = rng.choice([0.1, 0.1, 0.05]), rng.choice([1, 100, 1000])
        frame = pl.DataFrame(rows, schema=["provider_code", "numerator", "denominator"], orient="row")
        found = funnel.funnel(frame.sample(fraction=1, shuffle=True, seed=seed), kind, trim=trim, multiplier=multiplier)
        phi, tau2, limits = second(rows, kind, trim, multiplier)
        assert (found.phi, found.tau2) == pytest.approx((phi, tau2), rel=1e-9, abs=1e-12)
        assert found.is_adjusted == (phi > 1)
        seen.add(found.is_adjusted)
        for row in found.points.to_dicts():
            expected = limits[row["provider_code"]]
            assert [row[name] for name in funnel.LIMITS] == pytest.approx(expected, rel=1e-9, abs=1e-12)
            value, (low95, up95, low99, up99) = row["value"], expected
            told = "above_99_8" if value > up99 else "above_95" if value > up95 else "within"
            told = "below_99_8" if value < low99 else "below_95" if value < low95 else told
            assert row["position"] == told
    assert seen == {True, False}


def test_limits_stay_in_zero_to_one_and_narrow_with_size():
    rows = [(f"T{i}", i % 2, i + 1) for i in range(12)]
    found = funnel.funnel(
        pl.DataFrame(rows, schema=["provider_code", "numerator", "denominator"], orient="row"), "proportion"
    )
    for name in funnel.LIMITS:
        column = found.points.sort("denominator")[name].to_list()
        assert all(0 <= x <= 1 for x in column)
        assert column == sorted(column, reverse=name.startswith("upper"))


# ---- refusals


def test_withheld_and_left_out_with_reasons():
    short = funnel.funnel(SIX, "ratio")
    assert short.reason == "6 trusts with a numerator and a denominator; a funnel needs 10."
    assert short.points.is_empty() and short.phi is None
    odd = pl.DataFrame({"provider_code": ["x", "y"], "numerator": [None, 3], "denominator": [5, 0]})
    found = funnel.funnel(pl.concat([SIX, odd], how="vertical_relaxed"), "ratio", fewest=6)
    assert found.reason is None and found.points.height == 6
    assert found.left_out == {"x": "no numerator or no denominator", "y": "a denominator that is not above 0"}
    none = funnel.funnel(SIX.with_columns(numerator=pl.lit(0)), "rate", fewest=6)
    assert "nothing to compare" in none.reason


def test_errors_in_words():
    with pytest.raises(MethodError, match="Missing: denominator"):
        funnel.funnel(SIX.drop("denominator"), "rate")
    with pytest.raises(MethodError, match="provider_code a twice"):
        funnel.funnel(pl.concat([SIX, SIX.head(1)]), "rate")
    with pytest.raises(MethodError, match="no kind"):
        funnel.funnel(SIX, "mean")
    with pytest.raises(MethodError, match="negative"):
        funnel.funnel(SIX.with_columns(numerator=-1), "rate")
    with pytest.raises(MethodError, match="ask for a rate"):
        funnel.funnel(SIX, "proportion")
    with pytest.raises(MethodError, match="logarithm"):
        funnel.funnel(SIX.with_columns(numerator=0), "ratio_log")
    with pytest.raises(MethodError, match="trim"):
        funnel.funnel(SIX, "rate", trim=0.6)
