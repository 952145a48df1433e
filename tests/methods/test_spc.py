"""SPC charts: NHSRplotthedots' published examples, a second calculation point by point, gaps, restarts and refusals.

Published: github.com/nhs-r-community/NHSRplotthedots (0.2.2, commit 050b07d): tests/testthat/_snaps/ptd_spc_standard.md and
ptd_spc.md, test-ptd_calculate_point_type.R, test-ptd_spc_standard.R, vignettes/deviations.Rmd, README (chart with limits).
"""

import datetime as dt
import itertools
import random

import numpy as np
import polars as pl
import pytest
import spc_second
from scipy import stats
from trust_benchmarks.measures.methods import MethodError

MONTHS = [f"{2016 + (m + 3) // 12}-{(m + 3) % 12 + 1:02d}" for m in range(48)]  # 2016-04 to 2020-03
# NHSRdatasets' ae_attendances (CC0): type 1 four-hour breaches of RQM, April 2016 to March 2018.
RQM = [1199, 929, 970, 1178, 1110, 1388, 2061, 1985, 2675, 3141, 1942, 2030, 1309, 1960, 1169, 1117, 1085, 1492, 1280]
RQM += [1197, 1569, 1406, 1328, 1564]


def series(values):
    return pl.DataFrame({"period": MONTHS[: len(values)], "value": values}, schema=["period", "value"], strict=False)


def r_normals(seed, n):
    """What R's set.seed(seed); rnorm(n) gives: Mersenne Twister seeded by R's scrambling, then inversion."""
    for _ in range(50):
        seed = (69069 * seed + 1) % 2**32
    key = []
    for _ in range(625):
        seed = (69069 * seed + 1) % 2**32
        key.append(seed)
    twister = np.random.RandomState()
    twister.set_state(("MT19937", np.array(key[1:], dtype=np.uint32), 624))
    big = 134217728

    def uniform():
        return float(twister.randint(0, 2**32, dtype=np.uint32)) * 2.3283064365386963e-10

    return [float(stats.norm.ppf((int(big * uniform()) + uniform()) / big)) for _ in range(n)]


NORMALS = r_normals(123, 20)


# ---- published examples


def test_rs_random_numbers_are_those_of_the_snapshot():
    assert [round(x, 8) for x in NORMALS[:4]] == [-0.56047565, -0.23017749, 1.55870831, 0.07050839]


@pytest.mark.parametrize(
    ("outlier", "screen", "centre", "lower", "upper"),
    [
        (False, True, 0.1416238, -3.01138, 3.294627),
        (True, True, 0.6694159, -2.383666, 3.722497),
        (True, False, 0.6694159, -4.596625, 5.935457),
    ],
)
def test_limits_are_those_of_the_snapshots(outlier, screen, centre, lower, upper):
    values = [10.0 if outlier and i == 14 else x for i, x in enumerate(NORMALS)]
    (found,) = spc_second.chart(series(values), "higher_better", screen=screen).sections.to_dicts()
    assert (found["centre"], found["lower_limit"], found["upper_limit"]) == pytest.approx(
        (centre, lower, upper), rel=5e-7
    )


@pytest.mark.parametrize(("half", "centre", "lower", "upper"), [(0, 0.0746, -2.60, 2.75), (1, 0.209, -3.28, 3.70)])
def test_limits_of_parts_are_those_of_the_summary(half, centre, lower, upper):
    # Two charts of ten points each, without signals.
    made = spc_second.chart(series(NORMALS[half * 10 : half * 10 + 10]), "higher_better")
    (found,) = made.sections.to_dicts()
    assert (found["centre"], found["lower_limit"], found["upper_limit"]) == pytest.approx(
        (centre, lower, upper), abs=6e-3
    )
    assert set(made.points["assessment"]) == {"common_cause"}


def test_readme_chart_of_breaches():
    made = spc_second.chart(series(RQM), "lower_better")
    (found,) = made.sections.to_dicts()
    assert [round(found[k]) for k in ("lower_limit", "centre", "upper_limit")] == [740, 1545, 2350]
    signals = made.points.filter(pl.col("signal").is_not_null()).select("period", "signal", "assessment").rows()
    assert signals == [
        ("2016-05", "near_limit", "improvement"),
        ("2016-06", "near_limit", "improvement"),
        ("2016-12", "outside_limits", "concern"),
        ("2017-01", "outside_limits", "concern"),
    ]
    assert made.points["assessment"][-1] == "common_cause"  # summary()'s variation_type
    assert spc_second.assurance(made, "lower_better", 1200) == "hit_and_miss"  # and its assurance_type, 'inconsistent'


