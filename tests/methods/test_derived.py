"""What a release adds to its measures equals a second calculation, over three seeds of random returns; and what it withholds it says."""

import dataclasses
import datetime as dt
import math
import random
import statistics
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import released
import test_funnel
import test_peer_groups
import test_size_adjusted
from trust_benchmarks import catalogue, reference
from trust_benchmarks.measures import derived, measure
from trust_benchmarks.reference.tables import PeerChoice, SeriesBreak

sys.path.append(str(Path(__file__).resolve().parents[1] / "sql"))
import random_returns

REGIONS = ("London", "North West", "Midlands")
COLLECTIONS = {
    "workforce": ["WF01", "WF03", "WF04", "WF05", "WF09", "WF11", "WF12", "WF13"],
    "estates": ["ES01", "ES02", "ES10"],
}


@pytest.fixture(scope="module", params=[(c, seed) for c in COLLECTIONS for seed in (1, 2, 3)], ids=str)
def release(request):
    """(collection, the reference data, the measures as rows, what a release adds to them)."""
    collection, seed = request.param
    rng = random.Random(f"{collection} {seed}")
    sectors = ["community"] * 18 + ["mental_health"] * 14 + ["combined"] * 7 + ["integrated"]
    trusts = [
        reference.Provider(f"T{i:02d}", f"Trust {i}", sector, rng.choice(REGIONS), "trust", None, None)
        for i, sector in enumerate(sectors)
    ]
    known = dataclasses.replace(
        reference.load(), providers=trusts, successions=[], peer_lists=[PeerChoice("T01", "T02", "made up")]
    )
    measures = []
    for trust in trusts:
        size = rng.lognormvariate(8, 0.8)
        for metric in COLLECTIONS[collection]:
            row = {"metric_id": metric, "provider_code": trust.code, "peer_group": f"sector:{trust.sector}"}
            bottom = round(size * rng.uniform(0.8, 1.2))
            top = round(bottom * rng.betavariate(5, 4) * (2 if metric == "WF12" and rng.random() < 0.1 else 1))
            times = 100 if metric.startswith("WF") else 1
            if rng.random() > (0.6 if metric == "WF05" and seed == 3 else 0.08):
                row |= {"numerator": top, "denominator": bottom, "value": times * top / bottom}
            if metric == "WF01":
                row |= {"numerator": float(bottom), "denominator": None, "value": float(bottom)}
            measures.append(row)
    tables = released.figures(measures, collection, "2024-05" if collection == "workforce" else "2024-25", known)
    return collection, known, tables["measure"].to_dicts(), tables


def of(rows, metric, column):
    return {r["provider_code"]: r[column] for r in rows if r["metric_id"] == metric and r[column] is not None}


def quantile(values, share):
    return float(np.percentile(values, 100 * share, method="linear"))


def test_groups_and_their_spreads(release):
    collection, known, rows, tables = release
    sizes = of(rows, *catalogue.load(collection).size.split("."))
    sizes = {code: size for code, size in sizes.items() if size > 0}
    cuts = [quantile(list(sizes.values()), k / 4) for k in (1, 2, 3)]
    groups = {p.code: [f"region:{p.region}"] for p in known.providers}
    for code, size in sizes.items():
        groups[code].append(f"size:{1 + sum(size > cut for cut in cuts)}")
    stored = {}
    for code, basis, group, _ in tables["peer_group"].rows():
        stored.setdefault(code, {})[basis] = group
    for p in known.providers:
        wanted = {group.split(":")[0]: group for group in groups[p.code]} | {"sector": f"sector:{p.sector}"}
        if p.code in {r["provider_code"] for r in rows}:
            assert stored[p.code] == wanted
    least = {m.metric_id: max(5, m.min_peers_median) for m in known.metrics}
    found = {r[:2]: r[2:] for r in tables["benchmark"].rows() if r[1].startswith(("region", "size"))}
    wanted = {}
    for row in rows:
        for group in groups[row["provider_code"]]:
            wanted.setdefault((row["metric_id"], group), []).append(row["value"])
    assert found.keys() == wanted.keys() and len(found) > 20
    for (metric, group), values in wanted.items():
        values = [v for v in values if v is not None]
        told = [None] * 5
        if len(values) >= least[metric]:
            told[2] = quantile(values, 0.5)
        if len(values) >= max(8, least[metric]):
            told = [min(values), quantile(values, 0.25), told[2], quantile(values, 0.75), max(values)]
        assert found[metric, group][0] == len(values)
        assert same(found[metric, group][1:6], told), (metric, group)
    assert any(row[3] is not None for row in found.values())


def same(found, wanted):
    return all(
        (f is None and w is None) or f == pytest.approx(w, rel=1e-9, abs=1e-9)
        for f, w in zip(found, wanted, strict=True)
    )


