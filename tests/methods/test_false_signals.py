"""How often control charts of series in which nothing changed give a signal, and how often a real change is found."""

import numpy as np
import polars as pl
import pytest
import spc_second
from trust_benchmarks import reference
from trust_benchmarks.reference import calendar

MONTHS = calendar.periods("2022-04", "2024-03")  # two years
RUNS = 300
STATED = 0.04  # of points: docs/methods.md


def share_signalled(make, since=0, runs=RUNS):
    """The share of points that have a signal from a point on, and of the series that have one there."""
    rng = np.random.default_rng(20)
    points, found = 0, 0
    for _ in range(runs):
        frame = pl.DataFrame({"period": MONTHS, "value": make(rng).astype(float)})
        signalled = spc_second.chart(frame, "lower_better").points["signal"].is_not_null()[since:]
        points, found = points + signalled.sum(), found + signalled.any()
    return points / (runs * (len(MONTHS) - since)), found / runs


def independent(rng):
    return 5 + rng.normal(size=24)


def of_counts(rng):
    return rng.poisson(40, 24)


def seasonal(rng):
    return 5 + 1.5 * np.cos(2 * np.pi * np.arange(24) / 12) + 0.5 * rng.normal(size=24)


def autocorrelated(rng):
    steps = np.empty(24)
    steps[0] = rng.normal()
    for at in range(1, 24):
        steps[at] = 0.8 * steps[at - 1] + 0.6 * rng.normal()
    return 5 + steps


@pytest.mark.parametrize("make", [independent, of_counts])
def test_a_flow_in_which_nothing_changes_has_few_signals(make):
    assert share_signalled(make)[0] < STATED


@pytest.mark.parametrize("make", [seasonal, autocorrelated])
def test_seasons_and_levels_would_be_full_of_false_signals(make):
    """Why the catalogue's stocks and seasonal series have no limits (test_signals.py: the view draws none): the rate is then 0."""
    assert share_signalled(make)[0] > 5 * STATED


def test_a_real_change_is_found():
    """From the thirteenth month on the level is higher by three standard deviations."""
    moved = np.repeat([0.0, 3.0], 12)
    assert share_signalled(lambda rng: independent(rng) + moved, since=12)[1] > 0.9


def test_every_metric_with_limits_is_a_flow():
    """Levels at a date and the seasonal rates that the domain notes name have none."""
    series = {metric.metric_id: metric.series for metric in reference.load().metrics}
    assert {series[one] for one in ("WF01", "WF02", "WF03", "WF11", "MP03", "FN02")} == {"stock"}
    assert series["WF04"] == "seasonal"
    assert all(
        series[m.metric_id] == "to_date"
        for m in reference.load().metrics
        if "YTD" in m.period and m.metric_id != "FN02"
    )