@pytest.mark.parametrize(("screen", "lower", "upper"), [(True, -0.72, 4.6), (False, -3.06, 6.95)])
def test_deviations_vignette(screen, lower, upper):
    values = [1, 2, 1, 2, 10, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1]
    made = spc_second.chart(series(values), "higher_better", screen=screen)
    (found,) = made.sections.to_dicts()
    assert [round(found[k], 2) for k in ("lower_limit", "centre", "upper_limit")] == [lower, 1.94, upper]
    # "four grey points followed by a single blue improvement point followed by grey points"
    assert made.points["assessment"].to_list() == ["common_cause"] * 4 + ["improvement"] + ["common_cause"] * 13


def test_two_near_limits_on_two_sides_are_no_signal():
    made = spc_second.chart(series([1.0, -1.0] * 7 + [5.5, -5.5]), "higher_better")
    assert made.points["assessment"].to_list()[-2:] == ["common_cause"] * 2


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2, 3, 4, 5, 6], [0] * 6),
        ([1, 2, 3, 3, 4, 5, 6], [0] * 7),
        ([1, 2, 3, 4, 5, 6, 7], [1] * 7),
        ([2, 1, 2, 3, 4, 5, 6, 7, 3], [0] + [1] * 7 + [0]),
        ([7, 6, 5, 4, 3, 2, 1], [-1] * 7),
        ([2, 7, 6, 5, 4, 3, 2, 1, 3], [0] + [-1] * 7 + [0]),
    ],
)
def test_trends_of_the_packages_tests(values, expected):
    found = spc_second._signals(np.array(values, dtype=float), float(np.mean(values)), 1.0)["trend"]
    assert found.tolist() == expected


@pytest.mark.parametrize(
    ("sides", "expected"),
    [
        ([1] * 6, [0] * 6),
        ([1] * 6 + [-1], [0] * 7),
        ([1] * 8 + [-1], [1] * 8 + [0]),
        ([-1] * 8 + [1], [-1] * 8 + [0]),
    ],
)
def test_shifts_of_the_packages_tests(sides, expected):
    assert spc_second._signals(np.array(sides, dtype=float), 0.0, 100.0)["shift"].tolist() == expected


@pytest.mark.parametrize(
    ("near", "expected"),
    [
        ([1, 0, 1], [1, 0, 1]),
        ([0, 1, 1], [0, 1, 1]),
        ([0, 0, 1, 0, 1, 0, 0], [0, 0, 1, 0, 1, 0, 0]),
        ([1, 0, 0, 1], [0, 0, 0, 0]),
        ([1, 0, 0, 1, 1], [0, 0, 0, 1, 1]),
    ],
)
def test_two_of_three_of_the_packages_tests(near, expected):
    values = np.array([2.0 if n else 0.5 for n in near])  # limits at 2.66, near them from 1.77
    assert spc_second._signals(values, 0.0, 1.0)["near_limit"].tolist() == expected
    opposite = values * np.where(np.arange(len(values)) % 2, -1, 1)
    assert not spc_second._signals(opposite, 0.0, 1.0)["near_limit"].any()


# ---- a second calculation


def second(values, direction, screen, baseline):
    """(centre, lower, upper, [(signal, side, assessment)]) of one section, point by point over plain lists."""
    base = values[: baseline or len(values)]
    present = [v for v in base if v is not None]
    centre = sum(present) / len(present)
    moves = [abs(b - a) for a, b in itertools.pairwise(base) if a is not None and b is not None]
    mean = sum(moves) / len(moves)
    if screen:
        moves = [m for m in moves if m < 3.267 * mean]
    mean = sum(moves) / len(moves)
    lower, upper = centre - 2.66 * mean, centre + 2.66 * mean
    third = 2.66 * mean / 3

    def side(i):
        v = values[i] if 0 <= i < len(values) else None
        return 0 if v is None or v == centre else 1 if v > centre else -1

    def near(i):
        v = values[i] if 0 <= i < len(values) else None
        return v is not None and lower <= v <= upper and abs(v - centre) > 2 * third

    def step(i):
        if i < 0 or i + 1 >= len(values) or None in (values[i], values[i + 1]):
            return 0
        return (values[i + 1] > values[i]) - (values[i + 1] < values[i])

    found = []
    for i, v in enumerate(values):
        trends = [step(k) for k in range(i - 6, i + 1) if step(k) and all(step(j) == step(k) for j in range(k, k + 6))]
        close = [k for k in (i - 2, i - 1, i) if sum(near(j) for j in range(k, k + 3)) >= 2]
        close = [k for k in close if side(k) and side(k) == side(k + 1) == side(k + 2)]
        runs = [k for k in range(i - 6, i + 1) if side(k) and all(side(j) == side(k) for j in range(k, k + 7))]
        if v is None:
            found.append((None, None, None))
        elif v > upper or v < lower:
            found.append(_told("outside_limits", side(i), direction))
        elif trends:
            found.append(_told("trend", trends[-1], direction))
        elif close and near(i):
            found.append(_told("near_limit", side(i), direction))
        elif runs:
            found.append(_told("shift", side(i), direction))
        else:
            found.append((None, None, "common_cause"))
    return centre, lower, upper, found


