"""Real published files through the warehouse: signals, funnels, peers, cost by size and restated series equal second calculations."""

import math
import statistics

import flow
import numpy as np
import polars as pl
import pytest
import released
import test_funnel
import test_peer_groups
import test_signals
import test_size_adjusted
import test_spc
from test_methods_real import MONTHS, absence, estates  # noqa: F401 (fixtures)
from trust_benchmarks import reference
from trust_benchmarks.measures import funnel
from trust_benchmarks.stores import warehouse

LIMITS = ", ".join(funnel.LIMITS)


@pytest.fixture(scope="module")
def world(shared_world, absence, estates):  # noqa: F811
    """Sickness absence of nine months and maintenance of one year, published."""
    known = test_signals.as_flows(reference.load(), ["WF04"])  # for the limits' sake: its series is seasonal
    with warehouse.connect() as connection:
        for month in MONTHS:
            rows = [
                {"metric_id": "WF04", "provider_code": c, "numerator": n, "denominator": d, "value": 100 * n / d}
                for c, _, n, d in absence.filter(pl.col("period") == month).rows()
            ]
            tables = released.figures(rows, "sickness_absence", month, known)
            released.put(connection, "sickness_absence", month, tables)
        rows = [
            {
                "metric_id": "ES01",
                "provider_code": c,
                "numerator": k,
                "denominator": s,
                "value": k / s if s > 0 else None,
            }
            for c, s, _, k in estates.rows()
        ]
        released.put(connection, "estates", "2019-20", released.figures(rows, "estates", "2019-20", known))


def test_signals_restart_where_trusts_really_merged(world, absence):  # noqa: F811
    found = {}
    for row in flow.rows(
        """SELECT provider_code, period, section, centre, lower_limit, upper_limit, signal, signal_side, assessment, withheld
           FROM published.signals WHERE collection = 'sickness_absence' AND metric_id = 'WF04' ORDER BY 1, 2"""
    ):
        found.setdefault((row[0], row[2]), []).append(row)
    broken = {code for code, section in found if section == 2}
    assert "RW1" in broken  # it acquired R1C on 1 October 2024
    assert {rows[0][1] for (code, section), rows in found.items() if code == "RW1" and section == 2} == {"2024-10"}
    judged = 0
    for (code, _), rows in found.items():
        own = absence.filter(pl.col("provider_code") == code, pl.col("period").is_in([r[1] for r in rows])).sort(
            "period"
        )
        values = [100 * n / d for n, d in own.select("numerator", "denominator").rows()]
        if len(values) < 6:
            assert {row[9] for row in rows} == {f"{len(values)} values from {rows[0][1]} on; limits need 6."}
            continue
        centre, lower, upper, told = test_spc.second(values, -1, True, None)
        assert [row[6:9] for row in rows] == told
        for row in rows:
            assert row[3:6] == pytest.approx((centre, lower, upper), rel=1e-9)
        judged += 1
    assert judged > 200


def test_funnels(world, absence):  # noqa: F811
    for month in (MONTHS[0], MONTHS[-1]):
        own = sorted(absence.filter(pl.col("period") == month).drop("period").rows())
        phi, tau2, limits = test_funnel.second(own, "proportion", 0.1, 100)
        rows = flow.rows(
            f"""SELECT provider_code, {LIMITS}, phi, tau2, value, position FROM published.funnel
                WHERE collection = 'sickness_absence' AND period = %s AND metric_id = 'WF04'""",
            [month],
        )
        assert {row[0] for row in rows} == set(limits)
        for code, *four, own_phi, own_tau2, value, position in rows:
            assert four == pytest.approx(limits[code], rel=1e-9)
            assert (own_phi, own_tau2) == pytest.approx((phi, tau2), rel=1e-9)
            lower, upper = four[2:]  # at 99.8%
            assert (position in ("below_99_8", "above_99_8")) == (not lower <= value <= upper)