def test_nearest_and_own_peers(release):
    collection, _, rows, tables = release
    parts = list(catalogue.load(collection).alike)
    columns = {part: of(rows, *part.split(".")) for part in parts}
    codes = sorted({r["provider_code"] for r in rows})
    frame = pl.DataFrame({"provider_code": codes} | {part: [columns[part].get(c) for c in codes] for part in parts})
    found = {}
    for code, basis, peer, distance, features in tables["peer"].rows():
        assert peer != code and features
        found.setdefault((code, basis), []).append((peer, distance))
    for code in codes:
        order, away = test_peer_groups.second(frame, code, parts, 10)
        near = found.get((code, "nearest"), [])
        assert [peer for peer, _ in near] == order
        assert [d for _, d in near] == pytest.approx([away[peer] for peer in order], rel=1e-9, abs=1e-12)
    assert found["T01", "own_list"] == [("T02", None)]
    assert sum(basis == "nearest" for _, basis in found) > 20


def test_funnels(release):
    _, _, rows, tables = release
    kinds = {m.metric_id: m.funnel for m in reference.load().metrics if m.funnel}
    metrics = [m for m in kinds if any(r["metric_id"] == m for r in rows)]
    found = {r["metric_id"]: {} for r in tables["funnel"].to_dicts()}
    assert sorted(found) == sorted(metrics)
    for row in tables["funnel"].to_dicts():
        found[row["metric_id"]][row["provider_code"]] = row
    for metric in metrics:
        kind = kinds[metric]
        own = [r for r in rows if r["metric_id"] == metric]
        used = [
            (r["provider_code"], r["numerator"], r["denominator"])
            for r in own
            if r["value"] is not None and not (kind == "proportion" and r["numerator"] > r["denominator"])
        ]
        assert set(found[metric]) == {r["provider_code"] for r in own}
        if len(used) < 10:
            assert all(row["withheld"] and row["upper_95"] is None for row in found[metric].values())
            continue
        phi, tau2, limits = test_funnel.second(sorted(used), kind, 0.1, 100)
        for code, row in found[metric].items():
            if code not in limits:
                assert row["withheld"] in ("NOT_REPORTED", "NOT_A_SHARE") and row["position"] is None
                continue
            assert same([row["phi"], row["tau2"]], [phi, tau2])
            assert same([row[name] for name in ("lower_95", "upper_95", "lower_99_8", "upper_99_8")], limits[code])
            assert row["withheld"] is None


def test_cost_by_size(release):
    collection, _, rows, tables = release
    found = {}
    for row in tables["size_cost"].to_dicts():
        found.setdefault(row["metric_id"], {})[row["provider_code"]] = row
    assert sorted(found) == (["ES01", "ES02"] if collection == "estates" else [])
    for metric, trusts in found.items():
        tops, bottoms = of(rows, metric, "numerator"), of(rows, metric, "denominator")
        used = sorted((c, bottoms[c], tops[c]) for c in tops if bottoms.get(c, 0) > 0 and tops[c] > 0)
        x, y = [math.log(r[1]) for r in used], [math.log(r[2]) for r in used]
        ols, huber = test_size_adjusted.second_ols(x, y), test_size_adjusted.second_huber(x, y)
        assert set(trusts) == {r["provider_code"] for r in rows} and len(used) >= 10
        for code, row in trusts.items():
            assert same([row[n] for n in ("slope", "slope_lower", "slope_upper", "r2")], ols[1:])
            assert row["robust_slope"] == pytest.approx(huber[1], rel=1e-9) and row["trusts"] == len(used)
            if code not in {r[0] for r in used}:
                assert row["withheld"] in ("NOT_REPORTED", "NO_SIZE_OR_COST") and row["expected_cost_gbp"] is None
        for code, size, cost in used:
            expected = math.exp(huber[0] + huber[1] * math.log(size))
            middle = statistics.median(k / s for c, s, k in used if c != code)
            row = trusts[code]
            names = ("expected_cost_gbp", "ratio", "opportunity_gbp", "peer_median_share", "variance_gbp")
            names += ("scale_effect_gbp", "efficiency_effect_gbp")
            wanted = [expected, cost / expected, max(0, cost - expected), middle, cost - middle * size]
            wanted += [expected - middle * size, cost - expected]
            for name, number in zip(names, wanted, strict=True):
                assert row[name] == pytest.approx(number, rel=1e-9, abs=1e-6), name