def _told(signal, side, direction):
    good = side * direction
    return signal, "high" if side > 0 else "low", {1: "improvement", -1: "concern", 0: "neutral"}[good]


def _random(rng):
    values, level = [], 50.0
    for i in range(48):
        if rng.random() < 0.08:
            level += rng.choice([-4, 4])
        slope = 1.5 if 8 <= i % 24 < 16 and i > 24 else 0
        level += slope
        values.append(None if rng.random() < 0.04 else level + rng.gauss(0, 1.2) + (15 if rng.random() < 0.03 else 0))
    return values


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_second_calculation(seed):
    rng = random.Random(seed)
    seen = set()
    for case in range(60):
        values = _random(rng)
        polarity = rng.choice(["higher_better", "lower_better", "neutral", "target_100"])
        screen, baseline = rng.random() < 0.7, rng.choice([None, None, 12])
        cut = rng.choice([0, 20, 24])
        made = spc_second.chart(
            series(values).sample(fraction=1, shuffle=True, seed=case),
            polarity,
            restarts=[MONTHS[cut]] if cut else [],
            screen=screen,
            baseline=baseline,
        )
        parts = [values[:cut], values[cut:]] if cut else [values]
        direction = {"higher_better": 1, "lower_better": -1}.get(polarity, 0)
        for number, part in enumerate(parts, start=1):
            centre, lower, upper, told = second(part, direction, screen, baseline)
            own = made.points.filter(pl.col("section") == number)
            for column, expected in (("centre", centre), ("lower_limit", lower), ("upper_limit", upper)):
                assert own[column].to_list() == pytest.approx([expected] * own.height, rel=1e-9, abs=1e-9)
            assert own.select("signal", "signal_side", "assessment").rows() == told
            seen |= {signal for signal, _, _ in told}
    assert seen == {None, "outside_limits", "trend", "near_limit", "shift"}


def test_the_last_of_a_rise_before_an_equal_value_belongs_to_the_rise():
    values = np.array([1, 2, 3, 4, 5, 6, 7, 7, 6, 5, 4, 3, 2, 1], dtype=float)
    assert spc_second._signals(values, 4.0, 100.0)["trend"].tolist() == [1] * 7 + [-1] * 7
    turning = np.array([1, 2, 3, 4, 5, 6, 7, 6, 5, 4, 3, 2, 1], dtype=float)
    assert spc_second._signals(turning, 4.0, 100.0)["trend"].tolist() == [1] * 6 + [-1] * 7


# ---- restarts, gaps, refusals


def test_a_restart_gives_each_part_the_limits_it_has_alone():
    values = RQM[:12] + [x / 3 for x in RQM[12:]]
    whole = spc_second.chart(series(values), "lower_better", restarts=[MONTHS[12], "1999-01"])
    assert whole.sections["section"].to_list() == [1, 2]
    for part, (start, end) in enumerate(((0, 12), (12, 24)), start=1):
        alone = spc_second.chart(series(values).slice(start, end - start), "lower_better")
        drop = ["section"]
        assert whole.points.filter(pl.col("section") == part).drop(drop).equals(alone.points.drop(drop))
        assert whole.sections.filter(pl.col("section") == part).drop(drop).equals(alone.sections.drop(drop))


def test_restart_periods_of_successions():
    days = [dt.date(2016, 6, 1), dt.date(2016, 8, 31), dt.date(2016, 9, 1), dt.date(2031, 1, 1)]
    assert spc_second.restarts_at(days, MONTHS) == ["2016-06", "2016-08", "2016-09"]
    assert spc_second.restarts_at([dt.date(2017, 4, 1)], ["2015-16", "2016-17", "2017-18"]) == ["2017-18"]


