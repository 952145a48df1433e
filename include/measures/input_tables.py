"""The tables and views that SQL files read: reference data, submissions, what is expected, and records by collection."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import polars as pl
from trust_benchmarks import catalogue, reference, schemas, sql
from trust_benchmarks.reference import calendar

SMALL = 16_000_000  # bytes of Parquet

Types = dict[str, pl.DataType | type[pl.DataType]]


def types(text: str = "", number: str = "", whole: str = "", yes_no: str = "", date: str = "") -> Types:
    """Column names, separated by blanks, by type."""
    by_type: list[tuple[type[pl.DataType], str]] = [
        (pl.String, text),
        (pl.Float64, number),
        (pl.Int64, whole),
        (pl.Boolean, yes_no),
        (pl.Date, date),
    ]
    return {name: dtype for dtype, names in by_type for name in names.split()}


# What a record holds besides its schema's fields.
RECORD = types("submission_id provider_code body sheet", whole="line")
# Of a metric's definition, what SQL reads; `window` is a word of SQL.
METRIC = types("metric_id collection polarity benchmark_default", whole="min_peers_median version window_months")
METRIC |= types("disclosure_class missing_rows window_rule", "tolerates_missing", yes_no="opportunity_root")
METRIC |= {"fed_by": pl.List(pl.String)}
# Submissions that were validated before rows were counted.
UNCOUNTED = "s.is_current AND s.submission_id NOT IN (SELECT submission_id FROM provider_rows)"


class MeasureError(ValueError):
    """Inputs that figures cannot be computed from; the message says what was found and what to do."""


def table(
    db: duckdb.DuckDBPyConnection,
    name: str,
    rows: pl.DataFrame | Sequence[Mapping[str, object] | tuple[object, ...]],
    columns: Types,
) -> None:
    """Makes a table of a frame or of rows, with these columns; a column that a frame lacks is NULL."""
    if not isinstance(rows, pl.DataFrame):
        rows = pl.DataFrame(rows, schema=dict(columns), orient="row")
    absent = [pl.lit(None, dtype).alias(column) for column, dtype in columns.items() if column not in rows.columns]
    frame = rows.with_columns(absent).select(pl.col(column).cast(dtype) for column, dtype in columns.items())
    incoming = frame.to_arrow()  # noqa: F841  (DuckDB reads it by its name)
    db.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM incoming")


def load_declared(db: duckdb.DuckDBPyConnection, collection: str, period: str, known: reference.Tables) -> None:
    """Makes the tables about what is to be computed, and the macros: disclosure, people_parts, parts, holidays, providers, successions, metrics."""
    declared = catalogue.load(collection)
    # Constants, and not a table's only row: each place that asks for them would be planned as a subquery.
    for name, value in (("target_collection", collection), ("target_period", period)):
        constant = duckdb.ConstantExpression(value)
        db.execute(f"CREATE MACRO {name}() AS {constant}")
    table(db, "disclosure", [(declared.disclosure,)], types("regime"))
    table(db, "people_parts", list(declared.people_parts.items()), types("metric_id parts"))
    table(db, "parts", [(part,) for part in declared.parts], types("part"))
    table(db, "holidays", [(one.date,) for one in known.holidays], types(date="day"))
    provider = types("provider_code name sector region kind", date="open_from open_to")
    table(db, "providers", [vars(one) | {"provider_code": one.code} for one in known.providers], provider)
    succession = types("from_code to_code type", date="legal_date")
    table(db, "successions", [vars(one) for one in known.successions], succession)
    metrics = known.metrics_in(calendar.period_start(period))
    table(db, "metrics", [vars(one) | {"window_rule": one.window} for one in metrics], METRIC)
    db.execute(sql.text("measures/_macros.sql"))


def load_records(db: duckdb.DuckDBPyConnection, collection: str, records: Mapping[str, list[Path]]) -> None:
    """Makes the views history and records of a collection, and {other}_history and {other}_records of those that it uses.

    history is every record given, with its submission's period, and records those of the period. Completes the table provider_rows:
    of submissions validated before rows were counted, the records are all that is known.

    Args:
        collection: its name in the catalogue.
        records: Parquet files by collection.

    Raises:
        MeasureError: for records of a submission that is not current in the table submissions.
    """
    for one in sorted({*records, *catalogue.load(collection).uses, collection}):
        prefix = "" if one == collection else f"{one}_"
        _records(db, one, records.get(one, []), prefix)
        if db.execute(f"SELECT 1 FROM submissions AS s WHERE {UNCOUNTED} AND s.collection = ?", [one]).fetchall():
            # A warning on such a submission is on every row, for it is not known on which.
            db.execute(
                f"""INSERT INTO provider_rows
                    SELECT s.submission_id, coalesce(s.provider_code, h.provider_code), count(*), count(*),
                           count(*) FILTER (WHERE s.state = 'accepted_with_warnings')
                    FROM {prefix}history AS h JOIN submissions AS s USING (submission_id) WHERE {UNCOUNTED} GROUP BY ALL"""
            )


def are_small(paths: Sequence[Path]) -> bool:
    """Whether these Parquet files together are small enough to be held in memory."""
    return sum(path.stat().st_size for path in paths) < SMALL


def _records(db: duckdb.DuckDBPyConnection, collection: str, paths: list[Path], prefix: str) -> None:
    columns = RECORD | {name: field.dtype for name, field in schemas.load(collection).fields.items()}
    columns.pop("period", None)  # the submission's counts
    table(db, f"{prefix}no_records", [], columns)
    source = f"SELECT * FROM {prefix}no_records"
    if paths:
        files = ", ".join("'" + str(path).replace("'", "''") + "'" for path in sorted(map(str, paths)))
        source += (
            " UNION ALL BY NAME SELECT COLUMNS(lambda name: name <> 'period') "
            f"FROM read_parquet([{files}], union_by_name = true, hive_partitioning = false)"
        )
    # Small records are read once; large ones stay on disk, read as often as a query needs them and column by column.
    db.execute(f"CREATE TEMP {'TABLE' if are_small(paths) else 'VIEW'} {prefix}given AS {source}")
    strange = db.execute(
        f"SELECT DISTINCT submission_id FROM {prefix}given ANTI JOIN (SELECT submission_id FROM submissions "
        "WHERE is_current AND collection = ?) AS s USING (submission_id) ORDER BY 1 LIMIT 3",
        [collection],
    ).fetchall()
    if strange:
        raise MeasureError(
            f"Records of {collection} belong to submissions that are not current: {', '.join(str(s[0]) for s in strange)}. "
            "Expected records of current submissions only. Give their submissions too, or leave these files out."
        )
    db.execute(
        f"CREATE TEMP VIEW {prefix}history AS SELECT g.*, s.period FROM {prefix}given AS g "
        f"JOIN (SELECT submission_id, period FROM submissions WHERE collection = '{collection}') AS s USING (submission_id)"
    )
    db.execute(f"CREATE TEMP VIEW {prefix}records AS SELECT * FROM {prefix}history WHERE period = target_period()")
