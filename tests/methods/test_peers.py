"""Peer groups: a second calculation in pandas, never itself, ties by code, missing features, and refusals."""

import random

import numpy as np
import pandas as pd
import polars as pl
import pytest
from trust_benchmarks.measures import peers
from trust_benchmarks.measures.methods import MethodError

NAMES = ["income", "fte", "beds"]


def trusts(seed, n=40):
    rng = random.Random(seed)
    rows = []
    for i in range(n):
        income = rng.lognormvariate(19, 0.6)
        rows.append(
            {
                "provider_code": f"T{i:02d}",
                "sector": rng.choice(["community", "mental_health", None]),
                "region": rng.choice(["London", "North West", "South West", "Midlands"]),
                "size": rng.choice([None, 100.0, 200.0, income]),
                # Rounded, so that there are ties.
                "income": None if rng.random() < 0.1 else round(income, -8),
                "fte": round(income / 6e4 * rng.uniform(0.8, 1.2), -3),
                "beds": None if rng.random() < 0.1 else float(rng.choice([0, 0, 100, 200, 300])),
                "flag": 1.0,
            }
        )
    rng.shuffle(rows)
    return pl.DataFrame(rows)


def pandas(frame):
    return pd.DataFrame(frame.to_dicts()).set_index("provider_code").sort_index()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_same_sector_or_region(seed):
    frame, table = trusts(seed), pandas(trusts(seed))
    for code in table.index:
        for column in ("sector", "region"):
            own = table.loc[code, column]
            found = peers.alike(frame, code, column)
            if pd.isna(own):
                assert found.members == () and found.reason == f"{code} has no {column}."
                continue
            expected = [c for c in table.index[table[column] == own] if c != code]
            assert list(found.members) == expected and found.value == own
            assert (found.reason is None) == (len(expected) >= 5)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("bands", [3, 4])
def test_size_bands(seed, bands):
    frame, table = trusts(seed), pandas(trusts(seed))
    size = table["size"].dropna()
    cuts = [size.quantile(k / bands) for k in range(1, bands)]
    band = size.map(lambda s: sum(s > cut for cut in cuts))
    for code in table.index:
        found = peers.size_band(frame, code, bands=bands)
        assert set(found.left_out) == set(table.index) - set(size.index)
        if code not in band:
            assert found.members == () and found.reason == f"{code} has no size."
            continue
        assert list(found.members) == [c for c in band.index[band == band[code]] if c != code]
        assert found.value == f"band {band[code] + 1} of {bands}"


def second(frame, code, names, count, scale):
    """(codes nearest first, distances of all by code) in pandas; ([], None) for a trust that lacks a feature."""
    table = pandas(frame)[names].astype(float).dropna()
    if scale == "z":
        table = (table - table.mean()) / table.std(ddof=0)
    else:
        middle = table.median()
        table = (table - middle) / ((table - middle).abs().median() * 1.482602218505602)
    if code not in table.index:
        return [], None
    away = np.sqrt(((table - table.loc[code]) ** 2).sum(axis=1)).drop(code)
    order = pd.DataFrame({"d": away.round(9), "c": away.index}).sort_values(["d", "c"])["c"].tolist()[:count]
    return order, away


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("scale", ["mad", "z"])
def test_nearest(seed, scale):
    frame = trusts(seed)
    tied = False
    for code in sorted(frame["provider_code"]):
        found = peers.nearest(frame, code, NAMES, count=8, scale=scale)
        order, away = second(frame, code, NAMES, 8, scale)
        assert code not in found.members
        assert list(found.members) == order
        if not order:
            assert found.reason.startswith(f"{code} has no ")
            continue
        assert list(found.distances) == pytest.approx(away[order].tolist(), rel=1e-9, abs=1e-12)
        tied |= len(set(away.round(9))) < len(away)
        shuffled = peers.nearest(frame.sample(fraction=1, shuffle=True, seed=seed), code, NAMES, count=8, scale=scale)
        assert shuffled == found
    assert tied


def test_missing_and_flat_features_are_left_out_with_a_reason():
    frame = trusts(1)
    code = frame.drop_nulls(NAMES)["provider_code"].min()
    found = peers.nearest(frame, code, [*NAMES, "flag"])
    assert found.left_out["flag"] == "does not tell trusts apart" and found.value == "income, fte, beds"
    assert found.members == peers.nearest(frame, code, NAMES).members
    for row in frame.filter(pl.any_horizontal(pl.col(NAMES).is_null())).to_dicts():
        assert found.left_out[row["provider_code"]] == "no " + ", ".join(n for n in NAMES if row[n] is None)
    assert peers.nearest(frame, code, ["flag"]).reason == "No feature tells the trusts apart."


def test_own_list():
    frame = trusts(1)
    found = peers.own_list(frame, "T01", ["T05", "T02", "T01", "T05", "ZZZ", "T03"])
    assert found.members == ("T02", "T03", "T05")
    assert found.left_out == {"ZZZ": "not a known trust", "T01": "itself"}
    assert found.reason == "3 peers of T01 by own list; 5 are needed."
    assert peers.own_list(frame, "T01", ["T02", "T03"], fewest=2).reason is None


def test_errors_in_words():
    frame = trusts(1)
    for call in (
        lambda code, f: peers.alike(f, code, "sector"),
        lambda code, f: peers.size_band(f, code),
        lambda code, f: peers.nearest(f, code, NAMES),
        lambda code, f: peers.own_list(f, code, []),
    ):
        with pytest.raises(MethodError, match="ZZZ is not among the 40 trusts"):
            call("ZZZ", frame)
        with pytest.raises(MethodError, match="twice"):
            call("T01", pl.concat([frame, frame]))
    with pytest.raises(MethodError, match="Missing: depth"):
        peers.nearest(frame, "T01", ["income", "depth"])
    with pytest.raises(MethodError, match="Name at least one"):
        peers.nearest(frame, "T01", [])
    with pytest.raises(MethodError, match="no scale"):
        peers.nearest(frame, "T01", NAMES, scale="log")
    with pytest.raises(MethodError, match="Expected 2 to 10"):
        peers.size_band(frame, "T01", bands=1)