def test_a_gap_has_no_moving_range_and_breaks_a_run():
    values = [1, 2, 3, 4, None, 5, 6, 7, 8]
    made = spc_second.chart(series(values), "higher_better")
    assert made.points["moving_range"].to_list() == [None, 1, 1, 1, None, None, 1, 1, 1]
    assert not made.points["is_trend"].any()
    assert made.points.row(4, named=True)["assessment"] is None
    assert spc_second.chart(series(values).drop_nulls(), "higher_better").points["is_trend"].all()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "0 values"),
        ([1, 2, 3, 4, 5], "5 values from 2016-04 on; limits need 6."),
        ([5.0] * 12, "never changes"),
        ([1, None] * 8, "No two neighbouring periods"),
    ],
)
def test_withheld_with_a_reason(values, words):
    made = spc_second.chart(series(values), "higher_better")
    assert words in made.reason
    assert made.points["centre"].is_null().all() and made.points["assessment"].is_null().all()
    assert spc_second.assurance(made, "higher_better", 1) is None


def test_a_short_section_is_withheld_alone_and_trial_limits_are_marked():
    made = spc_second.chart(series(RQM[:20]), "lower_better", restarts=[MONTHS[16]])
    assert made.reason is None
    assert made.sections["reason"].to_list() == [None, "4 values from 2017-08 on; limits need 6."]
    assert made.sections["is_trial"].to_list() == [False, True]
    assert spc_second.assurance(made, "lower_better", 1) is None
    assert spc_second.chart(series(RQM[:12]), "lower_better").sections["is_trial"].to_list() == [True]


def test_assurance_by_side():
    made = spc_second.chart(series(RQM), "lower_better")
    assert [spc_second.assurance(made, p, 5000) for p in ("higher_better", "lower_better", "neutral")] == [
        "fails",
        "passes",
        None,
    ]
    assert [spc_second.assurance(made, p, 1) for p in ("higher_better", "lower_better")] == ["passes", "fails"]
    for limit in ("lower_limit", "upper_limit"):
        assert spc_second.assurance(made, "lower_better", made.sections[limit][0]) == "hit_and_miss"


def test_errors_in_words():
    with pytest.raises(MethodError, match="Missing: value"):
        spc_second.chart(pl.DataFrame({"period": ["2016-04"]}), "neutral")
    with pytest.raises(MethodError, match="2016-04 twice"):
        spc_second.chart(pl.DataFrame({"period": ["2016-04"] * 2, "value": [1, 2]}), "neutral")
    with pytest.raises(MethodError, match="no polarity"):
        spc_second.chart(series(RQM), "up")
    with pytest.raises(MethodError, match="not finite"):
        spc_second.chart(series([1.0, float("inf")]), "neutral")
    with pytest.raises(MethodError, match="12 or more"):
        spc_second.chart(series(RQM), "neutral", baseline=6)


def test_many_charts_are_each_ones_own():
    rng = random.Random(1)
    polarities = {"WF04": "lower_better", "ER05": "higher_better"}
    restarts = {"T02": ["2018-04"]}
    keys = [(metric, f"T{i:02d}") for metric in polarities for i in range(5)]
    own = {key: series(_random(rng)) for key in keys}
    frames = [f.with_columns(metric_id=pl.lit(m), provider_code=pl.lit(c)) for (m, c), f in own.items()]
    points, sections = spc_second.charts(
        pl.concat(frames).sample(fraction=1, shuffle=True, seed=1), polarities, restarts=restarts
    )
    assert points.height == 48 * 10 and sections.height == 12
    for (metric, code), frame in own.items():
        made = spc_second.chart(frame, polarities[metric], restarts=restarts.get(code, ()))
        mine = (pl.col("metric_id") == metric) & (pl.col("provider_code") == code)
        for found, expected in ((points, made.points), (sections, made.sections)):
            assert found.filter(mine).drop("metric_id", "provider_code").equals(expected)
    with pytest.raises(MethodError, match="no polarity for ER05"):
        spc_second.charts(pl.concat(frames), {"WF04": "neutral"})
    with pytest.raises(MethodError, match="WF04 T00 2016-04 twice"):
        spc_second.charts(pl.concat([frames[0], frames[0].head(1)]), polarities)
