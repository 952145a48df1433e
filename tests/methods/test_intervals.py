"""Wilson, exact and Byar intervals: PHEindicatormethods' published test values, and a second calculation by roots.

Published: github.com/ukhsa-collaboration/PHEindicatormethods (2.1.0, commit 093fd28): tests/testthat/testdata_Proportion.xlsx,
testdata_Rate.xlsx and testdata_Byars_Wilson.xlsx.
"""

import random

import numpy as np
import pytest
from scipy import optimize, stats
from trust_benchmarks.measures import intervals
from trust_benchmarks.measures.methods import MethodError

# numerator, denominator, value, 95% lower, upper, 99.8% lower, upper
PROPORTIONS = [
    (1, 100, 0.01, 0.0017674320641406511, 0.054486196178705294, 0.000873065697299977, 0.1045544528370582),
    (5, 100, 0.05, 0.02154367915436798, 0.11175046923191911, 0.013865320725997183, 0.16458852282596442),
    (20, 100, 0.2, 0.1333669333310325, 0.28882916559315885, 0.10519162066711432, 0.3471109417008601),
    (65, 100, 0.65, 0.5525444329688797, 0.7363575175690247, 0.4954946574070431, 0.7783540614089697),
    (9856, 12345, 0.7983799108950992, 0.7912101752909069, 0.8053640073614909, 0.7869924108419063, 0.8093061412589626),
    (
        222,
        3215,
        0.06905132192846034,
        0.060791690363636595,
        0.07833956681383633,
        0.05647101964624248,
        0.08418414185270134,
    ),
    (999, 3456, 0.2890625, 0.27418951080009873, 0.30440389662818057, 0.26583995768074953, 0.3134475449279985),
    (
        7776456,
        7564336677,
        0.0010280420256339154,
        0.0010273201001641094,
        0.0010287644578977231,
        0.0010269040118442213,
        0.0010291812992698397,
    ),
]
# per 100,000; the method of the last column
RATES = [
    (1, 100, 1000.0, 25.317807984289896, 5571.643390938898, 1.0005003335835343, 9233.413476451586, "exact"),
    (5, 100, 5000.0, 1623.4863901184199, 11668.332079322669, 739.3717319178389, 16454.745203680104, "exact"),
    (20, 100, 20000.0, 12211.428834875936, 30889.880369197064, 8922.802365144193, 38085.03562504191, "byar"),
    (65, 100, 65000.0, 50163.18771045945, 82849.13854593984, 42880.261471480204, 94000.290844318, "byar"),
    (
        9856,
        12345,
        79837.99108950992,
        78269.49058976758,
        81430.01654272141,
        77375.90543271053,
        82354.47277095431,
        "byar",
    ),
    (222, 3215, 6905.132192846034, 6026.574877652674, 7875.729370871851, 5560.737695259853, 8461.04668173341, "byar"),
    (999, 3456, 28906.25, 27141.30493609052, 30755.833237378414, 26162.147596445768, 31845.604819822653, "byar"),
    (
        250,
        220,
        113636.36363636365,
        99984.94738532876,
        128631.14487455782,
        92710.00554438953,
        137651.23772147458,
        "byar",
    ),
]
BYAR = [  # count, confidence, lower, upper
    (65, 0.95, 50.163187710459454, 82.84913854593984),
    (1045, 0.95, 982.5932018073325, 1110.33121298565),
    (1, 0.95, 0.01307213290150435, 5.5637555824752605),
    (65, 0.998, 42.8802614714802, 94.00029084431802),
    (1045, 0.998, 947.9407035610374, 1148.806160988033),
    (10, 0.998, 2.916318374695686, 24.193724927880535),
    (1, 0.998, np.nan, 9.362180217908362),
]


@pytest.mark.parametrize(("confidence", "at"), [(0.95, 3), (0.998, 5)])
def test_published_proportions(confidence, at):
    found = intervals.proportion([r[0] for r in PROPORTIONS], [r[1] for r in PROPORTIONS], confidence=confidence)
    for column, k in (("value", 2), ("lower", at), ("upper", at + 1)):
        assert found[column].to_list() == pytest.approx([r[k] for r in PROPORTIONS], rel=1e-12)
    assert set(found["method"]) == {"wilson"}


