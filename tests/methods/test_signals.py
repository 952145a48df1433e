"""published.signals: the view equals methods/spc_second.py and a third calculation point by point, on random series with gaps and restarts."""

import dataclasses
import datetime as dt
import itertools
import random

import flow
import polars as pl
import pytest
import released
import spc_second
import test_spc
from trust_benchmarks import reference
from trust_benchmarks.measures.series import RULE_SET
from trust_benchmarks.reference import calendar
from trust_benchmarks.reference.tables import SeriesBreak
from trust_benchmarks.stores import warehouse

MADE = "made_up"
MONTHS = test_spc.MONTHS[:40]
METRICS = {"WF03": "lower_better", "WF13": "higher_better", "WF09": "neutral", "ER03": "target_100"}
# Metrics whose series have no limits, and a word of the reason.
NONE = {"WF01": "mostly repeats", "WF04": "time of year", "FN03": "year so far", "OA01": "too few events"}
CODES = [f"{letter}{i}" for letter in "ABC" for i in range(6)]  # six trusts a seed


def tables():
    """Made-up trusts: A1 takes over A0 in the middle of a month, B0 only changes its name, and WF13 is counted anew from 2018 on."""
    trusts = [reference.Provider(c, c, "community", "London", "trust", None, None) for c in CODES]
    trusts[0] = dataclasses.replace(trusts[0], open_to=dt.date(2017, 12, 9))
    changes = [
        reference.Succession("A0", "A1", dt.date(2017, 12, 10), "merger", "made up", "no"),
        reference.Succession("B0", "B0", dt.date(2018, 3, 1), "rename", "made up", "no"),
        reference.Succession("B1", "B2", dt.date(2016, 4, 1), "service_transfer", "made up", "no"),  # before all values
    ]
    breaks = [
        SeriesBreak("WF13", "", dt.date(2018, 1, 1), "counted anew", "made up"),
        SeriesBreak("", "C3", dt.date(2018, 9, 30), "another system", "made up"),
    ]
    made = dataclasses.replace(reference.load(), providers=trusts, successions=changes, series_breaks=breaks)
    return as_flows(made, METRICS)


def as_flows(known, metrics):
    """The same reference data, with limits for these metrics, whatever their series are."""
    flows = [dataclasses.replace(m, series="flow") if m.metric_id in metrics else m for m in known.metric_versions]
    return dataclasses.replace(known, metric_versions=flows)


def marks(metric, code):
    """Where the series of a trust must restart."""
    found = {"A0": ["2017-12"], "A1": ["2017-12"], "C3": ["2018-09"]}.get(code, [])
    return sorted({*found, *(["2018-01"] if metric == "WF13" else [])})


@pytest.fixture(scope="module")
def values(shared_world):
    """(metric, trust) -> month -> value or None; a month that is missing has no row at all. All of it is published."""
    found = {}
    for seed, letter in enumerate("ABC", 1):
        rng = random.Random(seed)
        for code in (c for c in CODES if c[0] == letter):
            for metric in METRICS:
                kept = dict(zip(MONTHS, test_spc._random(rng), strict=False))
                found[metric, code] = {m: v for m, v in kept.items() if rng.random() > 0.02}
    found["WF03", "C0"] = dict.fromkeys(MONTHS, 5.0)
    found["WF03", "C1"] = dict.fromkeys(MONTHS[:5], 1.0) | {MONTHS[7]: 2.0}
    found["WF03", "C2"] = {m: float(i) for i, m in enumerate(MONTHS) if i % 2}
    found["WF03", "C4"] = {m: float(i) for i, m in enumerate([*test_spc.MONTHS[:9], *test_spc.MONTHS[8:0:-1]])}
    found["WF03", "C5"] = dict(zip(MONTHS, map(float, [1, 2, 3, 4, 5, 6, 7, 6, 5, 4, 3, 2, 1, 4]), strict=False))
    found["WF05", "A0"] = dict(zip(MONTHS, test_spc._random(random.Random(9)), strict=False))  # twelve months each
    for metric, rng in (
        ("WF01", random.Random(4)),
        ("WF04", random.Random(5)),
        ("FN03", random.Random(6)),
        ("OA01", random.Random(7)),
    ):
        found[metric, "A1"] = dict(zip(MONTHS, test_spc._random(rng), strict=False))
    known = tables()
    with warehouse.connect() as connection:
        for month in MONTHS:
            rows = [
                {"metric_id": metric, "provider_code": code, "value": series[month]}
                for (metric, code), series in found.items()
                if month in series
            ]
            released.put(connection, MADE, month, released.figures(rows, MADE, month, known))
    return found


