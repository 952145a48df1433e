"""Every method against a second calculation in pandas, over random returns with blanks, zeros, gaps and ties."""

import math
import re

import pandas as pd
import pytest
import random_returns
import second_calculation as second
from sizes import size
from trust_benchmarks import sql
from trust_benchmarks.measures import measure

NEVER_CAME = ("NOT_ANSWERED", "PART_MISSING", "OTHER_RETURN_MISSING")


@pytest.fixture(
    scope="module",
    params=[(c, seed) for c in second.collections() for seed in range(1, 1 + size(1, 3))],
    ids=lambda p: f"{p[0]}-{p[1]}",
)
def both(request, tmp_path_factory):
    """Inputs, records as pandas, the SQL's results, and the second calculation's metrics by trust."""
    collection, seed = request.param
    inputs, records = random_returns.make(collection, seed, tmp_path_factory.mktemp("records"))
    frames = {name: pd.DataFrame(frame.to_dict(as_series=False)) for name, frame in records.items()}
    metrics = _metrics(inputs, frames)
    return inputs, frames, measure.compute(inputs), metrics, _months(inputs, frames, metrics)


def _months(inputs, frames, metrics):
    """(metric, trust) -> months covered and expected, and whether fewer are shown."""
    about, found = {m.metric_id: m for m in inputs.reference.metrics}, {}
    sent = {n: second.months_sent(inputs, frames, n) for n in (1, 3, 12)}
    own = frames[inputs.collection]
    a_year = int(inputs.period[5:]) > 12
    for metric_id, m in about.items():
        for code in {p.code for p in inputs.reference.providers}:
            expected = 12 if a_year else m.window_months
            found[metric_id, code] = (sent[m.window_months].get(code, 0), expected, m.window == "mark")
            if metric_id.startswith("DQ"):
                due = second.blank(metrics.get(code, {}).get(metric_id, second.NONE)[1])
                covered = int(due or 0) if metric_id == "DQ04" and not a_year else expected
                found[metric_id, code] = (covered, expected, m.window == "mark")
    if hasattr(own_way := second.of(inputs.collection), "months"):
        for code, rows in own.groupby("provider_code"):
            year = rows[[second.in_year(month, inputs.period) for month in rows.period]]
            for metric_id, months in own_way.months(year).items():
                found[metric_id, code] = (months, *found[metric_id, code][1:])
    return found


def _whole(both):
    """The second calculation's values that are whole: {metric: {trust: parts}}."""
    _, _, _, metrics, months = both
    found = {}
    for code, own in metrics.items():
        for metric_id, parts in own.items():
            covered, expected, _ = months[metric_id, code]
            if second.blank(parts[2]) is not None and covered >= expected:
                found.setdefault(metric_id, {})[code] = parts
    return found


def _metrics(inputs, frames):
    own, period = frames[inputs.collection], inputs.period
    reported = set(own[own.period == period].provider_code)
    own_way, found = second.of(inputs.collection), {}
    if hasattr(own_way, "metrics_of_all"):
        found = {c: m for c, m in own_way.metrics_of_all(own, period, frames).items() if c in reported}
    else:
        for code in reported:
            mine = {name: frame[frame.provider_code == code] for name, frame in frames.items()}
            rows = mine[inputs.collection]
            year = rows[[second.in_year(month, period) for month in rows.period]]
            found[code] = own_way.metrics(_float(rows[rows.period == period]), year, period, mine)
    submissions, expected = (pd.DataFrame(f.to_dicts()) for f in (inputs.submissions, inputs.expected))
    if len(expected):
        for code, metrics in second.data_quality(submissions, expected, inputs.collection, period).items():
            found.setdefault(code, {}).update(metrics)
    return found


def _float(frame):
    numeric = [c for c in frame.columns if pd.api.types.is_numeric_dtype(frame[c])]
    blank = [c for c in frame.columns if frame[c].isna().all() and c not in ("sheet", "site_type", "tenure")]
    return frame.assign(**{c: frame[c].astype(float) for c in [*numeric, *blank]})


def _same(found, wanted):
    wanted = second.blank(wanted)
    if found is None or wanted is None:
        return found is None and wanted is None
    return math.isclose(found, wanted, rel_tol=1e-9, abs_tol=1e-9)


