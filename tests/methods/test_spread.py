"""The spread of a group: DuckDB's quantiles as second calculation, and the counts below which figures are withheld."""

import random

import duckdb
import polars as pl
import pytest
from trust_benchmarks.measures import spread
from trust_benchmarks.measures.methods import MethodError


def values(seed, n=40):
    rng = random.Random(seed)
    rows = [(f"T{i:02d}", None if rng.random() < 0.15 else rng.gauss(50, 9)) for i in range(n)]
    return pl.DataFrame(rows, schema=["provider_code", "value"], orient="row")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_second_calculation(seed):
    frame, rng = values(seed), random.Random(seed)
    db = duckdb.connect()
    for _ in range(30):
        members = [*rng.sample(frame["provider_code"].to_list(), rng.randint(0, 30)), "ZZZ"]
        found = spread.spread(frame, members)
        db.register("v", frame.filter(pl.col("provider_code").is_in(members)).to_arrow())
        ((n, *figures),) = db.execute(
            "SELECT count(value), min(value), quantile_cont(value, 0.25), median(value), quantile_cont(value, 0.75), max(value) FROM v"
        ).fetchall()
        ours = [found.minimum, found.lower_quartile, found.median, found.upper_quartile, found.maximum]
        assert found.providers == n and len(found.without_value) == len(members) - n and "ZZZ" in found.without_value
        if n >= 8:
            assert ours == pytest.approx(figures, rel=1e-9) and found.reason is None
        elif n >= 5:
            assert found.median == pytest.approx(figures[2], rel=1e-9)
            assert ours[:2] + ours[3:] == [None] * 4 and found.reason == f"{n} peers with a value; quartiles need 8."
        else:
            assert ours == [None] * 5 and found.reason == f"{n} peers with a value; a median needs 5."


def test_errors_in_words():
    with pytest.raises(MethodError, match="Missing: value"):
        spread.spread(values(1).drop("value"), [])
    with pytest.raises(MethodError, match="T00 twice"):
        spread.spread(pl.concat([values(1), values(1)]), [])