def test_cost_adjusted_for_size(world, estates):  # noqa: F811
    used = sorted((c, s, k) for c, s, _, k in estates.rows() if s > 0 and k > 0)
    x, y = [math.log(r[1]) for r in used], [math.log(r[2]) for r in used]
    ols, huber = test_size_adjusted.second_ols(x, y), test_size_adjusted.second_huber(x, y)
    rows = flow.rows(
        """SELECT provider_code, expected_cost_gbp, variance_gbp, scale_effect_gbp + efficiency_effect_gbp, slope, slope_lower, slope_upper, r2
           FROM published.size_adjusted WHERE collection = 'estates' AND withheld IS NULL ORDER BY provider_code COLLATE "C" """
    )
    assert [row[0] for row in rows] == [r[0] for r in used]
    for (_, expected, variance, parts, *line), (code, size, cost) in zip(rows, used, strict=True):
        assert expected == pytest.approx(math.exp(huber[0] + huber[1] * math.log(size)), rel=1e-9)
        assert variance == pytest.approx(
            cost - size * statistics.median(k / s for c, s, k in used if c != code), rel=1e-9, abs=1e-6
        )
        assert parts == pytest.approx(variance, rel=1e-9, abs=1e-6)
        assert line == pytest.approx(ols[1:], rel=1e-9)
    left = flow.rows(
        "SELECT withheld FROM published.size_adjusted WHERE collection = 'estates' AND withheld IS NOT NULL"
    )
    assert len(left) == estates.height - len(used)
    assert {code for (code,) in left} <= {"NO_SIZE_OR_COST", "NOT_ANSWERED", "NO_DENOMINATOR"}


def test_peers_and_what_they_have(world, absence):  # noqa: F811
    month = MONTHS[-1]
    own = absence.filter(pl.col("period") == month)
    values = {c: 100 * n / d for c, _, n, d in own.rows()}
    sizes = {c: d for c, _, _, d in own.rows()}
    cuts = [np.percentile(list(sizes.values()), q) for q in (25, 50, 75)]
    known = {p.code: p for p in reference.load().providers}
    features = own.select("provider_code", days="denominator")
    where = {
        "sector": lambda a, b: known[a].sector == known[b].sector,
        "region": lambda a, b: bool(known[a].region) and known[a].region == known[b].region,
        "size": lambda a, b: sum(sizes[a] > c for c in cuts) == sum(sizes[b] > c for c in cuts),
    }
    listed, spreads = {}, {}
    for code, basis, peer in flow.rows(
        "SELECT provider_code, basis, peer_code FROM published.peers WHERE collection = 'sickness_absence' AND period = %s",
        [month],
    ):
        listed.setdefault((code, basis), set()).add(peer)
    for code, basis, *numbers in flow.rows(
        """SELECT provider_code, basis, peers_with_value, minimum, lower_quartile, median, upper_quartile, maximum, withheld
           FROM published.peer_benchmarks WHERE collection = 'sickness_absence' AND period = %s AND metric_id = 'WF04'""",
        [month],
    ):
        spreads[code, basis] = numbers
    for code in sorted(values):
        alike = {basis: {o for o in values if o != code and same(code, o)} for basis, same in where.items()}
        if code < "RD":
            alike["nearest"] = set(test_peer_groups.second(features, code, ["days"], 10)[0])
        for basis, members in alike.items():
            assert listed.get((code, basis), set()) == members, (code, basis)
            if not members:
                continue
            count, least, lower, median, upper, most, words = spreads[code, basis]
            theirs = [values[m] for m in members]
            assert count == len(theirs)
            wanted = [min(theirs), *np.percentile(theirs, [25, 75]), max(theirs)] if count >= 8 else [None] * 4
            assert [least, lower, upper, most] == pytest.approx(wanted, rel=1e-9)
            assert median == (pytest.approx(statistics.median(theirs), rel=1e-9) if count >= 5 else None)
            assert (words or "").startswith("PEERS_TOO_FEW") == (count < 8)
    assert ("RW1", "nearest") in listed


def test_totals_of_restated_series_are_those_that_were_reported(world, absence):  # noqa: F811
    rows = flow.rows(
        """SELECT period, sum(numerator), sum(denominator), count(*), count(*) FILTER (WHERE cardinality(reported_by) > 1)
           FROM published.measures_restated WHERE collection = 'sickness_absence' AND metric_id = 'WF04' GROUP BY 1 ORDER BY 1"""
    )
    for (period, top, bottom, count, merged), month in zip(rows, MONTHS, strict=True):
        own = absence.filter(pl.col("period") == month)
        assert (period, top, bottom) == (
            month,
            pytest.approx(own["numerator"].sum()),
            pytest.approx(own["denominator"].sum()),
        )
        assert count + merged <= own.height and merged > 0
    # RW1 took over R1C on 1 October 2024: until then the two are added first and divided second.
    parts = absence.filter(pl.col("period") == "2024-09", pl.col("provider_code").is_in(["RW1", "R1C"]))
    value, by = flow.rows(
        "SELECT value, reported_by FROM published.measures_restated WHERE provider_code = 'RW1' AND period = '2024-09' AND metric_id = 'WF04'"
    )[0]
    assert by == ["R1C", "RW1"] and value == pytest.approx(
        100 * parts["numerator"].sum() / parts["denominator"].sum(), rel=1e-9
    )