def signals(source="published.signals"):
    columns = [
        "metric_id",
        "provider_code",
        "period",
        "section",
        "centre",
        "lower_limit",
        "upper_limit",
        "signal",
        "signal_side",
    ]
    columns += ["assessment", "moving_range", "is_restart", "is_trial", "withheld", "rule_set", "value"]
    rows = flow.rows(f"SELECT {', '.join(columns)} FROM {source} WHERE collection = '{MADE}' ORDER BY 1, 2, 3")
    found = {}
    for row in rows:
        found.setdefault(row[:2], []).append(dict(zip(columns, row, strict=True)))
    return found


def close(found, wanted):
    if found is None or wanted is None:
        return found is None and wanted is None
    return found == pytest.approx(wanted, rel=1e-9, abs=1e-9)


def test_every_series_is_judged_as_the_methods_judge_it(values):
    found, seen, sections = signals(), set(), 0
    assert set(found) == set(values)
    for (metric, code), series in values.items():
        rows = found[metric, code]
        assert [row["period"] for row in rows] == sorted(series)
        if metric == "WF05":
            assert all("covers 12 months" in row["withheld"] and row["centre"] is None for row in rows)
            continue
        if metric in NONE:
            assert all(NONE[metric] in row["withheld"] and row["upper_limit"] is row["signal"] is None for row in rows)
            continue
        padded = calendar.periods(min(series), max(series))
        restarts = [mark for mark in marks(metric, code) if mark > padded[0]]
        frame = pl.DataFrame(
            {"period": padded, "value": [series.get(m) for m in padded]}, schema_overrides={"value": pl.Float64}
        )
        chart = spc_second.chart(frame, METRICS[metric], restarts=restarts)
        wanted = {row["period"]: row for row in chart.points.to_dicts()}
        about = {row["section"]: row for row in chart.sections.to_dicts()}
        for row in rows:
            own = wanted[row["period"]]
            for name in ("section", "signal", "signal_side", "assessment", "rule_set", "value"):
                assert row[name] == own[name], (row, own)
            for name in ("centre", "lower_limit", "upper_limit", "moving_range"):
                assert close(row[name], own[name]), (name, row, own)
            section = about[row["section"]]
            assert (row["withheld"], row["is_trial"]) == (section["reason"], section["is_trial"]), (row, section)
            assert row["is_restart"] == (row["section"] > 1 and row["period"] == _first(rows, row["section"]))
            seen.add(row["signal"])
        sections = max(sections, len(about))
    assert seen == {None, "outside_limits", "trend", "near_limit", "shift"} and sections == 3


def _first(rows, section):
    return min(row["period"] for row in rows if row["section"] == section)


def test_a_third_calculation_point_by_point(values):
    found, judged = signals(), 0
    for (metric, code), series in values.items():
        if metric not in METRICS or code in ("C0", "C1", "C2"):
            continue
        padded = calendar.periods(min(series), max(series))
        cuts = [padded[0], *(m for m in marks(metric, code) if m > padded[0]), "9999"]
        direction = {"higher_better": 1, "lower_better": -1}.get(METRICS[metric], 0)
        rows = {row["period"]: row for row in found[metric, code]}
        for start, end in itertools.pairwise(cuts):
            months = [m for m in padded if start <= m < end]
            if sum(series.get(m) is not None for m in months) < spc_second.FEWEST:
                assert all(rows[m]["withheld"] for m in months if m in rows)
                continue
            centre, lower, upper, told = test_spc.second([series.get(m) for m in months], direction, True, None)
            for month, wanted in zip(months, told, strict=True):
                if row := rows.get(month):
                    assert [row[n] for n in ("centre", "lower_limit", "upper_limit")] == pytest.approx(
                        [centre, lower, upper], rel=1e-9
                    )
                    assert (row["signal"], row["signal_side"], row["assessment"]) == wanted
                    judged += 1
    assert judged > 2000


def test_the_limits_in_the_view_are_those_of_the_rule_set(values):
    """The view has the numbers of the rule set written out; a change there needs a migration and another id."""
    text = flow.value("SELECT pg_get_viewdef('published.signals'::regclass)")
    assert RULE_SET == spc_second.RULE_SET
    assert (spc_second.RULE_SET, spc_second.LIMIT, spc_second.SCREEN, spc_second.RUN, spc_second.FEWEST, spc_second.TRIAL_BELOW) == (
        "nhs-making-data-count-1", 2.66, 3.267, 7, 6, 13,
    )  # fmt: skip
    assert "2.66" in text and "3.267" in text
