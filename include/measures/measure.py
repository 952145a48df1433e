"""Computes the measures, benchmarks and prices of one collection and period: SQL files over current submissions' records.

A pure function of its inputs: no services, nothing kept. DuckDB runs the files of include/sql over the Parquet objects;
figures are the same whatever the order of the files and the number of threads.
"""

import tempfile
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl
from trust_benchmarks import catalogue, reference, schemas
from trust_benchmarks.measures import profiles, size_line
from trust_benchmarks.reference import calendar

SQL = Path(__file__).parent.parent / "sql"
SMALL = 16_000_000  # bytes of Parquet


def _types(text="", number="", whole="", yes_no="", date=""):
    """Column names, separated by blanks, by type."""
    by_type = ((pl.String, text), (pl.Float64, number), (pl.Int64, whole), (pl.Boolean, yes_no), (pl.Date, date))
    return {name: dtype for dtype, names in by_type for name in names.split()}


# What a record holds besides its schema's fields.
RECORD = _types("submission_id provider_code body sheet", whole="line")
SUBMISSIONS = _types(
    "collection period provider_code sender part submission_id state plain_state",
    whole="version rows_read rows_recorded rows_rejected cells_expected cells_valid plain_cells_expected plain_cells_valid",
    yes_no="is_current is_sample on_time identified",
)
EXPECTED = _types("collection period sender")
EXPECTED_IN_FILE = _types("collection period provider_code")
PROVIDER_ROWS = _types("submission_id provider_code", whole="rows_sent rows_used rows_warned")

# Tables of the warehouse's core schema, without release_id: what order their columns stand in, and what sorts them.
OUTPUTS = {
    "measures": (
        "metric_id provider_code numerator denominator value quality_flag percentile_rank peer_group is_sample suppressed "
        "rows_sent rows_used months_covered months_expected completeness withheld rank_withheld",
        ["metric_id", "provider_code"],
    ),
    "benchmarks": (
        "metric_id peer_group providers minimum lower_quartile median upper_quartile maximum is_sample",
        ["metric_id", "peer_group"],
    ),
    "comparisons": (
        "metric_id provider_code benchmark_kind benchmark_value variance is_better opportunity_gbp "
        "stretch_opportunity_gbp adds_to_total adds_over",
        ["metric_id", "provider_code", "benchmark_kind"],
    ),
    "cross_findings": (
        "submission_id rule_id provider_code sheet line column_name raw_value message",
        ["submission_id", "rule_id", "line", "column_name", "raw_value", "message"],
    ),
    "prices_spread": (
        "product_code code_type base_unit description trusts lines spend_gbp lowest lower_quartile median "
        "upper_quartile highest suspects_left_out is_sample",
        ["product_code", "code_type"],
    ),
    "prices_position": (
        "product_code code_type base_unit provider_code lines base_units spend_gbp unit_price_gbp variance_to_median "
        "opportunity_to_median_gbp opportunity_to_lowest_gbp is_sample",
        ["product_id", "provider_code"],  # product_id is in the order of product_code and code_type
    ),
    "price_list": (
        "part line_key product_code pack_code name supplier pack_size unit price_pence price_per_unit_pence "
        "change_on_previous_pence is_sample",
        ["part", "line_key"],
    ),
}
TYPES = _types(
    "metric_id provider_code quality_flag peer_group benchmark_kind submission_id rule_id sheet column_name raw_value "
    "message product_code code_type base_unit description part line_key pack_code name supplier unit withheld rank_withheld adds_over",
    "numerator denominator value percentile_rank minimum lower_quartile median upper_quartile maximum benchmark_value "
    "variance opportunity_gbp stretch_opportunity_gbp spend_gbp lowest highest base_units unit_price_gbp "
    "variance_to_median opportunity_to_median_gbp opportunity_to_lowest_gbp pack_size price_pence "
    "price_per_unit_pence change_on_previous_pence completeness",
    "providers line trusts lines suspects_left_out rows_sent rows_used months_covered months_expected",
    "is_sample is_better adds_to_total suppressed",
)


