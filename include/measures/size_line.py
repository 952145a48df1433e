"""Lends SQL the line of cost by size: expected_by_size(sizes, costs), a list in the order of the lists given."""

import duckdb


def lend(db: duckdb.DuckDBPyConnection) -> None:
    """Makes expected_by_size known to a connection; the statistics are loaded when it is first asked for.

    It gives what each trust's cost is expected to be at its size (`methods.size_cost`, Huber's line), or NULLs where there is no line.
    Sizes and costs are above 0.
    """
    db.create_function("expected_by_size", _expected, ["DOUBLE[]", "DOUBLE[]"], "DOUBLE[]")


def _expected(sizes: list[float], costs: list[float]) -> list[float | None]:
    import polars as pl

    from . import size_cost

    names = [f"{place:06d}" for place in range(len(sizes))]
    found = size_cost.adjust(pl.DataFrame({"provider_code": names, "size": sizes, "cost": costs}))
    expected = dict(found.effects.select("provider_code", "expected_cost").iter_rows())
    return [expected.get(name) for name in names]
