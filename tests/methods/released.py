"""Made-up releases in a real warehouse: measures go through what a release adds to them, and are published."""

import flow
import polars as pl
from trust_benchmarks.measures import compared
from trust_benchmarks.stores import warehouse

MEASURE = {
    "metric_id": pl.String,
    "provider_code": pl.String,
    "numerator": pl.Float64,
    "denominator": pl.Float64,
    "value": pl.Float64,
    "quality_flag": pl.String,
    "peer_group": pl.String,
    "is_sample": pl.Boolean,
    "withheld": pl.String,
}
BENCHMARK = {"metric_id": pl.String, "peer_group": pl.String, "providers": pl.Int64}
BENCHMARK |= dict.fromkeys(("minimum", "lower_quartile", "median", "upper_quartile", "maximum"), pl.Float64)
BENCHMARK |= {"is_sample": pl.Boolean}


def figures(rows: list[dict], collection: str, period: str, known) -> dict[str, pl.DataFrame]:
    """The tables of a release, from rows with metric_id, provider_code, numerator, denominator and value."""
    filled = [{"quality_flag": "A", "peer_group": "national", "is_sample": True} | row for row in rows]
    tables = {"measure": pl.DataFrame(filled, schema=MEASURE), "benchmark": pl.DataFrame(schema=BENCHMARK)}
    return compared.add(tables, collection, period, known)


def put(connection, collection: str, period: str, tables: dict[str, pl.DataFrame], version: int = 1) -> str:
    """Stores the tables as a release and makes it the current one."""
    release_id = f"{collection}-{period}-{version}"
    connection.execute(
        """INSERT INTO core.release (release_id, collection, period, inputs_hash, reference_version, code_version, submissions, is_sample, figures_hash)
           VALUES (%s, %s, %s, %s, 'x', 'x', '{}', true, %s)""",
        [release_id, collection, period, release_id, release_id],
    )
    for table, frame in tables.items():
        warehouse.copy(connection, table, frame, release_id=release_id)
    flow.point(connection, collection, period, release_id)
    return release_id