def test_what_measures_a_trust_is_worked_out_twice():
    """Every collection whose file of measures computes something, and no other."""
    files = {path.stem: path.read_text() for path in (sql.FOLDER / "measures").glob("[!_]*.sql")}
    assert second.collections() == sorted(
        name for name, text in files.items() if not text.rstrip().endswith("WHERE FALSE")
    )


def test_measures(both):
    inputs, _, results, metrics, months = both
    seen = counted = 0
    for row in results.measures.to_dicts():
        wanted = metrics.get(row["provider_code"], {}).get(row["metric_id"], second.NONE)
        covered, expected, is_marked = months[row["metric_id"], row["provider_code"]]
        assert (row["months_covered"], row["months_expected"]) == (covered, expected), row
        if covered < expected and not is_marked:
            wanted = second.NONE
        counted += second.blank(wanted[2]) is not None
        if row["value"] is None:
            assert row["withheld"] and row["withheld"] not in ("PARTIAL_MONTHS", "PARTIAL_ROWS"), row
        else:
            assert row["withheld"] == ("PARTIAL_MONTHS" if covered < expected else None), row
        assert (row["percentile_rank"] is None) == (row["rank_withheld"] is not None), row
        for name, value in zip(("numerator", "denominator", "value"), wanted, strict=False):
            # A part that stands alone shows no ratio; which of its parts are shown is for the cases to say.
            if name == "value" or second.blank(wanted[2]) is not None:
                assert _same(row[name], value), (row, wanted)
        seen += row["value"] is not None
    assert seen == counted > getattr(second.of(inputs.collection), "FEWEST", 20)
    returns = inputs.submissions.filter(collection=inputs.collection, period=inputs.period, is_current=True).to_dicts()
    flags = {r["provider_code"]: r for r in returns}
    senders = {r["submission_id"]: r["provider_code"] for r in inputs.submissions.to_dicts()}
    crossed = {x["provider_code"] or senders[x["submission_id"]] for x in results.cross_findings.to_dicts()}
    for row in results.measures.to_dicts():
        own = flags.get(row["provider_code"]) or flags.get(None)
        if row["metric_id"].startswith("DQ"):
            assert row["quality_flag"] == ("D" if row["value"] is None else "A")
        elif own is None or row["withheld"] in NEVER_CAME:
            assert (row["quality_flag"], row["value"]) == ("D", None)
        else:
            late = not own["on_time"]
            warned = own["state"] == "accepted_with_warnings" or row["provider_code"] in crossed
            assert row["quality_flag"] == ("C" if late else "B" if warned else "A")


def test_benchmarks_and_ranks(both):
    inputs, _, results, _, _ = both
    groups = {p.code: ["national", f"sector:{p.sector}", f"region:{p.region}"] for p in inputs.reference.providers}
    for code, band in results.peer_groups.filter(basis="size").select("provider_code", "peer_group").rows():
        groups[code].append(band)
    about = {m.metric_id: m for m in inputs.reference.metrics}
    values = {}
    for metric_id, trusts in _whole(both).items():
        for code, (_, _, value, _) in trusts.items():
            for group in groups[code]:
                values.setdefault((metric_id, group), {})[code] = value
    columns = ("providers", "minimum", "lower_quartile", "median", "upper_quartile", "maximum")
    for row in results.benchmarks.to_dicts():
        group = values.get((row["metric_id"], row["peer_group"]), {})
        least = max(5, about[row["metric_id"]].min_peers_median)
        wanted = second.benchmark(group.values(), least, 10 if row["peer_group"] == "national" else 8)
        assert all(_same(row[c], w) for c, w in zip(columns, wanted, strict=True)), (row, wanted)
    assert {(r["metric_id"], r["peer_group"]) for r in results.benchmarks.to_dicts()} >= set(values)
    for row in results.measures.to_dicts():
        group = values.get((row["metric_id"], row["peer_group"]), {})
        wanted = math.nan
        if row["provider_code"] in group:
            wanted = second.percentile(group[row["provider_code"]], group.values(), about[row["metric_id"]].polarity)
        assert _same(row["percentile_rank"], wanted), (row, wanted)