@pytest.mark.parametrize(("confidence", "at"), [(0.95, 3), (0.998, 5)])
def test_published_rates(confidence, at):
    found = intervals.rate([r[0] for r in RATES], [r[1] for r in RATES], confidence=confidence, multiplier=100_000)
    for column, k in (("value", 2), ("lower", at), ("upper", at + 1)):
        assert found[column].to_list() == pytest.approx([r[k] for r in RATES], rel=1e-12)
    assert found["method"].to_list() == [r[7] for r in RATES]


def test_published_byar():
    for count, confidence, lower, upper in BYAR:
        found = intervals.byar([count], confidence)
        assert np.concatenate(found) == pytest.approx([lower, upper], rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_second_calculation_by_roots(seed):
    """Each limit solves the equation that defines it."""
    rng = random.Random(seed)
    for _ in range(40):
        over, confidence = rng.randint(20, 5000), rng.choice([0.9, 0.95, 0.998])
        z = stats.norm.isf((1 - confidence) / 2)
        events = rng.randint(0, over)
        (row,) = intervals.proportion([events], [over], confidence=confidence).to_dicts()
        share = events / over

        def off(p, share=share, over=over, z=z):
            return (share - p) ** 2 - z * z * p * (1 - p) / over

        expected = [
            0.0 if events == 0 else optimize.brentq(off, 0, share, xtol=1e-15, rtol=1e-14),
            1.0 if events == over else optimize.brentq(off, share, 1, xtol=1e-15, rtol=1e-14),
        ]
        assert [row["lower"], row["upper"]] == pytest.approx(expected, rel=1e-9, abs=1e-12)

        few = rng.randint(0, 9)
        (row,) = intervals.rate([few], [over], confidence=confidence).to_dicts()
        tail = (1 - confidence) / 2
        lower = 0.0
        if few:
            lower = optimize.brentq(lambda m, few=few, t=tail: stats.poisson.sf(few - 1, m) - t, 0, few, xtol=1e-15)
        upper = optimize.brentq(lambda m, few=few, t=tail: stats.poisson.cdf(few, m) - t, few, 60, xtol=1e-14)
        assert [row["lower"] * over, row["upper"] * over] == pytest.approx([lower, upper], rel=1e-9, abs=1e-12)

        many = rng.randint(10, 5000)
        (row,) = intervals.rate([many], [over], confidence=confidence, multiplier=1000).to_dicts()

        # Byar's limits are the exact ones with Wilson and Hilferty's cube root for the chi-squared quantile.
        def quantile(k, z):
            return k * (1 - 2 / (9 * k) + z * (2 / (9 * k)) ** 0.5) ** 3

        expected = [500 * quantile(2 * many, -z) / over, 500 * quantile(2 * many + 2, z) / over]
        assert [row["lower"], row["upper"]] == pytest.approx(expected, rel=1e-9)
        # It approximates the exact one: within half an event from ten events on.
        exact = [stats.chi2.ppf(tail, 2 * many) / 2, stats.chi2.isf(tail, 2 * many + 2) / 2]
        assert [row["lower"] * over / 1000, row["upper"] * over / 1000] == pytest.approx(exact, abs=0.5)


def test_nulls_stay_and_errors_are_in_words():
    for method in (intervals.proportion, intervals.rate):
        assert method([None, 10, None], [100, None, None]).rows() == [(None, None, None, None)] * 3
        assert method([], []).is_empty()
        for top, bottom, words in (
            ([-1], [5], "negative"),
            ([1], [0], "not above 0"),
            ([1, 2], [3], "Expected as many"),
        ):
            with pytest.raises(MethodError, match=words):
                method(top, bottom)
        with pytest.raises(MethodError, match="A confidence of 95"):
            method([1], [5], confidence=95)
    with pytest.raises(MethodError, match="use a rate"):
        intervals.proportion([6], [5])
    assert intervals.rate([0], [100])["lower"].to_list() == [0.0]


def test_the_method_changes_at_ten_events():
    assert intervals.rate([9, 10], [200, 200])["method"].to_list() == ["exact", "byar"]