CROSS_FINDING = {name: TYPES[name] for name in OUTPUTS["cross_findings"][0].split()}
# What a file of measures may give: gbp_per_unit is what one unit of a metric's value is worth; months_covered where not every return of
# the window could be used; withheld why there is no value, where that does not follow from the parts.
COMPUTED = _types(
    "metric_id provider_code withheld", "numerator denominator value gbp_per_unit", whole="months_covered"
)


class MeasureError(ValueError):
    """Inputs that figures cannot be computed from; the message says what was found and what to do."""


@dataclass(frozen=True)
class Inputs:
    """All that the figures of one collection and period depend on.

    Attributes:
        collection: its name in the catalogue.
        period: month '2025-06' or financial year '2016-17'.
        records: Parquet paths of the current submissions' records: the collection's own over the months that its
            measures look back, and those of the collections it uses.
        submissions: one row a submission of that window, columns as in `SUBMISSIONS` (own collection: also those
            that are not current; with every submission that `records` holds). What begins with `plain_` is what it is
            without decisions (left out: the same), and `identified` whether it can be seen to be the return it was sent as.
        expected: one row a return that is due, columns as in `EXPECTED`.
        reference: `reference.load()`.
        provider_rows: rows sent, used and warned about of each provider in the validated submissions of that window,
            columns as in `PROVIDER_ROWS`. Where a submission has none, its records count as all that was sent.
        expected_in_file: the trusts that must be in a national file of the period, columns as in `EXPECTED_IN_FILE`.
        profiles: what the own collection's validated submissions of that window look like as a whole, also of those that no
            longer count; columns as in `profiles.PROFILES`. Of periods before the last three, columns of numbers are enough.
    """

    collection: str
    period: str
    records: dict[str, list[Path]]
    submissions: pl.DataFrame
    expected: pl.DataFrame
    reference: reference.Tables
    provider_rows: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PROVIDER_ROWS))
    expected_in_file: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=EXPECTED_IN_FILE))
    profiles: pl.DataFrame = field(default_factory=profiles.empty)


@dataclass(frozen=True)
class Results:
    """The figures, a frame a table with the columns of `OUTPUTS`; empty where a collection has none."""

    measures: pl.DataFrame
    benchmarks: pl.DataFrame
    comparisons: pl.DataFrame
    cross_findings: pl.DataFrame
    prices_spread: pl.DataFrame
    prices_position: pl.DataFrame
    price_list: pl.DataFrame


def compute(inputs: Inputs, *, threads: int = 2, memory_limit: str = "700MB") -> Results:
    """The figures of one collection and period.

    Args:
        inputs: what they depend on.
        threads: how many threads DuckDB may use; figures do not depend on it.
        memory_limit: what DuckDB may hold in memory before it spills to a temporary folder.

    Raises:
        MeasureError: when records and submissions do not belong together, or a collection has no measures file.
    """
    with tempfile.TemporaryDirectory() as spill, closing(duckdb.connect()) as db:
        db.execute(f"SET threads = {int(threads)}")
        db.execute("SET preserve_insertion_order = false")
        db.execute("SET memory_limit = ?", [memory_limit])
        db.execute("SET temp_directory = ?", [spill])
        _load(db, inputs)
        profiles.load(db, inputs.collection, inputs.profiles)
        size_line.lend(db)
        _run(db, inputs.collection)
        return Results(**{name: _output(db, name) for name in OUTPUTS})


def _run(db, collection: str) -> None:
    """Every SQL file that concerns the collection, each making tables for those after it."""
    own = SQL / "measures" / f"{collection}.sql"
    if not own.exists():
        raise MeasureError(f"There is no {own.name} in include/sql/measures. Write the collection's measures there.")
    for script in ("measures/_returns", "cross/_breaks", f"benchmarks/{collection}"):
        if (SQL / f"{script}.sql").exists():
            db.execute(_sql(script))
    db.execute(_sql("measures/_windows"))
    db.execute(_sql("cross/_past"))
    looked_at = ["cross/_profiles"] + ["cross/_profiles_by_provider"] * profiles.by_provider(collection)
    _union(db, "cross_findings", CROSS_FINDING, [f"cross/{collection}", *looked_at])
    db.execute(_sql("cross/_flags"))
    _union(db, "computed", COMPUTED, [f"measures/{collection}", "measures/_data_quality"])
    for step in ("_measured", "_protected", "_withheld"):
        db.execute(_sql(f"measures/{step}"))
    for name in ("benchmarks", "measures", "comparisons"):
        db.execute(f"CREATE TEMP TABLE {name} AS {_sql(f'benchmarks/_{name}')}")