@pytest.mark.parametrize("collection", ["estates", "e_rostering"])
def test_which_metrics_may_be_added(collection, tmp_path):
    """Where a release says that parts add up, each of its values is made of them; and no metric that does is forgotten."""
    inputs, _ = random_returns.make(collection, 1, tmp_path)
    results = measure.compute(inputs)
    rows, tables = (
        results.measures.to_dicts(),
        derived.add({"measure": results.measures}, inputs.period, inputs.reference),
    )
    seen = set()
    for rule in tables["series_rule"].to_dicts():
        own = [r for r in rows if r["metric_id"] == rule["metric_id"] and r["value"] is not None]
        made = {
            times: all(
                r["denominator"] and math.isclose(times * r["numerator"] / r["denominator"], r["value"], rel_tol=1e-9)
                for r in own
            )
            for times in (1, 100, 1000)
        }
        if rule["adds"] == "ratio":
            assert made[rule["times"]], rule
        elif rule["adds"] == "sum":
            assert all(r["numerator"] == r["value"] and r["denominator"] is None for r in own)
        else:
            assert own and not any(made.values()), rule
        seen.add(rule["adds"])
    assert "ratio" in seen and seen == {"estates": {"ratio"}, "e_rostering": {"ratio", None}}[collection]


# By hand ------------------------------------------------------------------------------------------------------------


def known(**changed):
    trusts = [reference.Provider(f"T{i}", f"T{i}", "community", "London", "trust", None, None) for i in range(12)]
    trusts[0] = dataclasses.replace(trusts[0], open_to=dt.date(2024, 6, 30))
    base = dataclasses.replace(reference.load(), providers=trusts, successions=[], series_breaks=[], peer_lists=[])
    return dataclasses.replace(base, **changed)


def rows(metric="WF13", codes=range(12), numerator=50.0, denominator=100.0):
    value = 100 * numerator / denominator
    return [
        {
            "metric_id": metric,
            "provider_code": f"T{i}",
            "numerator": numerator,
            "denominator": denominator,
            "value": value,
        }
        for i in codes
    ]


def test_restarts_count_different_periods_up_to_the_own_one():
    day, merger = dt.date, "merger"
    changes = [
        reference.Succession("T0", "T1", day(2024, 7, 1), merger, "", ""),
        reference.Succession("T2", "T1", day(2024, 7, 20), "service_transfer", "", ""),  # the same month
        reference.Succession("T3", "T3", day(2024, 2, 1), "rename", "", ""),
        reference.Succession("T4", "T1", day(2025, 1, 1), merger, "", ""),  # later
    ]
    breaks = [SeriesBreak("WF13", "", day(2023, 5, 1), "", ""), SeriesBreak("WF12", "T1", day(2024, 1, 1), "", "")]
    one = known(successions=changes, series_breaks=breaks)
    for period, wanted in (
        ("2024-12", [2, 2, 2, 1]),
        ("2024-06", [1, 1, 1, 1]),
        ("2023-04", [0, 0, 0, 0]),
        ("2024-25", [2, 2, 2, 1]),
    ):
        found = released.figures(rows(), "made_up", period, one)["measure"]
        assert (
            found.sort("provider_code")
            .filter(pl.col("provider_code").is_in(["T0", "T1", "T2", "T3"]))["restarts"]
            .to_list()
            == wanted
        )
    split = [reference.Succession("T0", f"T{i}", day(2024, 7, 1), merger, "", "") for i in (1, 2)]
    assert released.figures(rows(), "made_up", "2024-05", known(successions=split))["successor"].is_empty()
    assert released.figures(rows(), "made_up", "2024-05", one)["successor"].rows() == [("T0", "T1")]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (rows(codes=range(9)), "TOO_FEW_FOR_FUNNEL"),
        (rows(numerator=0.0), "NO_EVENTS"),
        ([*rows(codes=range(11)), *rows(codes=[11], numerator=101.0)], "NOT_A_SHARE"),
        ([*rows(codes=range(11)), *rows(codes=[11], numerator=-1.0)], "NEGATIVE_COUNT"),
        ([*rows(codes=range(11)), {"metric_id": "WF13", "provider_code": "T11"}], "NOT_REPORTED"),
        ([*rows(codes=range(11)), *(r | {"withheld": "PARTIAL_ROWS"} for r in rows(codes=[11]))], "PARTIAL_ROWS"),
        ([r | {"value": 1.0} for r in rows()], "NOT_MADE_OF_COUNTS"),
    ],
)
def test_a_funnel_that_is_withheld_says_why(given, code):
    found = released.figures(given, "made_up", "2024-05", known())["funnel"]
    (last,) = found.filter(pl.col("provider_code") == given[-1]["provider_code"]).to_dicts()
    assert last["withheld"] == code and last["upper_95"] is None and last["position"] is None


