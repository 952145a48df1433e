"""Bands of size and nearest neighbours: a second calculation in pandas, never itself, ties by code, missing features, and refusals."""

import random

import numpy as np
import pandas as pd
import polars as pl
import pytest
from trust_benchmarks.measures import peer_groups
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
@pytest.mark.parametrize("bands", [3, 4])
def test_size_bands(seed, bands):
    size = pandas(trusts(seed))["size"].dropna()
    cuts = [size.quantile(k / bands) for k in range(1, bands)]
    found = peer_groups.size_bands(size.to_numpy(), bands)
    assert found == [1 + sum(s > cut for cut in cuts) for s in size] and len(set(found)) > 1


def second(frame, code, names, count):
    """(codes nearest first, distances of all by code) in pandas; ([], None) for a trust that lacks a feature."""
    table = pandas(frame)[names].astype(float).dropna()
    middle = table.median()
    table = (table - middle) / ((table - middle).abs().median() * 1.482602218505602)
    if code not in table.index:
        return [], None
    away = np.sqrt(((table - table.loc[code]) ** 2).sum(axis=1)).drop(code)
    order = pd.DataFrame({"d": away.round(9), "c": away.index}).sort_values(["d", "c"])["c"].tolist()[:count]
    return order, away


def neighbours(frame, names, count):
    """Trust -> its neighbours, nearest first, and their distances; and the features used."""
    found, used = peer_groups.neighbours(frame, names, count)
    near = {}
    for code, peer, distance in found.rows():
        near.setdefault(code, ([], []))[0].append(peer)
        near[code][1].append(distance)
    return near, used


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nearest(seed):
    frame, tied = trusts(seed), False
    near, used = neighbours(frame, NAMES, 8)
    assert used == NAMES
    for code in frame["provider_code"]:
        order, away = second(frame, code, NAMES, 8)
        members, distances = near.get(code, ([], []))
        assert members == order and code not in members
        if order:
            assert distances == pytest.approx(away[order].tolist(), rel=1e-9, abs=1e-12)
            tied |= len(set(away.round(9))) < len(away)
    assert tied and neighbours(frame.sample(fraction=1, shuffle=True, seed=seed), NAMES, 8) == (near, used)


def test_missing_and_flat_features_are_left_out():
    frame = trusts(1)
    near, used = neighbours(frame, [*NAMES, "flag"], 10)
    assert used == NAMES and near == neighbours(frame, NAMES, 10)[0]
    assert set(near) == set(frame.drop_nulls(NAMES)["provider_code"])
    assert neighbours(frame, ["flag"], 10) == ({}, [])
    assert neighbours(frame.clear(), NAMES, 10) == ({}, [])


def test_errors_in_words():
    frame = trusts(1)
    with pytest.raises(MethodError, match=r"T\d\d twice"):
        peer_groups.neighbours(pl.concat([frame, frame]), NAMES, 10)
    with pytest.raises(MethodError, match="Missing: depth"):
        peer_groups.neighbours(frame, ["income", "depth"], 10)
    with pytest.raises(MethodError, match="Name at least one"):
        peer_groups.neighbours(frame, [], 10)
