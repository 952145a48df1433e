"""Rows of the ledger as frames."""

from collections.abc import Mapping
from typing import Any

import polars as pl
import psycopg

Columns = Mapping[str, Any]  # name -> type of polars
VALUES: dict[str, Any] = {"metric_id": pl.String, "provider_code": pl.String, "value": pl.Float64}


def frame(connection: psycopg.Connection, query: str, given: Any, columns: Columns) -> pl.DataFrame:
    """What a query gives, with these types; `given` are its parameters."""
    cursor = connection.execute(query, given)
    names = [column.name for column in cursor.description or ()]
    values = list(zip(*cursor.fetchall(), strict=True)) or [()] * len(names)
    return pl.DataFrame(
        {name: pl.Series(column, dtype=columns[name]) for name, column in zip(names, values, strict=True)}
    )


def values_of(connection: psycopg.Connection, release_id: str) -> pl.DataFrame:
    """The values of a release, with the columns of `VALUES`."""
    query = "SELECT metric_id, provider_code, value FROM core.measure WHERE release_key = core.key_of(%s)"
    return frame(connection, query, [release_id], VALUES)
