"""Made-up releases in a real warehouse: measures go through what a release adds to them, and are published."""

from contextlib import closing

import duckdb
import flow
import polars as pl
from trust_benchmarks import catalogue, sql
from trust_benchmarks.measures import derived, input_tables, peer_groups
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
    "rank_withheld": pl.String,
}
WITHOUT_SIZES = "drug_tariff"  # a collection that has no bands of size and no nearest neighbours


def figures(rows: list[dict], collection: str, period: str, known) -> dict[str, pl.DataFrame]:
    """The tables of a release, from rows with metric_id, provider_code, numerator, denominator and value."""
    filled = [{"quality_flag": "A", "peer_group": "national", "is_sample": True} | row for row in rows]
    measures = pl.DataFrame(filled, schema=MEASURE)
    return derived.add({"measure": measures} | spreads(measures, collection, period, known), period, known)


def spreads(measures: pl.DataFrame, collection: str, period: str, known) -> dict[str, pl.DataFrame]:
    """The tables about peers and their spreads, made of measures by what production runs."""
    named = collection if collection in catalogue.all() else WITHOUT_SIZES
    with closing(duckdb.connect()) as db:
        input_tables.load_declared(db, named, period, known)
        input_tables.table(db, "measured", measures, MEASURE)
        peer_groups.load(db, named, known)
        db.execute(sql.text("benchmarks/_spreads.sql"))
        made = {"benchmark": "_benchmarks", "peer_benchmark": "_peer_benchmarks"}
        found = {
            name: db.sql(f"{sql.text(f'benchmarks/{script}.sql')} ORDER BY ALL").pl() for name, script in made.items()
        }
        return found | {name: db.table(name).pl() for name in ("peer_group", "peer")}


def put(connection, collection: str, period: str, tables: dict[str, pl.DataFrame], version: int = 1) -> str:
    """Stores the tables as a release and makes it the current one."""
    release_id = f"{collection}-{period}-{version}"
    flow.know(connection, collection)
    (key,) = connection.execute(
        """INSERT INTO core.release (release_id, collection, period, inputs_hash, reference_version, code_version, submissions, is_sample, figures_hash)
           VALUES (%s, %s, %s, %s, 'x', 'x', '{}', true, %s) RETURNING release_key""",
        [release_id, collection, period, release_id, release_id],
    ).fetchone()
    for table, frame in tables.items():
        warehouse.copy(connection, table, frame, release_key=key)
    flow.point(connection, collection, period, release_id)
    return release_id