def test_comparisons(both):
    inputs, _, results, _, _ = both
    sector = {p.code: p.sector for p in inputs.reference.providers}
    wanted, whole = {}, _whole(both)
    for m in inputs.reference.metrics:
        values = whole.get(m.metric_id, {})
        least = max(5, m.min_peers_median)
        # A default that begins with a number is a target; else its first word is the kind of benchmark, but for prices.
        number = re.match(r"\d+(\.\d+)?", m.benchmark_default)
        target = float(number[0]) if number else None
        default = "target" if number else {"PP02": "median_price"}.get(m.metric_id, m.benchmark_default.split()[0])
        for code, (_, _, value, worth) in values.items():
            peers = [v[2] for c, v in values.items() if c != code and sector[c] == sector[code]]
            low, high = (second.quantile(peers, s) if len(peers) >= max(8, least) else None for s in (0.25, 0.75))
            kinds = {
                "national_median": second.quantile([v[2] for v in values.values()], 0.5)
                if len(values) >= least
                else None,
                "peer_median": second.quantile(peers, 0.5) if len(peers) >= least else None,
                "peer_lower_quartile": low if m.benchmark_default.startswith("peer_lower") else None,
                "peer_upper_quartile": high if m.benchmark_default.startswith("peer_upper") else None,
                "median_price": 0.0 if m.metric_id == "PP02" else None,
                "lowest_price": 0.0 if m.metric_id == "PP03" else None,
                "target": target,
            }
            for kind, b in kinds.items():
                if b is None:
                    continue
                money = stretch = None
                if kind in ("median_price", "lowest_price"):
                    money = value
                elif m.monetised.startswith("yes:") and second.blank(worth) is not None:
                    money = max(0.0, value - b) * worth
                if m.monetised.startswith("yes:") and second.blank(worth) is not None and low is not None:
                    stretch = max(0.0, value - low) * worth
                good = {
                    "higher_better": value - b,
                    "lower_better": b - value,
                    "target_100": abs(b - 100) - abs(value - 100),
                }.get(m.polarity)
                adds = m.opportunity_root and kind == default and money is not None
                variance = (value - b) / abs(b) if b else None
                wanted[m.metric_id, code, kind] = (b, variance, good, money, stretch, adds)
    rows = {(r["metric_id"], r["provider_code"], r["benchmark_kind"]): r for r in results.comparisons.to_dicts()}
    assert set(rows) == set(wanted)
    for key, row in rows.items():
        b, variance, good, money, stretch, adds = wanted[key]
        assert _same(row["benchmark_value"], b), (row, b)
        assert _same(row["variance"], variance), (row, variance)
        if good is None:
            assert row["is_better"] is None, row
        else:
            assert abs(good) < 1e-9 or row["is_better"] is bool(good > 0), (row, good)
        assert _same(row["opportunity_gbp"], money), (row, money)
        assert _same(row["stretch_opportunity_gbp"], stretch), (row, stretch)
        assert row["adds_to_total"] is bool(adds), row
        assert row["adds_over"] == (_span(inputs.period, row["metric_id"]) if adds else None), row


def _span(period, metric_id):
    """The months that opportunities of the roots of totals are about: two years and a month end in April or March 2025."""
    over = {"PP02": "2024-05..2025-04", "OA05": "2025-02..2025-04", "ER11": "2025-04"}
    return over.get(metric_id, "2024-04..2025-03")


def test_prices(both):
    inputs, frames, results, _, _ = both
    if inputs.collection != "procurement_prices":
        assert results.prices_spread.is_empty() and results.prices_position.is_empty()
        return
    spread, position, _ = second.of("procurement_prices").prices(frames["procurement_prices"], inputs.period)
    got = results.prices_spread.drop("base_unit", "is_sample").rows()
    assert len(got) == len(spread) > 10
    for found, wanted in zip(got, sorted(spread), strict=True):
        assert found[:3] == wanted[:3]
        assert all(_same(f, w) for f, w in zip(found[3:], wanted[3:], strict=True)), (found, wanted)
    got = results.prices_position.drop("base_unit", "is_sample").rows()
    assert len(got) == len(position) > 100
    for found, wanted in zip(got, sorted(position), strict=True):
        assert found[:3] == wanted[:3]
        assert all(_same(f, w) for f, w in zip(found[3:], wanted[3:], strict=True)), (found, wanted)
    # The data hold what they should try: suspects, superseded lines, credits.
    assert results.prices_spread["suspects_left_out"].sum() > 0
