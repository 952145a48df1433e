"""A merger in the middle of a series: as reported and restated agree on the totals, sums come before ratios, and SPC restarts."""

import dataclasses
import datetime as dt
import sys
from pathlib import Path

import flow
import polars as pl
import pytest
import released
from trust_benchmarks import reference
from trust_benchmarks.desk import figure_data
from trust_benchmarks.measures import derived, measure
from trust_benchmarks.stores import warehouse

sys.path.append(str(Path(__file__).resolve().parents[1] / "sql"))
import random_returns
from test_signals import as_flows

SEEDS = (1, 2, 3)
PROTECTED = ("WF02", "WF05", "WF12", "WF13", "WF16")  # counts of people are rounded before anything is made of them
# T01 and T02 become T00 (T02 by way of T03, which closes with it); T04's work is split between two, T05 hands a part to T06.
INTO = {"T01": "T00", "T02": "T00", "T03": "T00"}


def tables(known):
    day = dt.date(2025, 1, 15)
    closed = {"T01": day, "T02": dt.date(2024, 12, 31), "T03": day, "T04": day}
    changes = [
        ("T01", "T00", "merger"),
        ("T02", "T03", "acquisition"),
        ("T03", "T00", "merger"),
        ("T04", "T07", "acquisition"),
    ]
    changes += [("T04", "T08", "acquisition"), ("T05", "T06", "service_transfer"), ("T09", "T09", "rename")]
    return dataclasses.replace(
        known,
        providers=[dataclasses.replace(p, open_to=closed.get(p.code)) for p in known.providers],
        successions=[reference.Succession(a, b, day, kind, "made up", "no") for a, b, kind in changes],
    )


@pytest.fixture(scope="module")
def restated(shared_world, tmp_path_factory):
    """For each seed: workforce measures as reported, as published restated, and as measured over records put under the new code."""
    found = {}
    for seed in SEEDS:
        inputs, _ = random_returns.make("workforce", seed, tmp_path_factory.mktemp("records"))
        # One month at a time, each alone, so that every metric is of this month's records.
        known, name = tables(inputs.reference), f"seed_{seed}"
        inputs = dataclasses.replace(inputs, reference=known)
        results = measure.compute(inputs)
        tables_of = {"benchmark": results.benchmarks, "peer_group": results.peer_groups, "peer": results.peers}
        tables_of |= {"measure": results.measures, "peer_benchmark": results.peer_benchmarks}
        release = derived.add(tables_of, inputs.period, known)
        with warehouse.connect() as connection:
            released.put(connection, name, inputs.period, release)
        merged = tmp_path_factory.mktemp("merged") / "records.parquet"
        frames = [pl.read_parquet(path) for path in inputs.records["workforce"]]
        pl.concat(frames).with_columns(pl.col("provider_code").replace(INTO)).write_parquet(merged)
        under_one = inputs.submissions.with_columns(pl.col("provider_code", "sender").replace(INTO))
        again = measure.compute(
            dataclasses.replace(inputs, records={"workforce": [merged]}, submissions=under_one), threads=2
        )
        found[seed] = name, results.measures.to_dicts(), again.measures
    return found


COLUMNS = ("metric_id", "provider_code", "numerator", "denominator", "value", "reported_by", "withheld")


def published(name):
    rows = flow.rows(f"SELECT {', '.join(COLUMNS)} FROM published.measures_restated WHERE collection = %s", [name])
    return {row[:2]: dict(zip(COLUMNS, row, strict=True)) for row in rows}


@pytest.mark.parametrize("seed", SEEDS)
def test_totals_are_those_that_were_reported(restated, seed):
    name, reported, _ = restated[seed]
    rows = published(name)
    for metric in sorted({r["metric_id"] for r in reported}):
        for part in ("numerator", "denominator"):
            before = [r[part] for r in reported if r["metric_id"] == metric and r[part] is not None]
            after = [row[part] for key, row in rows.items() if key[0] == metric and row[part] is not None]
            assert sum(after) == pytest.approx(sum(before), rel=1e-9, abs=1e-9), (metric, part)
    codes = {code for _, code in rows}
    assert not codes & set(INTO) and {"T04", "T05", "T06", "T07"} <= codes


@pytest.mark.parametrize("seed", SEEDS)
def test_a_restated_value_is_what_the_records_together_give(restated, seed):
    """The second calculation: the metric computed over the records of all ancestors as if one trust had sent them."""
    name, reported, again = restated[seed]
    rows, seen = published(name), 0
    together = {r["metric_id"]: r for r in again.filter(pl.col("provider_code") == "T00").to_dicts()}
    for (metric, code), row in rows.items():
        own = [r for r in reported if r["metric_id"] == metric and r["provider_code"] in row["reported_by"]]
        assert len(own) == len(row["reported_by"])
        if code != "T00" or len(own) == 1:
            assert [row[n] for n in ("numerator", "denominator", "value")] == [
                own[0][n] for n in ("numerator", "denominator", "value")
            ]
            assert row["withheld"] == own[0]["withheld"]
            continue
        if any(r["withheld"] for r in own):
            assert (row["withheld"], row["value"]) == ("PREDECESSOR_MISSING", None)
        elif metric in PROTECTED:  # what is shown is summed: the exact parts are nowhere in a release
            parts = [[r[part] for r in own] for part in ("numerator", "denominator")]
            assert [row["numerator"], row["denominator"]] == pytest.approx([sum(one) for one in parts], rel=1e-9)
            times = own[0]["value"] * own[0]["denominator"] / own[0]["numerator"]
            assert row["value"] == pytest.approx(times * sum(parts[0]) / sum(parts[1]), rel=1e-9), metric
        elif not metric.startswith("DQ"):  # those are about returns, and T00 sends one where four did
            assert row["value"] == pytest.approx(together[metric]["value"], rel=1e-9), metric
            seen += 1
    assert seen >= 5