def _union(db, table: str, columns: dict, scripts: list[str]) -> None:
    """A table of the rows of these scripts, where they exist; a column that one leaves out is NULL."""
    _table(db, f"no_{table}", pl.DataFrame(schema=columns), columns)
    parts = [f"UNION ALL BY NAME ({_sql(one)})" for one in scripts if (SQL / f"{one}.sql").exists()]
    db.execute(f"CREATE TEMP TABLE {table} AS SELECT * FROM no_{table} {' '.join(parts)}")


def _sql(name: str) -> str:
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")


def _output(db, name: str) -> pl.DataFrame:
    columns, keys = OUTPUTS[name]
    types = {column: TYPES[column] for column in columns.split()}
    table = {"prices_spread": "price_spread", "prices_position": "price_position"}.get(name, name)
    if not db.execute("SELECT 1 FROM information_schema.tables WHERE table_name = ?", [table]).fetchall():
        return pl.DataFrame(schema=types)
    selected = ", ".join(f'"{column}"' for column in types)
    query = f"SELECT {selected} FROM {table} WHERE {{}} ORDER BY {', '.join(keys)}"
    slices = ["TRUE"]
    if name == "prices_position":
        # Slice by slice: the positions of ten million lines would else stand in memory twice.
        (last,) = db.execute("SELECT coalesce(max(product_id), 0) FROM price_compared").fetchall()[0]
        step = max(1, -(-last // 16))
        slices = [f"product_id > {first} AND product_id <= {first + step}" for first in range(0, max(1, last), step)]
    frames = [pl.from_arrow(db.sql(query.format(part)).to_arrow_table()).cast(types) for part in slices]
    return pl.concat([pl.DataFrame(schema=types), *frames])


def _load(db, inputs: Inputs) -> None:
    """The tables and views that SQL files read: target, reference data, submissions, expected, and records by collection."""
    tables, declared = inputs.reference, catalogue.load(inputs.collection)
    _table(db, "disclosure", [(declared.disclosure,)], _types("regime"))
    _table(db, "people_parts", list(declared.people_parts.items()), _types("metric_id parts"))
    _table(db, "target", [(inputs.collection, inputs.period)], _types("collection period"))
    _table(db, "holidays", [(h.date,) for h in tables.holidays], _types(date="day"))
    _table(
        db,
        "providers",
        [(p.code, p.name, p.sector, p.region, p.kind, p.open_from, p.open_to) for p in tables.providers],
        _types("provider_code name sector region kind") | _types(date="open_from open_to"),
    )
    _table(
        db,
        "successions",
        [(s.from_code, s.to_code, s.legal_date, s.type) for s in tables.successions],
        _types("from_code to_code") | _types(date="legal_date") | _types("type"),
    )
    _table(
        db,
        "metrics",
        [
            (
                m.metric_id,
                m.collection,
                m.polarity,
                m.benchmark_default,
                m.min_peers_median,
                m.opportunity_root,
                m.version,
                m.fed_by,
                m.disclosure_class,
                m.missing_rows,
                float(m.tolerates_missing),
                m.window_months,
                m.window,
            )
            for m in tables.metrics_in(calendar.period_start(inputs.period))
        ],
        _types("metric_id collection polarity benchmark_default")
        | _types(whole="min_peers_median", yes_no="opportunity_root")
        | _types(whole="version")
        | {"fed_by": pl.List(pl.String)}
        | _types("disclosure_class missing_rows", "tolerates_missing")
        | _types(whole="window_months")
        | _types("window_rule"),
    )
    db.execute(_sql("measures/_macros"))
    for name, frame, types in (
        ("submissions", inputs.submissions, SUBMISSIONS),
        ("expected", inputs.expected, EXPECTED),
        ("provider_rows", inputs.provider_rows, PROVIDER_ROWS),
        ("expected_in_file", inputs.expected_in_file, EXPECTED_IN_FILE),
    ):
        absent = [pl.lit(None, dtype).alias(column) for column, dtype in types.items() if column not in frame.columns]
        _table(db, name, frame.with_columns(absent).select(pl.col(c).cast(dtype) for c, dtype in types.items()), types)
    for collection, paths in inputs.records.items():
        _records(db, collection, paths, "" if collection == inputs.collection else f"{collection}_")
    for collection in {*declared.uses, inputs.collection}:
        if collection not in inputs.records:
            _records(db, collection, [], "" if collection == inputs.collection else f"{collection}_")
    _count_rows(db, inputs, {*declared.uses, *inputs.records, inputs.collection})
    _parts_missing(db, declared)
    db.execute(
        "CREATE TEMP TABLE price_samples AS SELECT provider_code, bool_or(is_sample) AS is_sample FROM submissions "
        "WHERE is_current AND collection = target_collection() AND provider_code IS NOT NULL GROUP BY provider_code"
    )


def _parts_missing(db, declared) -> None:
    """Table parts_missing: the declared parts of a national collection that nobody sent for the period."""
    _table(db, "parts", [(part,) for part in declared.parts], _types("part"))
    db.execute(
        "CREATE TEMP TABLE parts_missing AS WITH received AS (SELECT part FROM submissions WHERE is_current "
        "AND collection = target_collection() AND period = target_period()) "
        "SELECT part FROM parts ANTI JOIN received USING (part) WHERE NOT EXISTS (SELECT 1 FROM received WHERE part = '')"
    )


def _count_rows(db, inputs: Inputs, collections: set[str]) -> None:
    """Completes the table provider_rows: of submissions validated before rows were counted, the records are all that is known.

    A warning on one of those is on every row, for it is not known on which.
    """
    counted = inputs.provider_rows["submission_id"].unique()
    uncounted = inputs.submissions.filter(pl.col("is_current") & ~pl.col("submission_id").is_in(counted.implode()))
    for collection in sorted({*uncounted["collection"]} & collections):
        history = "history" if collection == inputs.collection else f"{collection}_history"
        db.execute(
            "INSERT INTO provider_rows SELECT s.submission_id, coalesce(s.provider_code, h.provider_code), count(*), count(*), "
            f"count(*) FILTER (WHERE s.state = 'accepted_with_warnings') FROM {history} AS h JOIN submissions AS s USING (submission_id) "
            "WHERE s.is_current AND s.submission_id NOT IN (SELECT submission_id FROM provider_rows) GROUP BY ALL"
        )


def _table(db, name: str, rows, types: dict) -> None:
    frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows, schema=types, orient="row")
    db.register("incoming", frame.to_arrow())
    db.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM incoming")
    db.unregister("incoming")


def _records(db, collection: str, paths: list[Path], prefix: str) -> None:
    """Views {prefix}history (every record given, with its submission's period) and {prefix}records (the period's)."""
    types = RECORD | {name: field.dtype for name, field in schemas.load(collection).fields.items()}
    types.pop("period", None)  # the submission's counts
    _table(db, f"{prefix}no_records", pl.DataFrame(schema=types), types)
    source = f"SELECT * FROM {prefix}no_records"
    if paths:
        files = ", ".join("'" + str(path).replace("'", "''") + "'" for path in sorted(map(str, paths)))
        source += (
            " UNION ALL BY NAME SELECT COLUMNS(lambda name: name <> 'period') "
            f"FROM read_parquet([{files}], union_by_name = true, hive_partitioning = false)"
        )
    # Small records are read once; large ones stay on disk, read as often as a query needs them and column by column.
    small = sum(Path(path).stat().st_size for path in paths) < SMALL
    db.execute(f"CREATE TEMP {'TABLE' if small else 'VIEW'} {prefix}given AS {source}")
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