def test_a_part_of_a_figure_is_nobodys_peer():
    """Marked figures stay as they are, and nothing that is compared changes by them."""
    made = [
        {"metric_id": metric, "provider_code": f"T{i}", "numerator": 100.0 + i, "denominator": 90.0 + 2 * i}
        for metric in ("ES01", "ES10")
        for i in range(12)
    ]
    made = [row | {"value": row["numerator"] / row["denominator"]} for row in made]
    part = {"numerator": 1.0, "denominator": 1000.0, "value": 0.001, "withheld": "PARTIAL_ROWS"}
    marked = [row | part if row["provider_code"] == "T11" else row for row in made]
    one = released.figures(marked, "estates", "2024-25", known())
    silent = [row | dict.fromkeys(part) for row in made if row["provider_code"] == "T11"]
    other = released.figures([r for r in made if r["provider_code"] != "T11"] + silent, "estates", "2024-25", known())
    for table in ("benchmark", "peer", "series_rule"):
        assert one[table].rows() == other[table].rows()
    assert one["measure"].filter(value=0.001).height == 2
    (left_out,) = one["size_cost"].filter(provider_code="T11")["withheld"].unique()
    assert left_out == "PARTIAL_ROWS"
    keys = ["metric_id", "provider_code"]
    rest = [t["size_cost"].filter(pl.col("provider_code") != "T11").sort(keys).rows() for t in (one, other)]
    assert rest[0] == rest[1]


def test_cost_by_size_of_corporate_services():
    """The collection that it was meant for: cost of corporate services against income, where the smaller are the dearer."""
    rng = random.Random(3)
    made = []
    for i in range(12):
        income = 1e8 * 1.3**i
        cost = math.exp(2.0 + 0.8 * math.log(income)) * rng.uniform(0.9, 1.1)
        row = {"metric_id": "CS01", "provider_code": f"T{i}", "value": 100 * cost / income}
        made.append(row | {"numerator": cost, "denominator": income})
    found = released.figures(made, "corporate_services", "2016-17", known())["size_cost"].to_dicts()
    line = test_size_adjusted.second_huber(
        *([math.log(r[part]) for r in made] for part in ("denominator", "numerator"))
    )
    assert len(found) == 12 and 0.7 < line[1] < 0.9
    for row in found:
        assert row["robust_slope"] == pytest.approx(line[1], rel=1e-9)
        assert row["variance_gbp"] == pytest.approx(row["scale_effect_gbp"] + row["efficiency_effect_gbp"])
    # The smaller, the dearer: size alone makes the smallest dear and the largest cheap.
    found.sort(key=lambda row: row["size"])
    assert found[0]["scale_effect_gbp"] > 0 > found[-1]["scale_effect_gbp"]
    few = released.figures(made[:9], "corporate_services", "2016-17", known())["size_cost"].to_dicts()
    assert {row["withheld"] for row in few} == {"TOO_FEW_FOR_LINE"}
    alike = [row | {"denominator": 1e8, "value": row["numerator"] / 1e6} for row in made]
    (reason,) = {
        row["withheld"]
        for row in released.figures(alike, "corporate_services", "2016-17", known())["size_cost"].to_dicts()
    }
    assert reason == "TOO_FEW_FOR_LINE"


def test_every_declared_metric_is_one_and_is_fit_for_its_method():
    metrics = {m.metric_id: m for m in reference.load().metrics}
    for metric in metrics.values():
        if metric.funnel:
            per_cent = metric.funnel == "proportion" or metric.metric_id == "WF05"
            assert metric.denominator and metric.unit == ("%" if per_cent else "per 1,000")
        assert not metric.adjust_for_size or "GBP" in metric.unit
    parts = [part for one in catalogue.all().values() for part in (one.size, *one.alike) if part]
    for metric, column in (part.split(".") for part in parts):
        assert column == "value" or (column in ("numerator", "denominator") and getattr(metrics[metric], column))


def test_a_release_of_nothing_adds_nothing():
    found = released.figures([], "workforce", "2024-05", known())
    assert all(frame.is_empty() for frame in found.values())


def test_the_metric_and_the_table_of_cost_by_size_are_one_line(tmp_path):
    """CS02 is computed among the measures, size_cost after them; both are corporate cost over what the line gives for the income."""
    inputs, _ = random_returns.make("corporate_services", 1, tmp_path)
    results = measure.compute(inputs)
    sized = derived.add({"measure": results.measures}, inputs.period, inputs.reference)["size_cost"]
    ratios = dict(
        sized.filter(pl.col("metric_id") == "CS01").drop_nulls("ratio").select("provider_code", "ratio").rows()
    )
    rows = (
        results.measures.filter(pl.col("metric_id") == "CS02")
        .drop_nulls("value")
        .select("provider_code", "value")
        .rows()
    )
    assert len(rows) > 10 and dict(rows) == pytest.approx(ratios, rel=1e-9)