def test_spc_restarts_at_the_merger_and_goes_on_for_others(shared_world):
    known = tables(dataclasses.replace(reference.load(), providers=random_returns.providers(), successions=[]))
    known = as_flows(known, ["WF13"])
    months = [*random_returns.MONTHS, "2025-05", "2025-06", "2025-07"]
    with warehouse.connect() as connection:
        for at, month in enumerate(months):
            there = [f"T{i:02d}" for i in range(10) if at < 10 or f"T{i:02d}" not in INTO]
            rows = [
                {"metric_id": "WF13", "provider_code": code, "numerator": n, "denominator": 100.0, "value": n}
                for code in there
                for n in [float((1 if code != "T00" or at < 9 else 50) + at % 3)]
            ]
            released.put(connection, "merged", month, released.figures(rows, "merged", month, known))
    rows = flow.rows(
        """SELECT provider_code, period, section, is_restart, centre, withheld FROM published.signals
           WHERE collection = 'merged' AND metric_id = 'WF13' ORDER BY 1, 2"""
    )
    restarts = {(code, period) for code, period, _, is_restart, *_ in rows if is_restart}
    # Giver and taker alike, from the month of the merger on; a rename breaks nothing.
    assert restarts == {(f"T{i:02d}", "2025-01") for i in (0, 1, 2, 3, 4, 5, 6, 7, 8)}
    own = [row for row in rows if row[0] == "T00"]
    centres = {section: centre for _, _, section, _, centre, _ in own}
    assert centres == {1: pytest.approx(2.0), 2: pytest.approx(356 / 7)}
    assert {section for code, _, section, *_ in rows if code == "T09"} == {1}
    totals = flow.rows(
        """SELECT m.period, sum(m.numerator), (SELECT sum(s.numerator) FROM published.measures_restated s
                  WHERE s.collection = 'merged' AND s.period = m.period), count(*),
                  (SELECT count(*) FROM published.measures_restated s WHERE s.collection = 'merged' AND s.period = m.period)
           FROM published.measures m WHERE m.collection = 'merged' GROUP BY m.period ORDER BY 1"""
    )
    assert all(reported == restated for _, reported, restated, *_ in totals)
    assert [(before, after) for *_, before, after in totals] == [(10, 7)] * 10 + [(7, 7)] * 6
    now = flow.rows(
        "SELECT period, value, reported_by FROM published.measures_restated WHERE collection = 'merged' AND provider_code = 'T00' ORDER BY 1"
    )
    # (50 + 1 + 1 + 1 of 400) in the month of the merger, when all four still reported: sums first, then the ratio.
    assert now[9] == ("2025-01", pytest.approx(100 * 53 / 400), ["T00", "T01", "T02", "T03"])
    assert now[10][2] == ["T00"] and now[10][1] == 51.0


def test_a_spread_over_too_few_peers_is_withheld_with_its_reason(shared_world):
    """After the merger seven trusts are left: six peers each, enough for a median."""
    rows = flow.rows(
        """SELECT DISTINCT period < '2025-02', peers, median IS NULL, lower_quartile IS NULL, withheld FROM published.peer_benchmarks
           WHERE collection = 'merged' AND basis = 'sector' ORDER BY 1"""
    )
    assert rows == [
        (False, 6, False, True, "PEERS_TOO_FEW"),
        (True, 9, False, False, None),
    ]
    small = flow.rows(
        "SELECT DISTINCT withheld FROM published.benchmarks WHERE collection = 'merged' AND period > '2025-01'"
    )
    assert small == [("PEERS_TOO_FEW",)]


def test_the_page_of_figures_shows_the_published_limits(shared_world):
    """What the page draws is what published.signals says."""
    asked = {"collection": "merged", "metric": "WF13", "provider": "T00", "period": "2025-07"}
    asked["about"] = {"name": "Training", "unit": "%", "polarity": "higher_better"}
    with warehouse.connect() as connection:
        line = figure_data.series(connection, asked)
        published = connection.execute(
            """SELECT period, centre, lower_limit, upper_limit, signal, assessment FROM published.signals
               WHERE collection = 'merged' AND metric_id = 'WF13' AND provider_code = 'T00' ORDER BY 1"""
        ).fetchall()
    names = ("period", "centre", "lower_limit", "upper_limit", "signal", "assessment")
    assert [tuple(point[name] for name in names) for point in line["points"]] == published
    assert (line["restarts"], line["reason"], len(line["sections"])) == (["2025-01"], None, 2)
    assert [section["values"] for section in line["sections"]] == [9, 7] and line["rule_set"]
